import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  rmSync,
  renameSync,
  symlinkSync,
  writeSync,
  type BigIntStats,
} from 'node:fs';
import { basename } from 'node:path';
import { Describer, signatureOf } from '../backup/describer.ts';
import type { OpenFolder } from '../backup/restore/open-folder.ts';
import { WholeSync } from '../libc/disk-sync.ts';
import { ExactRename } from '../libc/exact-rename.ts';
import { FileTimes } from '../libc/file-times.ts';
import { markOf } from './disk-reader.ts';
import { HIDDEN, PART } from './hidden-folder.ts';
import type { LocalMark } from './known.ts';
import type { OldFiles, Origin } from './old-files.ts';
import { failure, statOf, type SafeTree } from './safe-tree.ts';

export interface FileAttributes {
  /** Permission bits; those beyond 0o777 are left out. */
  readonly mode: number;
  /** ms since 1970 */
  readonly mtime: number;
}

/** Where a complete file goes. */
export interface Placement {
  readonly path: string;
  readonly attributes: FileAttributes;
  /** The signature of the file that it replaces; null if nothing must be there. */
  readonly expect: string | null;
  /** Of the content that it replaces, see `contentHash`. */
  readonly hash?: string | undefined;
}

interface Place {
  readonly folder: OpenFolder;
  readonly name: string;
  readonly expect: string;
}

/** Files that are synced one by one; for more their whole file system is. */
const FEW = 4;

/** What became of one of several files. */
export type Settled = { readonly mark: LocalMark } | { readonly code: string | undefined; readonly reason: string };

/**
 * Changes a synced folder. A file gets its name when it is whole and on the disk; whatever else is found at a name than the caller has
 * seen there is left as it is.
 */
export class DiskWriter {
  readonly #tree: SafeTree;
  readonly #old: OldFiles;
  readonly #describer: Describer;
  readonly #rename = new ExactRename();
  readonly #times = new FileTimes();
  readonly #whole = new WholeSync();
  readonly #parts = new Map<number, { readonly fd: number; readonly name: string }>();
  #last = 0;

  constructor(folder: string, tree: SafeTree, old: OldFiles) {
    this.#tree = tree;
    this.#old = old;
    this.#describer = new Describer(folder);
  }

  /** @returns a token for `write` */
  begin(): number {
    const name = `${PART}${randomUUID()}`;
    const fd = this.#tree.within([HIDDEN], (hidden) =>
      openSync(hidden.at(name), constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600),
    );
    this.#last += 1;
    this.#parts.set(this.#last, { fd, name });
    return this.#last;
  }

  /** Appends. @throws ENOSPC; errors of node:fs */
  write(token: number, data: Uint8Array): undefined {
    const { fd } = this.#part(token);
    for (let done = 0; done < data.length;) done += writeSync(fd, data, done);
    return undefined;
  }

  finish(token: number, placement: Placement): LocalMark {
    try {
      this.#dress(token, placement.attributes);
      this.#sync([this.#part(token).fd]);
      const mark = this.#settle(token, placement);
      this.#syncFolder(placement.path);
      return mark;
    } finally {
      this.discard(token);
    }
  }

  discard(token: number): undefined {
    const part = this.#parts.get(token);
    this.#parts.delete(token);
    if (!part) return undefined;
    closeSync(part.fd);
    this.#tree.within([HIDDEN], (hidden) => rmSync(hidden.at(part.name), { force: true }));
    return undefined;
  }

  /** Many small files, each for itself: all are synced, then they get their places, and then the folders are synced. */
  place(files: readonly (Placement & { readonly data: Uint8Array })[]): Settled[] {
    const tokens = files.map((file) => attempt(() => this.#fill(file)));
    try {
      const parts = tokens.flatMap((token) => (typeof token === 'number' ? [this.#part(token).fd] : []));
      this.#sync(parts);
      const folders = new Map<string, string>();
      const settled = files.map((placement, i): Settled => {
        const token = tokens[i] ?? 0;
        if (typeof token !== 'number') return token;
        return attempt(() => {
          const mark = this.#settle(token, placement);
          folders.set(placement.path.slice(0, placement.path.lastIndexOf('/') + 1), placement.path);
          return { mark };
        });
      });
      const [first] = parts;
      const isDone = folders.size > FEW && first !== undefined && this.#whole.sync(first);
      if (!isDone) for (const path of folders.values()) this.#syncFolder(path);
      return settled;
    } finally {
      for (const token of tokens) if (typeof token === 'number') this.discard(token);
    }
  }

  /** @throws EEXIST */
  mkdir(path: string, mode: number): LocalMark {
    return this.#tree.at(path, (folder, name) => {
      mkdirSync(folder.at(name), { mode: (mode & 0o777) | 0o700 });
      const made = folder.child(name);
      try {
        // The umask does not count: the mode is the drive's.
        setMode(made.fd, (mode & 0o777) | 0o700);
        fsyncSync(folder.fd);
        return markOf(this.#describer, fstatSync(made.fd, { bigint: true }));
      } finally {
        made.close();
      }
    });
  }

  symlink(path: string, target: string, expect: string | null): LocalMark {
    const part = `${PART}${randomUUID()}`;
    this.#tree.within([HIDDEN], (hidden) => symlinkSync(target, hidden.at(part)));
    try {
      return this.#swap(part, { path, expect }, undefined);
    } finally {
      this.#tree.within([HIDDEN], (hidden) => rmSync(hidden.at(part), { force: true }));
    }
  }

  /** What is not as expected is moved, too, but its mark has no signature. @throws EEXIST */
  move(from: string, to: string, expect: string): LocalMark {
    return this.#tree.at(from, (source, name) =>
      this.#tree.at(to, (target, newName) => {
        const before = statOf(source, name);
        if (!before) throw failure('ENOENT', from);
        this.#moveTo(source.at(name) as string, target, newName);
        fsyncSync(target.fd);
        const mark = this.#moved(target, newName, before);
        return signatureOf(before) === expect ? mark : { ...mark, signature: '' };
      }),
    );
  }

  /** The mark has no signature: that what was looked at is what was changed cannot be told. */
  attributes(path: string, expect: string, { mode, mtime }: FileAttributes): LocalMark {
    return this.#tree.at(path, (folder, name) => {
      const stats = this.#expected(folder, name, expect, path);
      if (!stats.isSymbolicLink()) {
        const floor = stats.isDirectory() ? 0o700 : 0;
        const fd = openSync(
          folder.at(name),
          constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
        );
        try {
          setMode(fd, (mode & 0o777) | floor);
        } finally {
          closeSync(fd);
        }
      }
      if (!stats.isDirectory()) this.#times.set(folder.at(name) as string, mtime);
      const now = statOf(folder, name) ?? stats;
      return { ...markOf(this.#describer, now), signature: '' };
    });
  }

  /** Removes a file or symlink. */
  remove(path: string, expect: string, hash: string | undefined): undefined {
    this.#tree.at(path, (folder, name) => {
      this.#expected(folder, name, expect, path);
      // What is written in this very moment is seen under the other name.
      const part = `${PART}${randomUUID()}`;
      this.#tree.within([HIDDEN], (hidden) => {
        renameSync(folder.at(name), hidden.at(part));
        this.#drop(hidden, part, { folder, name, expect, origin: { path, hash, removed: true } });
      });
    });
    return undefined;
  }

  /** @throws ENOTEMPTY */
  rmdir(path: string): undefined {
    this.#tree.at(path, (folder, name) => rmdirSync(folder.at(name)));
    return undefined;
  }

  #moveTo(from: string, target: OpenFolder, newName: string): void {
    const to = target.at(newName) as string;
    // A folder that finds what it does not list takes two names for one: this is another spelling of the old one, or of a third.
    const isSpelling = statOf(target, newName) !== undefined && !readdirSync(target.self).includes(newName);
    if (isSpelling && foldName(basename(from)) === foldName(newName)) renameSync(from, to);
    else this.#rename.move(from, to);
  }

  #part(token: number): { readonly fd: number; readonly name: string } {
    const part = this.#parts.get(token);
    if (!part) throw failure('EBADF', String(token));
    return part;
  }

  #fill({ data, attributes }: Placement & { readonly data: Uint8Array }): number {
    const token = this.begin();
    try {
      this.write(token, data);
      this.#dress(token, attributes);
      return token;
    } catch (error) {
      this.discard(token);
      throw error;
    }
  }

  #dress(token: number, { mode, mtime }: FileAttributes): void {
    const { fd, name } = this.#part(token);
    setMode(fd, mode & 0o777);
    this.#tree.within([HIDDEN], (hidden) => this.#times.set(hidden.at(name) as string, mtime));
  }

  /** Syncs files, or, as that is cheaper for many, their file system. */
  #sync(fds: readonly number[]): void {
    const [first] = fds;
    if (first !== undefined && fds.length > FEW && this.#whole.sync(first)) return;
    for (const fd of fds) fsyncSync(fd);
  }

  #settle(token: number, { path, expect, hash }: Placement): LocalMark {
    const { fd, name } = this.#part(token);
    return this.#swap(name, { path, expect, hash }, fstatSync(fd, { bigint: true }));
  }

  /** Gives a file of the hidden folder its place. @param made how it is, so that what others do to it afterwards is noticed */
  #swap(part: string, { path, expect, hash }: Omit<Placement, 'attributes'>, made: BigIntStats | undefined): LocalMark {
    return this.#tree.at(path, (folder, name) =>
      this.#tree.within([HIDDEN], (hidden) => {
        const [from, to] = [hidden.at(part) as string, folder.at(name) as string];
        const before = made ?? statOf(hidden, part);
        if (!before) throw failure('ENOENT', path);
        if (expect === null) this.#rename.move(from, to);
        else {
          this.#expected(folder, name, expect, path);
          const old = this.#exchange(hidden, part, folder, name);
          this.#drop(hidden, old, { folder, name, expect, origin: { path, hash, removed: false } });
        }
        return this.#moved(folder, name, before);
      }),
    );
  }

  /** @returns the name in the hidden folder of what had the place; where the system cannot swap, that is empty for a moment */
  #exchange(hidden: OpenFolder, part: string, folder: OpenFolder, name: string): string {
    const [from, to] = [hidden.at(part) as string, folder.at(name) as string];
    if (this.#rename.exchange(from, to)) return part;
    const old = `${PART}${randomUUID()}`;
    renameSync(to, hidden.at(old));
    try {
      this.#rename.move(from, to);
    } catch (error) {
      this.#giveBack(hidden, old, folder, name);
      throw error;
    }
    return old;
  }

  /** Drops what had a place, unless it is not what was expected there. @throws ESTALE */
  #drop(hidden: OpenFolder, part: string, was: Place & { readonly origin: Origin }): void {
    const now = statOf(hidden, part);
    if (now && !isSame(now, was.expect)) {
      this.#giveBack(hidden, part, was.folder, was.name);
      throw failure('ESTALE', was.origin.path);
    }
    if (now) this.#old.drop(hidden, part, was.origin);
  }

  /** Puts a file that was changed in this very moment back to its name, or beside it if that is taken again by then. */
  #giveBack(hidden: OpenFolder, part: string, folder: OpenFolder, name: string): void {
    const [from, to] = [hidden.at(part) as string, folder.at(name) as string];
    try {
      if (statOf(folder, name) && this.#rename.exchange(from, to)) return;
      this.#rename.move(from, to);
    } catch {
      renameSync(from, folder.at(`${name.slice(0, 60)} (${randomUUID()})`));
    }
  }

  /** The state of what was just given a name. Where it was changed in that moment, the mark says that it is not known. */
  #moved(folder: OpenFolder, name: string, before: BigIntStats): LocalMark {
    const now = statOf(folder, name);
    const mark = markOf(this.#describer, now ?? before);
    return now && isSame(now, signatureOf(before)) ? mark : { ...mark, signature: '' };
  }

  #expected(folder: OpenFolder, name: string, expect: string, path: string): BigIntStats {
    const stats = statOf(folder, name);
    if (stats && signatureOf(stats) === expect) return stats;
    throw failure('ESTALE', path);
  }

  #syncFolder(path: string): void {
    this.#tree.at(path, (folder) => fsyncSync(folder.fd));
  }
}

/** Whether a file is as it was, but for its ctime, which a rename changes. */
function isSame(stats: BigIntStats, signature: string): boolean {
  const [size, mtime, , ino] = signature.split(':');
  return String(stats.size) === size && String(stats.mtimeNs) === mtime && String(stats.ino) === ino;
}

function attempt<T>(task: () => T): T | Extract<Settled, { reason: string }> {
  try {
    return task();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { code, reason: message };
  }
}

/** Where a file system keeps no modes, nothing is set. */
function setMode(fd: number, mode: number): void {
  try {
    fchmodSync(fd, mode);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
  }
}

function foldName(name: string): string {
  return name.normalize('NFC').toLowerCase();
}
