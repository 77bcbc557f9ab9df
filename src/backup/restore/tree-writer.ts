import {
  linkSync,
  lstatSync,
  mkdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  type BigIntStats,
} from 'node:fs';
import { asFsError, FsError } from '../../vfs/fs-error.ts';
import type { AttributeWriter } from './attribute-writer.ts';
import type { Contents } from './contents.ts';
import { entryFailure } from './failure.ts';
import { LinkGroups, type LinkResult, type MadeFile } from './link-groups.ts';
import { localHash } from './local-content.ts';
import { isSafeName, OpenFolder } from './open-folder.ts';
import { partPath } from './part-file.ts';
import type { EntryAttributes, TreeEntry } from './tree-entry.ts';
import { WrittenFolder, type FolderState } from './written-folder.ts';

/** What becomes of an entry. `kept`: it was there already. */
export type Outcome = 'written' | 'kept';

export interface TreeObserver {
  readonly received: (entry: TreeEntry, bytes: number) => void;
  readonly done: (entry: TreeEntry, outcome: Outcome) => void;
  /** The others go on, unless this throws. */
  readonly failed: (entry: TreeEntry, error: FsError) => void;
}

export interface TreeWriterOptions {
  /** The folder to write into; made if there is none, but not those above it. */
  readonly target: string;
  readonly contents: Contents;
  readonly attributes: AttributeWriter;
  readonly observer: TreeObserver;
  /** Whether files and symlinks that differ are replaced. A folder never is. */
  readonly overwrite: boolean;
  /** Compares only. */
  readonly dryRun?: boolean;
  readonly signal: AbortSignal;
}

/** Folders that are held open for files under way, at a time. */
const OPEN_FOLDERS = 200;

/**
 * Writes a tree below a folder. Every file gets its name when it is whole; nothing outside of the folder is touched, whatever the
 * names and symlinks of the tree are; a folder gets its attributes when all that is in it is done. An entry that cannot be
 * written does not stop the others. A run that was ended at any point is continued by the next one.
 */
export class TreeWriter {
  readonly #options: TreeWriterOptions;
  readonly #links = new LinkGroups();
  readonly #open = new Set<WrittenFolder>();

  constructor(options: TreeWriterOptions) {
    this.#options = options;
  }

  /**
   * @param entries every folder directly before all that is below it
   * @param attributes of the target folder itself
   * @throws FsError when it cannot go on at all; what `entries` throws
   */
  async run(entries: AsyncIterable<TreeEntry> | Iterable<TreeEntry>, attributes?: EntryAttributes): Promise<void> {
    const { contents, signal } = this.#options;
    const path: WrittenFolder[] = [this.#top(attributes)];
    try {
      for await (const entry of entries) {
        signal.throwIfAborted();
        while (path.length > entry.depth + 1) path.pop()?.release();
        this.#forgetClosed();
        if (this.#open.size - path.length > OPEN_FOLDERS) await contents.flush();
        const folder = await this.#entry(path.at(-1) as WrittenFolder, entry);
        if (folder) path.push(folder);
      }
      while (path.length > 1) path.pop()?.release();
      await contents.flush();
      signal.throwIfAborted();
      path.pop()?.release();
    } finally {
      // What is under way still needs its folder.
      await contents.flush().catch(() => undefined);
      for (const folder of this.#open) folder.close();
    }
  }

  #top(attributes: EntryAttributes | undefined): WrittenFolder {
    const { target, dryRun = false } = this.#options;
    try {
      const isThere = lstatSync(target, { throwIfNoEntry: false }) !== undefined;
      if (!isThere && dryRun) return this.#begin(undefined, undefined, attributes, { is: 'absent' });
      if (!isThere) mkdirSync(target, { mode: 0o700 });
      return this.#begin(undefined, undefined, attributes, {
        is: 'open',
        open: this.#fillable(OpenFolder.top(target)),
      });
    } catch (error) {
      throw asFsError(error, 'restore', target);
    }
  }

  #fillable(open: OpenFolder): OpenFolder {
    if (!this.#options.dryRun) open.makeFillable();
    return open;
  }

  #begin(
    parent: WrittenFolder | undefined,
    entry: TreeEntry | undefined,
    attributes: EntryAttributes | undefined,
    state: FolderState,
  ): WrittenFolder {
    const writer = this.#options.dryRun ? undefined : this.#options.attributes;
    const onFailure = (error: unknown): void => {
      if (entry === undefined) throw asFsError(error, 'restore', this.#options.target);
      this.#options.observer.failed(entry, entryFailure(error, this.#options.signal));
    };
    const folder = new WrittenFolder({ parent, entry, attributes, state, writer, onFailure });
    if (state.is === 'open') this.#open.add(folder);
    return folder;
  }

  #forgetClosed(): void {
    if (this.#open.size <= OPEN_FOLDERS) return;
    for (const folder of this.#open) if (folder.open === undefined) this.#open.delete(folder);
  }

  /** @returns the folder, if the entry is one */
  async #entry(parent: WrittenFolder, entry: TreeEntry): Promise<WrittenFolder | undefined> {
    const { observer } = this.#options;
    try {
      if (!isSafeName(entry.name)) throw new FsError('EINVAL', 'restore', { reason: 'this is no possible file name' });
      if (entry.kind === 'folder') return this.#begin(parent, entry, entry.attributes, this.#folder(parent, entry));
      if (parent.state.is === 'absent') observer.done(entry, 'written');
      else if (entry.kind === 'symlink') this.#symlink(openOf(parent), entry);
      else await this.#file(parent, entry);
    } catch (error) {
      observer.failed(entry, entryFailure(error, this.#options.signal));
      if (entry.kind === 'folder') return this.#begin(parent, entry, undefined, { is: 'failed' });
    }
    return undefined;
  }

  /** Makes the folder, or opens the one that is there. */
  #folder(parent: WrittenFolder, entry: TreeEntry): FolderState {
    const { dryRun = false, overwrite, observer } = this.#options;
    const above = parent.state.is === 'absent' ? undefined : openOf(parent);
    const at = above?.at(entry.name);
    const there = at === undefined ? undefined : lstatSync(at, { throwIfNoEntry: false });
    const isFolder = there?.isDirectory() === true;
    if (there && !isFolder && !overwrite) throw inTheWay(there);
    if (above === undefined || at === undefined || (dryRun && !isFolder)) {
      observer.done(entry, 'written');
      return { is: 'absent' };
    }
    if (there && !isFolder) rmSync(at);
    if (!isFolder) mkdirSync(at, { mode: 0o700 });
    const open = this.#fillable(above.child(entry.name));
    observer.done(entry, isFolder ? 'kept' : 'written');
    return { is: 'open', open };
  }

  #symlink(folder: OpenFolder, entry: TreeEntry): void {
    const { observer, attributes, overwrite, dryRun } = this.#options;
    const at = folder.at(entry.name);
    const there = lstatSync(at, { throwIfNoEntry: false, bigint: true });
    const target = Buffer.from(entry.target ?? '');
    const isSame = there?.isSymbolicLink() === true && readlinkSync(at, { encoding: 'buffer' }).equals(target);
    if (there && !isSame && (there.isDirectory() || !overwrite)) throw inTheWay(there);
    if (!dryRun && there && isSame && entry.attributes) attributes.settle(at, 'symlink', entry.attributes, there);
    if (!dryRun && !isSame) {
      const part = partPath({ folder, entry });
      rmSync(part, { force: true });
      symlinkSync(target, part);
      if (entry.attributes) attributes.apply(part, undefined, entry.attributes);
      renameSync(part, at);
    }
    observer.done(entry, isSame ? 'kept' : 'written');
  }

  async #file(folder: WrittenFolder, entry: TreeEntry): Promise<void> {
    const { overwrite, attributes, observer, dryRun } = this.#options;
    const at = openOf(folder).at(entry.name);
    const there = lstatSync(at, { throwIfNoEntry: false, bigint: true });
    const isSame = there !== undefined && (await this.#isSame(at, entry, there));
    if (there && !isSame && (there.isDirectory() || !overwrite)) throw inTheWay(there);
    const made = { folder, name: entry.name };
    folder.hold();
    if (this.#links.join(entry, (result) => this.#link(folder, entry, result))) return;
    if (!dryRun && !isSame) return this.#fetch(folder, entry);
    try {
      if (!dryRun && there && entry.attributes) attributes.settle(at, 'file', entry.attributes, there);
    } finally {
      this.#links.settle(entry, { made });
      folder.release();
    }
    observer.done(entry, isSame ? 'kept' : 'written');
  }

  async #isSame(at: string | Buffer, entry: TreeEntry, there: BigIntStats): Promise<boolean> {
    if (!there.isFile() || there.size !== BigInt(entry.size) || entry.hash === undefined) return false;
    return (await localHash(at, this.#options.signal)) === entry.hash;
  }

  async #fetch(folder: WrittenFolder, entry: TreeEntry): Promise<void> {
    const { contents, attributes, observer } = this.#options;
    await contents.add({
      folder: openOf(folder),
      entry,
      attributes,
      received: (bytes) => observer.received(entry, bytes),
      done: () => {
        observer.done(entry, 'written');
        this.#links.settle(entry, { made: { folder, name: entry.name } });
        folder.release();
      },
      failed: (error) => {
        observer.failed(entry, error);
        this.#links.settle(entry, { error });
        folder.release();
      },
    });
  }

  /** Gives a file that is complete, or will never be, one more name. */
  #link(folder: WrittenFolder, entry: TreeEntry, result: LinkResult): void {
    const { observer, dryRun } = this.#options;
    try {
      if ('error' in result) throw result.error;
      const isThere = !dryRun && this.#linkTo(openOf(folder), entry, result.made);
      observer.done(entry, isThere ? 'kept' : 'written');
    } catch (error) {
      observer.failed(entry, entryFailure(error, this.#options.signal));
    } finally {
      folder.release();
    }
  }

  /** @returns whether it was that already */
  #linkTo(folder: OpenFolder, entry: TreeEntry, made: MadeFile): boolean {
    return this.#reach(made.folder, (origin) => {
      const from = origin.at(made.name);
      const at = folder.at(entry.name);
      const [first, there] = [from, at].map((path) => lstatSync(path, { throwIfNoEntry: false, bigint: true }));
      if (first && there && first.ino === there.ino && first.dev === there.dev) return true;
      const part = partPath({ folder, entry });
      rmSync(part, { force: true });
      linkSync(from, part);
      renameSync(part, at);
      return false;
    });
  }

  /** Runs an action with a folder that may have been closed since. */
  #reach<T>(folder: WrittenFolder, action: (open: OpenFolder) => T): T {
    if (folder.open) return action(folder.open);
    const { parent, entry } = folder;
    if (parent === undefined || entry === undefined) throw new FsError('ENOENT', 'restore');
    return this.#reach(parent, (above) => {
      const open = above.child(entry.name);
      try {
        return action(open);
      } finally {
        open.close();
      }
    });
  }
}

function openOf({ open }: WrittenFolder): OpenFolder {
  if (open) return open;
  throw new FsError('ENOENT', 'restore', { reason: 'its folder could not be made' });
}

function inTheWay(there: { isDirectory(): boolean; isSymbolicLink(): boolean; isFile(): boolean }): FsError {
  const kinds = { folder: there.isDirectory(), symlink: there.isSymbolicLink(), file: there.isFile() };
  const kind = Object.entries(kinds).find(([, is]) => is)?.[0] ?? 'device, socket or pipe';
  const reason =
    kind === 'folder' ? 'a folder is in its place' : `a ${kind} with other content is there; --overwrite replaces it`;
  return new FsError('EEXIST', 'restore', { reason });
}
