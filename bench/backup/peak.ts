import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { quote, sh } from '../lib/shell.ts';

/** After this a command is given up, s. */
const LIMIT = 600;

/** Runs commands that come and go, and remembers the most memory that one of them had. */
export class Commands {
  readonly #file: string;
  readonly #dir: string;
  #peak = 0;

  /** Keeps a file in `dir`. */
  constructor(dir: string) {
    this.#dir = dir;
    this.#file = join(dir, 'peak');
  }

  /** The most memory that a command had resident, bytes. */
  get peak(): number {
    return this.#peak;
  }

  /** Runs a simple command that must succeed, in the folder `cwd`. */
  async run(line: string, cwd = this.#dir): Promise<void> {
    await sh(`/usr/bin/time -f %M -o ${quote(this.#file)} ${line} >/dev/null`, { cwd, limit: LIMIT });
    const kilobytes = Number((await readFile(this.#file, 'utf8')).trim().split('\n').at(-1));
    this.#peak = Math.max(this.#peak, kilobytes * 1024);
  }
}
