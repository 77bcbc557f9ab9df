import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { hashOfFile } from '../backup/file-hash.ts';
import type { OpenFolder } from '../backup/restore/open-folder.ts';
import { identityOf } from '../backup/describer.ts';
import { ExactRename } from '../libc/exact-rename.ts';
import { FileLease } from '../libc/file-lease.ts';
import { HIDDEN, OLD, PART } from './hidden-folder.ts';
import { statOf, type SafeTree } from './safe-tree.ts';

const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
const NEW = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
/** How the name of an old file's description ends. */
const NOTE = '.json';
/** Ms that an old file is kept where the system does not say whether a program has it open. */
const GRACE = 60_000;

/** What an old file was. */
export interface Origin {
  /** Its path in the folder. */
  readonly path: string;
  /** Of the content that is in the drive, see `contentHash`; undefined if that is not known. */
  readonly hash?: string | undefined;
  /** Nothing took its name. */
  readonly removed: boolean;
}

interface Note extends Origin {
  readonly size: string;
  readonly mtimeNs: string;
}

/** Something of an earlier process in the hidden folder. */
export interface Leftover {
  readonly name: string;
  readonly inode: string;
}

/** An old file that has been written since. */
export interface WrittenFile {
  readonly name: string;
  readonly path: string;
  readonly removed: boolean;
}

export interface Review {
  /** How many a program may still write. */
  readonly waiting: number;
  readonly written: readonly WrittenFile[];
}

/**
 * Files whose place was given to another one, or that were removed, while a program had them open for writing: what it writes afterwards
 * goes to the old file. It stays in the hidden folder until no program can write it any more; if its content is another one by then, or
 * looks so before, it is given a name again.
 */
export class OldFiles {
  readonly #tree: SafeTree;
  readonly #lease = process.platform === 'linux' ? new FileLease() : undefined;
  readonly #rename = new ExactRename();
  #mayHave = true;

  constructor(tree: SafeTree) {
    this.#tree = tree;
  }

  /** Removes a file of the hidden folder that had a place in the folder, at once if no program can write it. */
  drop(hidden: OpenFolder, name: string, origin: Origin): void {
    if (!this.#isFile(hidden, name) || this.#isWritten(hidden, name) === false) unlinkSync(hidden.at(name));
    else this.#keep(hidden, name, origin);
  }

  /** What an earlier process has not finished: new files that are of no use now, and old ones that were not dropped. */
  leftovers(): Leftover[] {
    return this.#tree.within([HIDDEN], (hidden) =>
      readdirSync(hidden.self).flatMap((name) => {
        const stats = name.startsWith(PART) ? statOf(hidden, name) : undefined;
        return stats ? [{ name, inode: identityOf(stats).inode }] : [];
      }),
    );
  }

  discard(name: string): undefined {
    this.#tree.within([HIDDEN], (hidden) => rmSync(hidden.at(name), { recursive: true, force: true }));
    return undefined;
  }

  keep(name: string, origin: Origin): undefined {
    this.#tree.within([HIDDEN], (hidden) => this.#keep(hidden, name, origin));
    return undefined;
  }

  /** Drops those that have not been written and cannot be any more. */
  review(): Review {
    const written: WrittenFile[] = [];
    let waiting = 0;
    if (!this.#mayHave) return { waiting, written };
    this.#tree.within([HIDDEN], (hidden) => {
      const names = readdirSync(hidden.self).filter((name) => name.startsWith(OLD) && !name.endsWith(NOTE));
      for (const name of names) {
        const note = readNote(hidden, name);
        const state = note && this.#stateOf(hidden, name, note);
        if (note && state === 'written') written.push({ name, path: note.path, removed: note.removed });
        else if (state === 'same') this.#forget(hidden, name);
        else waiting += 1;
      }
      this.#mayHave = names.length > 0;
    });
    return { waiting, written };
  }

  /** Gives an old file a name in the folder, as whose writers go on. @throws EEXIST */
  rescue(name: string, path: string): undefined {
    this.#tree.at(path, (folder, last) =>
      this.#tree.within([HIDDEN], (hidden) => {
        this.#rename.move(hidden.at(name) as string, folder.at(last) as string);
        fsyncSync(folder.fd);
        rmSync(hidden.at(`${name}${NOTE}`), { force: true });
      }),
    );
    return undefined;
  }

  #keep(hidden: OpenFolder, name: string, origin: Origin): void {
    const old = `${OLD}${randomUUID()}`;
    // Pages that are on the disk are write-protected: what is written through a mapping from now on sets the time.
    const stats = this.#within(hidden, name, (fd) => {
      fsyncSync(fd);
      return fstatSync(fd, { bigint: true });
    });
    const note: Note = { ...origin, size: String(stats?.size), mtimeNs: String(stats?.mtimeNs) };
    const fd = openSync(hidden.at(`${old}${NOTE}`), NEW, 0o600);
    try {
      writeFileSync(fd, JSON.stringify(note));
    } finally {
      closeSync(fd);
    }
    renameSync(hidden.at(name), hidden.at(old));
    this.#mayHave = true;
  }

  #stateOf(hidden: OpenFolder, name: string, { hash, size, mtimeNs }: Note): 'written' | 'waiting' | 'same' {
    const stats = statOf(hidden, name);
    if (!stats) return 'same';
    if (String(stats.size) !== size || String(stats.mtimeNs) !== mtimeNs) return 'written';
    const isWritten = this.#isWritten(hidden, name);
    const age = Date.now() - Number(stats.ctimeNs / 1_000_000n);
    if (isWritten === true || (isWritten === undefined && age >= 0 && age < GRACE)) return 'waiting';
    return hash !== undefined && hashOfFile(hidden.at(name)) === hash ? 'same' : 'written';
  }

  #forget(hidden: OpenFolder, name: string): void {
    rmSync(hidden.at(name), { force: true });
    rmSync(hidden.at(`${name}${NOTE}`), { force: true });
  }

  #isFile(hidden: OpenFolder, name: string): boolean {
    return statOf(hidden, name)?.isFile() ?? false;
  }

  /** Whether a program has it open for writing; undefined where that is not known. */
  #isWritten(hidden: OpenFolder, name: string): boolean | undefined {
    return this.#within(hidden, name, (fd) => this.#lease?.isWritten(fd));
  }

  /** Undefined if it must not be read. */
  #within<T>(hidden: OpenFolder, name: string, use: (fd: number) => T): T | undefined {
    let fd: number;
    try {
      fd = openSync(hidden.at(name), FLAGS);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EACCES') return undefined;
      throw error;
    }
    try {
      return use(fd);
    } finally {
      closeSync(fd);
    }
  }
}

function readNote(hidden: OpenFolder, name: string): Note | undefined {
  try {
    return JSON.parse(readFileSync(hidden.at(`${name}${NOTE}`), 'utf8')) as Note;
  } catch {
    return undefined;
  }
}
