import type { NodeRecord } from '../cloud/records.ts';
import { newId as newIdAt } from '../vfs/ids.ts';
import type { BackupIndex } from './backup-index.ts';
import type { CloudState } from './cloud-state.ts';
import type { BackupChange } from './committer.ts';
import { mirroredOf, type Mirrored } from './mirrored.ts';
import { posixRecord } from './posix-text.ts';
import type { ReadOutcome } from './segment-reader.ts';
import type { StoreOp } from './store.ts';
import type { SourceAttributes, SourceEntry, SourceMark } from './source-entry.ts';
import type { Tally } from './tally.ts';

/** The place where a node is, or will be. `path` is the one in the source, for reports. */
export interface EntryPlace {
  readonly parent: string;
  readonly name: string;
  readonly path: string;
}

export type ReadContent = ReadOutcome & { readonly state: 'read' };

/** Creates the changes of a space, each with its effect on the index and the counts. */
export class Changes {
  readonly #space: string;
  readonly #index: BackupIndex;
  readonly #cloud: CloudState;
  readonly #tally: Tally;

  constructor(space: string, index: BackupIndex, cloud: CloudState, tally: Tally) {
    this.#space = space;
    this.#index = index;
    this.#cloud = cloud;
    this.#tally = tally;
  }

  mkdir(place: EntryPlace, entry: SourceEntry): BackupChange {
    const intent = { op: 'mkdir', ...this.#new(), ...this.#place(place), ...born(entry) } as const;
    return { intent, path: place.path, effect: this.#counted('added', entry) };
  }

  symlink(place: EntryPlace, entry: SourceEntry): BackupChange {
    const intent = {
      op: 'symlink',
      ...this.#new(),
      ...this.#place(place),
      ...born(entry),
      target: entry.target ?? '',
    } as const;
    return { intent, path: place.path, effect: this.#counted('added', entry) };
  }

  /** A new file, or the next version of `before`. */
  put(place: EntryPlace, { size, digests, attrs }: ReadContent, before: Mirrored | undefined): BackupChange {
    const content = { size, blocks: digests };
    const ids = before ? { ...this.#new(), node: before.id } : this.#new();
    const base = before?.version ?? null;
    const intent = {
      op: 'put',
      ...ids,
      version: newId(),
      base,
      ...this.#place(place),
      ...born(attrs),
      content,
    } as const;
    const counted = this.#counted(before ? 'changed' : 'added', attrs, before);
    const effect = (record: NodeRecord) => {
      if (before) this.#tally.lost += 1;
      else this.#tally.growth += 1;
      return counted(record);
    };
    return { intent, path: place.path, effect };
  }

  attr(node: Mirrored, path: string, attrs: SourceAttributes): BackupChange {
    const { xattrs, ...others } = born(attrs);
    const changed = xattrs === undefined ? {} : { xattrs: { ...cleared(node), ...xattrs } };
    const intent = { op: 'attr', ...this.#new(), node: node.id, ...others, ...changed } as const;
    return { intent, path, effect: this.#counted('touched', attrs, node) };
  }

  /** @param mark how the source looks at the new place; of one that only gives way there is none, and it does not count */
  move(node: Mirrored, from: EntryPlace, to: EntryPlace, mark?: SourceMark): BackupChange {
    const intent = { op: 'move', ...this.#new(), node: node.id, ...this.#place(to), from: this.#place(from) } as const;
    return { intent, path: to.path, effect: this.#counted(mark && 'moved', mark ?? node.source, node) };
  }

  /** Of a node that was moved in the cloud, or is in the way of one: what the index says of it stays. */
  putBack(node: Mirrored, from: EntryPlace, to: EntryPlace): BackupChange {
    const intent = { op: 'move', ...this.#new(), node: node.id, ...this.#place(to), from: this.#place(from) } as const;
    const effect = (record: NodeRecord) =>
      this.#index.drift.observe(record.id, mirroredOf(record), this.#index.get(record.id));
    return { intent, path: to.path, effect };
  }

  /** A folder in place of one that was removed in the cloud: a new one, or `there`. `done` gives the effect on the index. */
  recreate(
    place: EntryPlace,
    folder: {
      readonly node: Mirrored;
      readonly entry: SourceEntry | undefined;
      readonly there: Mirrored | undefined;
      readonly done: (after: Mirrored) => StoreOp[];
    },
  ): BackupChange {
    const { node, entry, there, done } = folder;
    const { path } = place;
    const { posix, xattrs = {}, mode, mtime, birthtime } = entry ?? node;
    const attrs = { mode, mtime, birthtime, xattrs, ...(posix === undefined ? {} : { posix: posixRecord(posix) }) };
    const effect = (record: NodeRecord) => {
      this.#tally.done.added += 1;
      return done(mirroredOf(record, entry ?? node.source));
    };
    if (!there) return { intent: { op: 'mkdir', ...this.#new(), ...this.#place(place), ...attrs }, path, effect };
    return { intent: { op: 'attr', ...this.#new(), node: there.id, ...attrs }, path, effect };
  }

  remove(node: Mirrored, path: string): BackupChange {
    const seen = this.#index.state?.cursor ?? 0;
    const intent = { op: 'remove', ...this.#new(), node: node.id, base: node.version, seen } as const;
    const effect = async () => {
      this.#tally.done.removed += 1;
      const now = this.#index.get(node.id);
      if (now) await this.#index.remove(now);
      return this.#index.drift.clear(node.id);
    };
    return { intent, path, effect };
  }

  #place({ parent, name }: EntryPlace) {
    return { parent: this.#cloud.folder(parent), name };
  }

  #new() {
    return { id: newId(), space: this.#space, node: newId() };
  }

  #counted(what: keyof Tally['done'] | undefined, mark: SourceMark | undefined, before?: Mirrored) {
    return (record: NodeRecord) => {
      if (what) this.#tally.done[what] += 1;
      const known = before && (this.#index.get(before.id) ?? before);
      return [...this.#index.drift.clear(record.id), ...this.#index.put(mirroredOf(record, mark), known)];
    };
  }
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
