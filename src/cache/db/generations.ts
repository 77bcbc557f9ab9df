import { copyFile, link as hardLink, mkdir, open, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FsError } from '../../vfs/fs-error.ts';
import { FolderSync } from '../disk/folder-sync.ts';

/** The name of the file with the number of the generation in use; without it that is 0. */
const POINTER = 'generation';
/** LevelDB's files. */
const DATABASE_FILE = /^(\d+\.(ldb|log|sst)|MANIFEST-\d+|CURRENT|LOG(\.old)?|LOCK)$/;
/** Those that a new generation does not begin with: it makes its own. */
const OWN = /^LO(G|CK)/;

/**
 * Copies of one LevelDB that succeed each other in a folder: generation 0 is the folder itself, a later one its subfolder
 * with that number. LevelDB cannot be opened a second time where it is open, and once it is closed a full disk may keep it
 * from opening again, since opening writes. So the next generation is opened before the one in use is closed.
 */
export class Generations {
  readonly #dir: string;
  readonly #link: typeof hardLink;
  #number = 0;

  constructor(dir: string, link = hardLink) {
    this.#dir = dir;
    this.#link = link;
  }

  /** The folder of the generation in use. */
  get folder(): string {
    return this.#folder(this.#number);
  }

  /** Reads which generation is in use. @throws EIO if that is not there, or the file that says so is damaged */
  async load(): Promise<void> {
    this.#number = await this.#read();
    if (this.#number === 0) return;
    const files = await readdir(this.folder).catch((): string[] => []);
    if (!files.includes('CURRENT')) throw this.#damaged(`${this.folder} is not a database any more`);
  }

  /** True if another process has put a later generation to use since `load`. */
  async isOutdated(): Promise<boolean> {
    return (await this.#read()) !== this.#number;
  }

  /**
   * Makes the next generation, to be opened and then `use`d, and returns its folder. Its files are the ones in use, as hard links:
   * LevelDB changes a file only by appending to those that it has made since it was opened. None of them may be written meanwhile.
   */
  async next(): Promise<string> {
    const from = this.folder;
    const to = this.#folder(this.#number + 1);
    await rm(to, { recursive: true, force: true });
    await mkdir(to, { mode: 0o700 });
    for (const name of await readdir(from)) {
      if (!DATABASE_FILE.test(name) || OWN.test(name)) continue;
      // Some file systems of external disks have no hard links.
      await this.#link(join(from, name), join(to, name)).catch(() => copyDurably(join(from, name), join(to, name)));
    }
    return to;
  }

  /** The next generation is the one in use, also after the loss of power. */
  async use(): Promise<void> {
    const number = this.#number + 1;
    await syncFolder(this.#folder(number));
    const pointer = join(this.#dir, POINTER);
    await writeFile(`${pointer}.tmp`, `${number}\n`, { mode: 0o600, flush: true });
    await rename(`${pointer}.tmp`, pointer);
    this.#number = number;
    await syncFolder(this.#dir);
  }

  /** Removes the generations that are not in use; they must not be open. */
  async clean(): Promise<void> {
    const names = await readdir(this.#dir);
    const others = names.filter((name) =>
      /^\d+$/.test(name) ? Number(name) !== this.#number : this.#number > 0 && DATABASE_FILE.test(name),
    );
    for (const name of others) await rm(join(this.#dir, name), { recursive: true, force: true });
  }

  async #read(): Promise<number> {
    let text: string;
    try {
      text = await readFile(join(this.#dir, POINTER), 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
      throw error;
    }
    if (!/^[1-9]\d{0,8}\n$/.test(text)) throw this.#damaged(`${join(this.#dir, POINTER)} holds no number`);
    return Number(text);
  }

  #damaged(reason: string): FsError {
    return new FsError('EIO', 'open', { subject: this.#dir, reason });
  }

  #folder(number: number): string {
    return number === 0 ? this.#dir : join(this.#dir, `${number}`);
  }
}

/** Whether a folder has a database. */
export async function hasDatabase(dir: string): Promise<boolean> {
  const names = await readdir(dir).catch((): string[] => []);
  return names.includes('CURRENT') || names.includes(POINTER);
}

/** Copies a file, and resolves once that survives the loss of power. */
async function copyDurably(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  const file = await open(to, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncFolder(dir: string): Promise<void> {
  const names = new FolderSync(dir);
  names.changed();
  await names.sync();
}
