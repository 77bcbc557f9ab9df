import type { Place } from '../../../vfs/file-system.ts';
import { LRUCache } from 'lru-cache';
import { atMost } from '../../../vfs/lru.ts';

/** How long an upload counts, ms. */
export const REMEMBERED = 10 * 60_000;
/** The pause after a first upload, and the longest, ms. */
const FIRST = 1_000;
export const LONGEST = 60_000;
/** As many uploads as lengthen the pause. */
const COUNTED = 1 + Math.ceil(Math.log2(LONGEST / FIRST));
/** The longest pause where the name is free until the upload: the cloud must not be without the file for long, ms. */
const ABSENT = 4_000;
/** Names, and folders, that are remembered at a time. */
const NAMES = 10_000;

/**
 * When a name may be uploaded again, ms: at once if it was not uploaded in the last ten minutes, otherwise after a
 * pause that doubles with each upload, from a second to a minute. `uploads`: their times. Those later than `now` were
 * recorded before the clock was set back, and do not count.
 */
export function nextUpload(uploads: readonly number[], now: number): number {
  const counted = uploads.filter((at) => at <= now && now - at < REMEMBERED);
  if (counted.length === 0) return -Infinity;
  return Math.max(...counted) + Math.min(LONGEST, FIRST * 2 ** (counted.length - 1));
}

/**
 * Spaces out the uploads of files that are written all the time. Counts by name, not by node: many programs save by
 * renaming a new file over the old one. In memory: after a restart everything is uploaded at once, and then again at
 * growing pauses.
 */
export class UploadPace {
  readonly #now: () => number;
  readonly #uploads = new LRUCache<string, readonly number[]>(atMost(NAMES));
  /** Folders in which a file was replaced by another one, and when. */
  readonly #replaced = new LRUCache<string, number>(atMost(NAMES));

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The cloud has got a content under this name. */
  uploaded(place: Place): void {
    const key = keyOf(place);
    const now = this.#now();
    this.#uploads.set(key, [...(this.#uploads.get(key) ?? []).filter((at) => at <= now), now].slice(-COUNTED));
  }

  /** In this folder a file was renamed over another one. */
  replaced(folder: string): void {
    this.#replaced.set(folder, this.#now());
  }

  /** When a content may be uploaded, ms. `creates`: the cloud has nothing under this name yet. */
  readyAt(place: Place, creates: boolean): number {
    const uploads = this.#uploads.get(keyOf(place));
    if (uploads === undefined) return -Infinity;
    const ready = nextUpload(uploads, this.#now());
    return creates ? Math.min(ready, (uploads.at(-1) ?? 0) + ABSENT) : ready;
  }

  /** Whether programs save in this folder by renaming a new file over the old one: a new file may be on its way there. */
  isReplacing(folder: string): boolean {
    const since = this.#now() - (this.#replaced.get(folder) ?? -Infinity);
    return since >= 0 && since < REMEMBERED;
  }
}

function keyOf({ parent, name }: Place): string {
  return `${parent}/${name}`;
}
