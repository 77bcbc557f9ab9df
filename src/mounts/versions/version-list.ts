import { LRUCache } from 'lru-cache';
import type { Remote } from '../../cloud/remote.ts';
import type { VersionRecord } from '../../cloud/records.ts';
import type { Context } from '../../vfs/context.ts';
import { FsError, isFsError } from '../../vfs/fs-error.ts';
import { splitExtension } from '../../vfs/name.ts';
import type { NodeId } from '../../vfs/node.ts';

/** How long a list counts as current, ms; a local change of the file ends it sooner. */
const FRESH = 10_000;
const FILES = 512;

/** A kept version and the name that it is shown under. */
export interface NamedVersion {
  readonly name: string;
  readonly record: VersionRecord;
}

/** The kept versions of files, requested from the cloud and cached briefly. */
export class VersionLists {
  readonly #remote: Pick<Remote, 'versions'>;
  readonly #lists = new LRUCache<NodeId, Promise<VersionRecord[]>>({ max: FILES, ttl: FRESH });

  constructor(remote: Pick<Remote, 'versions'>) {
    this.#remote = remote;
  }

  /** Oldest first, as their names sort. A file that the cloud does not know has none. @throws EAGAIN offline */
  async of(node: NodeId, fileName: string, context: Context): Promise<NamedVersion[]> {
    let list = this.#lists.get(node);
    if (list === undefined) {
      list = this.#remote.versions(node, context);
      this.#lists.set(node, list);
      list.catch(() => this.#lists.delete(node));
    }
    try {
      return nameVersions(await list, fileName);
    } catch (error) {
      if (isFsError(error, 'ENOENT')) return [];
      throw unreachable(error, fileName);
    }
  }

  forget(node: NodeId): void {
    this.#lists.delete(node);
  }
}

/**
 * Names that sort by time: `2026-03-01 14.05.09.txt`; of versions created in one second the later ones get a number.
 */
export function nameVersions(records: readonly VersionRecord[], fileName: string): NamedVersion[] {
  const [, extension] = splitExtension(fileName);
  const counts = new Map<string, number>();
  return records
    .toSorted((a, b) => a.created - b.created)
    .map((record) => {
      const time = timeName(record.created);
      const count = (counts.get(time) ?? 0) + 1;
      counts.set(time, count);
      return { name: `${time}${count === 1 ? '' : ` (${count})`}${extension}`, record };
    });
}

/** In the computer's time zone, without characters that some system refuses in names. */
function timeName(time: number): string {
  const at = new Date(time);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}.${two(at.getMinutes())}.${two(at.getSeconds())}`;
}

function unreachable(error: unknown, subject: string): unknown {
  if (!isFsError(error, 'EAGAIN') && !isFsError(error, 'ETIMEDOUT')) return error;
  const reason = 'older versions are in the cloud, which cannot be reached at the moment';
  return new FsError('EAGAIN', 'readdir', { subject, reason, cause: error });
}
