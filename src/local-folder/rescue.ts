import type { NodeId } from '../vfs/node.ts';
import type { Base } from './base.ts';
import type { Disk } from './disk.ts';
import type { PassParts } from './pass-parts.ts';
import { below, splitLast } from './paths.ts';

/** Looks after files that may have been written after they had lost their place, see `OldFiles`. */
export class Rescue {
  readonly #disk: Disk;
  readonly #base: Base;
  readonly #top: NodeId;

  constructor(disk: Disk, base: Base, top: NodeId) {
    this.#disk = disk;
    this.#base = base;
    this.#top = top;
  }

  /** Sorts what an earlier process has left: what had a place in the folder may have been written by a program in that moment. */
  async sort(): Promise<void> {
    for (const { name, inode } of await this.#disk.leftovers()) {
      const [known] = await this.#base.withInode(inode);
      const path = known && this.#base.path(known, this.#top);
      if (path === undefined) await this.#disk.drop(name);
      else await this.#disk.keep(name, { path, hash: known?.hash, removed: true });
    }
  }

  /** Gives files a name that were written after they had lost their place. */
  async run({ drive, notes, facts, rescued }: PassParts): Promise<void> {
    const { waiting, written } = await this.#disk.review();
    notes.waiting = waiting;
    for (const { name, path, removed } of written) {
      const [above, last] = splitLast(path);
      const parent = (await this.#lead(above)) ? above : '';
      const taken = new Set<string>();
      let at = below(parent, last);
      for (let isFree = removed; !isFree || (await this.#isTaken(at, drive)); isFree = true) {
        const other = facts.conflictName(last, (one) => taken.has(one));
        taken.add(other);
        at = below(parent, other);
      }
      await this.#disk.rescue(name, at);
      if (taken.size > 0) rescued.set(at, last);
      notes.lookAgain(at);
      notes.done += 1;
    }
  }

  /** @returns whether there is this folder, made if need be */
  async #lead(folder: string): Promise<boolean> {
    try {
      for (let names = folder === '' ? [] : folder.split('/'), i = 1; i <= names.length; i++) {
        const path = names.slice(0, i).join('/');
        if ((await this.#disk.look(path)) === null) await this.#disk.mkdir(path, 0o777);
      }
      return true;
    } catch {
      return false;
    }
  }

  async #isTaken(path: string, drive: PassParts['drive']): Promise<boolean> {
    if ((await this.#disk.look(path)) !== null) return true;
    const [above, name] = splitLast(path);
    let id: NodeId | undefined = this.#top;
    for (const one of above === '' ? [] : above.split('/')) id = id && this.#base.at(id, one)?.id;
    return id !== undefined && (await drive.find(id, name).catch(() => undefined)) !== undefined;
  }
}
