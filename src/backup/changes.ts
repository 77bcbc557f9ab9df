import type { NodeRecord } from '../cloud/records.ts';
import { newId as newIdAt } from '../vfs/ids.ts';
import type { BackupIndex } from './backup-index.ts';
import type { BackupChange } from './committer.ts';
import { mirroredOf, type Mirrored } from './mirrored.ts';
import { posixRecord } from './posix-text.ts';
import type { ReadOutcome } from './segment-reader.ts';
import type { SourceAttributes, SourceEntry, SourceMark } from './source-entry.ts';
import type { Tally } from './tally.ts';

/** The place where a node is, or will be. `path` is the one in the source, for reports. */
export interface Spot {
  readonly parent: string;
  readonly name: string;
  readonly path: string;
}

export type ReadContent = ReadOutcome & { readonly state: 'read' };

/** Creates the changes of a space, each with its effect on the index and the counts. */
export class Changes {
  readonly #space: string;
  readonly #index: BackupIndex;
  readonly #tally: Tally;

  constructor(space: string, index: BackupIndex, tally: Tally) {
    this.#space = space;
    this.#index = index;
    this.#tally = tally;
  }

  mkdir(spot: Spot, entry: SourceEntry): BackupChange {
    const intent = { op: 'mkdir', ...this.#new(), ...place(spot), ...born(entry) } as const;
    return { intent, path: spot.path, effect: this.#counted('added', entry) };
  }

  symlink(spot: Spot, entry: SourceEntry): BackupChange {
    const intent = {
      op: 'symlink',
      ...this.#new(),
      ...place(spot),
      ...born(entry),
      target: entry.target ?? '',
    } as const;
    return { intent, path: spot.path, effect: this.#counted('added', entry) };
  }

  /** A new file, or the next version of `before`. */
  put(spot: Spot, { size, digests, attrs }: ReadContent, before: Mirrored | undefined): BackupChange {
    const content = { size, blocks: Buffer.from(digests).toString('base64') };
    const ids = before ? { ...this.#new(), node: before.id } : this.#new();
    const base = before?.version ?? null;
    const intent = { op: 'put', ...ids, version: newId(), base, ...place(spot), ...born(attrs), content } as const;
    const counted = this.#counted(before ? 'changed' : 'added', attrs, before);
    const effect = (record: NodeRecord) => {
      if (before) this.#tally.lost += 1;
      else this.#tally.growth += 1;
      return counted(record);
    };
    return { intent, path: spot.path, effect };
  }

  attr(node: Mirrored, path: string, attrs: SourceAttributes): BackupChange {
    const { xattrs, ...others } = born(attrs);
    const changed = xattrs === undefined ? {} : { xattrs: { ...cleared(node), ...xattrs } };
    const intent = { op: 'attr', ...this.#new(), node: node.id, ...others, ...changed } as const;
    return { intent, path, effect: this.#counted('touched', attrs, node) };
  }

  /** @param mark how the source looks at the new place; of one that only gives way there is none, and it does not count */
  move(node: Mirrored, from: Spot, to: Spot, mark?: SourceMark): BackupChange {
    const intent = { op: 'move', ...this.#new(), node: node.id, ...place(to), from: place(from) } as const;
    return { intent, path: to.path, effect: this.#counted(mark && 'moved', mark ?? node.source, node) };
  }

  remove(node: Mirrored, path: string, seen: number): BackupChange {
    const intent = { op: 'remove', ...this.#new(), node: node.id, base: node.version, seen } as const;
    const effect = async () => {
      this.#tally.done.removed += 1;
      const now = this.#index.get(node.id);
      if (now) await this.#index.remove(now);
      return [];
    };
    return { intent, path, effect };
  }

  #new() {
    return { id: newId(), space: this.#space, node: newId() };
  }

  #counted(what: keyof Tally['done'] | undefined, mark: SourceMark | undefined, before?: Mirrored) {
    return (record: NodeRecord) => {
      if (what) this.#tally.done[what] += 1;
      const known = before && (this.#index.get(before.id) ?? before);
      return this.#index.put(mirroredOf(record, mark), known);
    };
  }
}

function place({ parent, name }: Spot) {
  return { parent, name };
}

export function born({ mode, mtime, birthtime, posix, xattrs }: SourceAttributes) {
  return { mode, mtime, birthtime, posix: posixRecord(posix), ...(xattrs === undefined ? {} : { xattrs }) };
}

/** Removes what the mirror has: what the source has is set again. */
function cleared({ xattrs = {} }: Mirrored): Record<string, null> {
  return Object.fromEntries(Object.keys(xattrs).map((name) => [name, null]));
}

function newId(): string {
  return newIdAt(Date.now());
}
