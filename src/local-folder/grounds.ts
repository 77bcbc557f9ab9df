import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import type { OpenFolder } from '../backup/restore/open-folder.ts';
import { HIDDEN, MARKER, PART } from './hidden-folder.ts';
import type { SafeTree } from './safe-tree.ts';

/** What a folder's file system is like: which different names it takes for one, and what it cannot hold. */
export interface Folding {
  /** `a` and `A`. */
  readonly letters: boolean;
  /** The composed and the decomposed form of `é`, see Unicode NFC and NFD. */
  readonly forms: boolean;
  /** It has symlinks. */
  readonly links: boolean;
  /** It refuses or changes some names that POSIX allows. */
  readonly refuses: boolean;
}

/** Names that tell whether a file system has rules for names. */
const ODD = ['a:b', 'a.', 'a ', '\u0001'];
const NOFOLLOW = constants.O_NOFOLLOW ?? 0;
const WRITE = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | NOFOLLOW;

/** Whether a folder is the one that is synced, and what its file system is like. */
export class Grounds {
  readonly #folder: string;
  readonly #tree: SafeTree;

  constructor(folder: string, tree: SafeTree) {
    this.#folder = folder;
    this.#tree = tree;
  }

  /** Marks the folder. @throws errors of node:fs */
  prepare(id: string): undefined {
    this.#tree.within([], (top) => {
      try {
        mkdirSync(top.at(HIDDEN), { mode: 0o700 });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    });
    this.#tree.within([HIDDEN], (hidden) => {
      const fd = openSync(hidden.at(MARKER), WRITE, 0o600);
      try {
        writeFileSync(fd, `${id}\n`);
        fsyncSync(fd);
      } finally {
        closeSync(fd);
      }
      fsyncSync(hidden.fd);
    });
    return undefined;
  }

  /** Removes the mark and what is of no use without it. @throws ENOTEMPTY if there are files that were written after they had lost their place */
  unmark(): undefined {
    this.#tree.within([HIDDEN], (hidden) => {
      for (const name of readdirSync(hidden.self)) if (name.startsWith(PART)) rmSync(hidden.at(name), { force: true });
    });
    this.#tree.within([HIDDEN], (hidden) => rmSync(hidden.at(MARKER), { force: true }));
    this.#tree.within([], (top) => rmdirSync(top.at(HIDDEN)));
    return undefined;
  }

  /** Why the folder cannot be synced now; undefined if it can. What is done from now on is done in this folder only. */
  check(id: string): string | undefined {
    try {
      this.#tree.bind();
      const found = this.#tree.within([HIDDEN], (hidden) => this.#marker(hidden.at(MARKER) as string));
      if (found === id) return undefined;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' && lstatSync(this.#folder, { throwIfNoEntry: false }) === undefined) {
        return 'the folder is not there: was it moved, or is its disk not mounted?';
      }
      if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'ELOOP') return `the folder cannot be read: ${message}`;
    }
    return `another folder is in its place (${HIDDEN}/${MARKER} is missing or has another id)`;
  }

  /** Tries it in the folder itself. */
  folding(): Folding {
    return this.#tree.within([HIDDEN], (hidden) => {
      const id = randomUUID();
      // A start after a crash removes what has this beginning.
      const name = `${PART}Probe-\u00e9-${id}`;
      const at = (other: string): string => hidden.at(other) as string;
      closeSync(openSync(at(name), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600));
      try {
        const isThere = (other: string): boolean => lstatSync(at(other), { throwIfNoEntry: false }) !== undefined;
        const folds = { letters: isThere(`${PART}pROBE-\u00e9-${id}`), forms: isThere(name.normalize('NFD')) };
        return { ...folds, links: this.#hasLinks(hidden), refuses: !ODD.every((odd) => this.holds(odd)) };
      } finally {
        rmSync(at(name), { force: true });
      }
    });
  }

  /** Whether a file can have this very name. */
  holds(name: string): boolean {
    return this.#tree.within([HIDDEN], (hidden) => {
      const probe = `${PART}${randomUUID()}`;
      mkdirSync(hidden.at(probe), { mode: 0o700 });
      const folder = hidden.child(probe);
      try {
        closeSync(openSync(folder.at(name), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600));
        return readdirSync(folder.self).includes(name);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw error;
        return false;
      } finally {
        folder.close();
        rmSync(hidden.at(probe), { recursive: true, force: true });
      }
    });
  }

  #hasLinks(hidden: OpenFolder): boolean {
    const probe = `${PART}${randomUUID()}`;
    try {
      symlinkSync('.', hidden.at(probe));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') throw error;
      return false;
    } finally {
      rmSync(hidden.at(probe), { force: true });
    }
  }

  #marker(path: string): string {
    const fd = openSync(path, constants.O_RDONLY | NOFOLLOW);
    try {
      return readFileSync(fd, 'utf8').trim();
    } finally {
      closeSync(fd);
    }
  }
}
