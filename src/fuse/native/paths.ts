import { LRUCache } from 'lru-cache';
import type { Context } from '../../vfs/context.ts';
import type { FileSystem, Place } from '../../vfs/file-system.ts';
import { FsError } from '../../vfs/fs-error.ts';
import type { Attr, NodeId } from '../../vfs/node.ts';
import { splitPath } from '../../vfs/walk.ts';

/** Most folders that are remembered. */
const CAPACITY = 4096;

/** Finds nodes by their paths. Folders are remembered until a change of them is reported. */
export class Paths {
  readonly #fs: FileSystem;
  readonly #folders = new LRUCache<string, NodeId>({ max: CAPACITY });
  readonly #stop: () => void;

  constructor(fs: FileSystem) {
    this.#fs = fs;
    this.#stop = fs.watch((change) => {
      if (change.what === 'entry') this.#folders.delete(key(change.folder, change.name));
    });
  }

  /** @throws ENOENT, ENOTDIR */
  async find(path: string, op: string, context: Context): Promise<Attr> {
    const names = splitPath(path, op);
    const name = names.pop();
    if (name === undefined) return await this.#fs.getattr(this.#fs.root, context);
    return await this.#fs.lookup(await this.#folder(names, context), name, context);
  }

  /** The place of a name, whether or not it exists. @throws EPERM for the root */
  async place(path: string, op: string, context: Context): Promise<Place> {
    const names = splitPath(path, op);
    const name = names.pop();
    if (name === undefined) throw new FsError('EPERM', op, { subject: '/' });
    return { parent: await this.#folder(names, context), name };
  }

  close(): void {
    this.#stop();
  }

  async #folder(names: readonly string[], context: Context): Promise<NodeId> {
    let at = this.#fs.root;
    for (const name of names) {
      const known = this.#folders.get(key(at, name));
      if (known === undefined) {
        const { id, kind } = await this.#fs.lookup(at, name, context);
        if (kind !== 'folder') throw new FsError('ENOTDIR', 'lookup', { subject: name });
        this.#folders.set(key(at, name), id);
        at = id;
      } else at = known;
    }
    return at;
  }
}

function key(folder: NodeId, name: string): string {
  return `${folder}/${name}`;
}
