import type { Place } from '../../vfs/file-system.ts';
import { LRUCache } from 'lru-cache';
import { atMost } from '../../vfs/lru.ts';
import type { NodeId } from '../../vfs/node.ts';

/** How long a name waits for the file that continues its history, ms: as long as NTFS waits ("tunneling"). */
const REMEMBERED = 15_000;
const NAMES = 10_000;

interface Former {
  readonly node: NodeId;
  readonly at: number;
}

/**
 * The names that files have lost a moment ago, by a rename or an unlink: the file that takes one of them continues its
 * history, because many programs save like that. In memory only.
 */
export class FreedNames {
  readonly #now: () => number;
  readonly #former = new LRUCache<string, Former>(atMost(NAMES));

  constructor(now: () => number) {
    this.#now = now;
  }

  /** A file has lost the name; `node` of the cloud has its history, if any has. */
  add(place: Place, node: NodeId | undefined): void {
    if (node !== undefined) this.#former.set(keyOf(place), { node, at: this.#now() });
  }

  /** Which node had the name a moment ago, if another one takes it now. */
  take(place: Place, taker: NodeId): NodeId | undefined {
    const key = keyOf(place);
    const former = this.#former.get(key);
    if (former === undefined) return undefined;
    this.#former.delete(key);
    const since = this.#now() - former.at;
    return since >= 0 && since < REMEMBERED && former.node !== taker ? former.node : undefined;
  }
}

function keyOf({ parent, name }: Place): string {
  return `${parent}/${name}`;
}
