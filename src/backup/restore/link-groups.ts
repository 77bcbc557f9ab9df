import type { FsError } from '../../vfs/fs-error.ts';
import type { TreeEntry } from './tree-entry.ts';
import type { WrittenFolder } from './written-folder.ts';

/** A file that is complete. */
export interface MadeFile {
  readonly folder: WrittenFolder;
  readonly name: string | Buffer;
}

export type LinkResult = { readonly made: MadeFile } | { readonly error: FsError };

interface Group {
  result: LinkResult | undefined;
  readonly waiting: ((result: LinkResult) => void)[];
}

/** Files with several names: the first name that comes is written, the others are links to it. */
export class LinkGroups {
  readonly #groups = new Map<string, Group>();

  /** Whether another name of the same file came before; its result is passed on, as soon as it is known. */
  join(entry: TreeEntry, then: (result: LinkResult) => void): boolean {
    const key = keyOf(entry);
    const group = key === undefined ? undefined : this.#groups.get(key);
    if (group === undefined) {
      if (key !== undefined) this.#groups.set(key, { result: undefined, waiting: [] });
      return false;
    }
    if (group.result) then(group.result);
    else group.waiting.push(then);
    return true;
  }

  settle(entry: TreeEntry, result: LinkResult): void {
    const group = this.#groups.get(keyOf(entry) ?? '');
    if (group === undefined || group.result !== undefined) return;
    group.result = result;
    for (const then of group.waiting.splice(0)) then(result);
  }
}

/** Names whose contents differ are not one file, whatever is said about them. */
function keyOf({ link, hash, size }: TreeEntry): string | undefined {
  return link === undefined || hash === undefined ? undefined : `${link}\0${hash}\0${size}`;
}
