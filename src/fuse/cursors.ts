import { background } from '../vfs/context.ts';
import type { FileSystem } from '../vfs/file-system.ts';
import type { NodeId } from '../vfs/node.ts';
import { pages } from '../vfs/walk.ts';
import type { Inode } from './inode.ts';

/** Most names whose cookies are remembered, over all folders. */
const ROOM = 200_000;

/** The position after `.` and `..`, which every folder has and the port does not list. */
export const DOT_DOT = 2;

/**
 * Positions in listings. A cookie is a hash of the name after which the listing continues, so it stays valid whatever
 * is added or removed, also across rewinds. The names of cookies are remembered for the most recently listed folders;
 * for others they are found by listing the folder again.
 */
export class Cursors {
  readonly #fs: FileSystem;
  readonly #folders = new Map<Inode, Map<number, string>>();
  /** The folder that was listed last, which is usually the one that is being listed. */
  #last: { readonly folder: Inode; readonly names: Map<number, string> } | undefined;
  #count = 0;

  constructor(fs: FileSystem) {
    this.#fs = fs;
  }

  /** The cookie of a name in a response. */
  remember(folder: Inode, name: string): number {
    const cookie = cookieOf(name);
    const names = this.#recent(folder);
    if (!names.has(cookie)) this.#count++;
    names.set(cookie, name);
    return cookie;
  }

  /** The name after which to continue; `undefined` if it is not remembered. */
  recall(folder: Inode, cookie: number): string | undefined {
    return this.#folders.get(folder)?.get(cookie);
  }

  /** Finds the name by listing the folder. Resolves to the empty name, which sorts before all others, if it is gone. */
  async search(folder: NodeId, cookie: number): Promise<string> {
    for await (const { entries } of pages(this.#fs, folder, background)) {
      const found = entries.find(({ name }) => cookieOf(name) === cookie);
      if (found !== undefined) return found.name;
    }
    return '';
  }

  #recent(folder: Inode): Map<number, string> {
    if (this.#last?.folder === folder) return this.#last.names;
    const names = this.#folders.get(folder) ?? new Map<number, string>();
    this.#folders.delete(folder);
    this.#folders.set(folder, names);
    this.#last = { folder, names };
    for (const [oldest, names] of this.#folders) {
      if (this.#count <= ROOM || oldest === folder) break;
      this.#count -= names.size;
      this.#folders.delete(oldest);
    }
    return names;
  }
}

/** A hash of 53 bits, above the reserved positions and below 2^63, as the kernel requires. */
export function cookieOf(name: string): number {
  let low = 0x811c9dc5;
  let high = 0xdeadbeef;
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x5f356495);
    high ^= high >>> 13;
  }
  return (high >>> 11) * 2 ** 32 + (low >>> 0) + DOT_DOT + 1;
}
