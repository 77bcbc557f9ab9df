import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  mkdirSync,
  openSync,
  rmdirSync,
  rmSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeSync,
  type BigIntStats,
} from 'node:fs';
import { Describer, signatureOf } from '../backup/describer.ts';
import type { OpenFolder } from '../backup/restore/open-folder.ts';
import { ExactRename } from '../libc/exact-rename.ts';
import { FileTimes } from '../libc/file-times.ts';
import { markOf } from './disk-reader.ts';
import { HIDDEN, PART } from './hidden-folder.ts';
import type { LocalMark } from './known.ts';
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
}

/** What became of one of several files. */
export type Settled = { readonly mark: LocalMark } | { readonly code: string | undefined; readonly reason: string };

/**
 * Changes a synced folder. A file gets its name when it is whole and on the disk; whatever else is found at a name than the caller has
 * seen there is left as it is.
 */
export class DiskWriter {
  readonly #tree: SafeTree;
  readonly #describer: Describer;
  readonly #rename = new ExactRename();
  readonly #times = new FileTimes();
  readonly #parts = new Map<number, { readonly fd: number; readonly name: string }>();
  #last = 0;

  constructor(folder: string, tree: SafeTree) {
    this.#tree = tree;
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

  /** Many small files, each for itself; their folders are synced once. */
  place(files: readonly (Placement & { readonly data: Uint8Array })[]): Settled[] {
    const folders = new Map<string, string>();
    const settled = files.map(({ data, ...placement }): Settled => {
      try {
        const token = this.begin();
        try {
          this.write(token, data);
          const mark = this.#settle(token, placement);
          folders.set(placement.path.slice(0, placement.path.lastIndexOf('/') + 1), placement.path);
          return { mark };
        } finally {
          this.discard(token);
        }
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException;
        return { code, reason: message };
      }
    });
    for (const path of folders.values()) this.#syncFolder(path);
    return settled;
  }

  /** @throws EEXIST */
  mkdir(path: string, mode: number): LocalMark {
    return this.#tree.at(path, (folder, name) => {
      mkdirSync(folder.at(name), { mode: (mode & 0o777) | 0o700 });
      const made = folder.child(name);
      try {
        // The umask does not count: the mode is the drive's.
        fchmodSync(made.fd, (mode & 0o777) | 0o700);
        fsyncSync(made.fd);
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
      return this.#swap(part, path, expect, undefined);
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
        this.#rename.move(source.at(name) as string, target.at(newName) as string);
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
          fchmodSync(fd, (mode & 0o777) | floor);
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
  remove(path: string, expect: string): undefined {
    this.#tree.at(path, (folder, name) => {
      this.#expected(folder, name, expect, path);
      // What is written in this very moment is seen under the other name.
      const part = `${PART}${randomUUID()}`;
      this.#tree.within([HIDDEN], (hidden) => {
        renameSync(folder.at(name), hidden.at(part));
        const now = statOf(hidden, part);
        if (now && !isSame(now, expect)) {
          this.#giveBack(hidden, part, folder, name);
          throw failure('ESTALE', path);
        }
        unlinkSync(hidden.at(part));
      });
    });
    return undefined;
  }

  /** @throws ENOTEMPTY */
  rmdir(path: string): undefined {
    this.#tree.at(path, (folder, name) => rmdirSync(folder.at(name)));
    return undefined;
  }

  #part(token: number): { readonly fd: number; readonly name: string } {
    const part = this.#parts.get(token);
    if (!part) throw failure('EBADF', String(token));
    return part;
  }

  #settle(token: number, { path, attributes, expect }: Placement): LocalMark {
    const { fd, name } = this.#part(token);
    fchmodSync(fd, attributes.mode & 0o777);
    this.#tree.within([HIDDEN], (hidden) => this.#times.set(hidden.at(name) as string, attributes.mtime));
    fsyncSync(fd);
    return this.#swap(name, path, expect, fstatSync(fd, { bigint: true }));
  }

  /** Gives a file of the hidden folder its place. @param made how it is, so that what others do to it afterwards is noticed */
  #swap(part: string, path: string, expect: string | null, made: BigIntStats | undefined): LocalMark {
    return this.#tree.at(path, (folder, name) =>
      this.#tree.within([HIDDEN], (hidden) => {
        const [from, to] = [hidden.at(part) as string, folder.at(name) as string];
        const before = made ?? statOf(hidden, part);
        if (!before) throw failure('ENOENT', path);
        if (expect === null) this.#rename.move(from, to);
        else {
          this.#expected(folder, name, expect, path);
          if (!this.#rename.exchange(from, to)) renameSync(from, to);
          const replaced = statOf(hidden, part);
          if (replaced && !isSame(replaced, expect)) {
            this.#giveBack(hidden, part, folder, name);
            throw failure('ESTALE', path);
          }
          if (replaced) unlinkSync(from);
        }
        return this.#moved(folder, name, before);
      }),
    );
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
