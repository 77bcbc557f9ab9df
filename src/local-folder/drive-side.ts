import type { Context } from '../vfs/context.ts';
import type { FileSystem } from '../vfs/file-system.ts';
import { isFsError, isGone } from '../vfs/fs-error.ts';
import { isLitter } from '../vfs/name.ts';
import type { Attr, NodeId } from '../vfs/node.ts';
import { children, find } from '../vfs/walk.ts';
import type { Base } from './base.ts';
import { asideName, isAside, originalName } from './hidden-folder.ts';
import type { Known } from './known.ts';
import { HaltError } from './pass-notes.ts';

export interface DriveSideOptions {
  readonly fs: FileSystem;
  readonly base: Base;
  readonly top: NodeId;
  readonly context: Context;
}

/** The drive's folder, seen from the local one. */
export class DriveSide {
  readonly #options: DriveSideOptions;

  constructor(options: DriveSideOptions) {
    this.#options = options;
  }

  /** What has become of a node, under the id that it has now; undefined if it is not in the folder any more. */
  async get(id: NodeId): Promise<Attr | undefined> {
    const { fs, context, base } = this.#options;
    try {
      const attr = await fs.getattr(id, context);
      // Two nodes may have become one.
      if (attr.id !== id) await base.rename(id, attr.id);
      return (await this.pathOf(attr)) === undefined ? undefined : attr;
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  /** The names from the folder to a node, with '/'; undefined if it is not in it. */
  async pathOf(attr: Attr): Promise<string | undefined> {
    const { fs, top, context } = this.#options;
    const names: string[] = [];
    for (let at = attr; at.id !== top;) {
      if (at.parent === at.id || names.length > 4096) return undefined;
      names.unshift(at.name);
      try {
        at = await fs.getattr(at.parent, context);
      } catch (error) {
        if (isGone(error)) return undefined;
        throw error;
      }
    }
    return names.join('/');
  }

  find(folder: NodeId, name: string): Promise<Attr | undefined> {
    return find(this.#options.fs, folder, name, this.#options.context);
  }

  children(folder: NodeId): AsyncGenerator<Attr> {
    return children(this.#options.fs, folder, this.#options.context);
  }

  /** A folder that is known, made again if the drive has removed it. @returns its id now @throws HaltError if the top is gone */
  async folder(id: NodeId): Promise<NodeId> {
    const { base, fs, top, context } = this.#options;
    const there = await this.get(id);
    if (there) return there.id;
    if (id === top) throw new HaltError({ kind: 'remote-gone', reason: 'the folder of the drive was removed' });
    const known = base.get(id);
    if (!known) throw new HaltError({ kind: 'remote-gone', reason: 'a folder of the drive was removed' });
    const parent = await this.folder(known.parent);
    const holder = await this.find(parent, known.name);
    const made =
      holder?.kind === 'folder' && !base.get(holder.id)
        ? holder
        : await fs.mkdir(parent, known.name, { mode: known.mode }, context);
    await base.rename(id, made.id);
    return made.id;
  }

  /** Gives a node another name for as long as something else needs its own. */
  async putAside(attr: Attr): Promise<void> {
    const { fs, context } = this.#options;
    const to = { parent: attr.parent, name: asideName(attr.id, attr.name) };
    await fs.rename(attr, to, { noReplace: true }, context);
  }

  /** Gives a node that was put aside and stays its name back, or another one if that is taken. */
  async putBack(attr: Attr, other: (name: string) => string): Promise<void> {
    const { fs, context } = this.#options;
    if (!isAside(attr.name)) return;
    const name = originalName(attr.name);
    try {
      await fs.rename(attr, { parent: attr.parent, name }, { noReplace: true }, context);
    } catch (error) {
      if (!isFsError(error, 'EEXIST')) throw error;
      await fs.rename(attr, { parent: attr.parent, name: other(name) }, { noReplace: true }, context);
    }
  }

  /** Whether the drive has a node as it was agreed on, and all that is in it. */
  async isAsAgreed(known: Known, attr: Attr): Promise<boolean> {
    const inPlace = attr.parent === known.parent && (attr.name === known.name || isAside(attr.name));
    if (!inPlace || attr.kind !== known.kind) return false;
    if (attr.kind !== 'folder') return attr.version === known.version;
    for await (const child of this.children(attr.id)) {
      if (isLitter(child.name)) continue;
      const one = this.#options.base.get(child.id);
      if (!one || !(await this.isAsAgreed(one, child))) return false;
    }
    return true;
  }
}
