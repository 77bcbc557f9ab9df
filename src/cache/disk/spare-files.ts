import { randomUUID } from 'node:crypto';
import { closeSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { FileMaker } from './file-maker.ts';

/** Fewest files that are created ahead, so that no thread is started for an occasional file. */
const FEWEST = 7;
/** Most files that are created ahead. */
const MOST = 64;
/** The files are removed after this time without use, ms. */
const KEPT = 2000;
/** The thread ends after this number of such times: starting one takes 50 ms of a core, just when many files are created. */
const THREAD_KEPT = 30;

/** An empty file, open for reading and writing. */
export interface Spare {
  readonly id: string;
  readonly fd: number;
}

/**
 * Empty files in a folder that are created ahead on another thread while many are needed, because creating one would
 * block the serving thread for up to half a millisecond. There are none before the first is taken, and none soon after
 * the last; the thread stays for a minute.
 */
export class SpareFiles {
  readonly #dir: string;
  readonly #newMaker: () => FileMaker;
  readonly #ready: Spare[] = [];
  readonly #making = new Set<string>();
  #maker: FileMaker | undefined;
  /** Resolves when all requested files have been created. */
  #made = Promise.resolve();
  /** How many files there should be. */
  #wanted = 0;
  /** Files taken since the last check. */
  #taken = 0;
  /** Number of checks since the last file was taken. */
  #unused = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(dir: string, newMaker = () => new FileMaker()) {
    this.#dir = dir;
    this.#newMaker = newMaker;
  }

  /** True for the name of a file that has not been taken. */
  has(id: string): boolean {
    return this.#making.has(id) || this.#ready.some((spare) => spare.id === id);
  }

  /** Takes a file, which the caller then owns; `undefined` if none is ready. */
  take(): Spare | undefined {
    const spare = this.#ready.shift();
    if (spare === undefined) this.#wanted = Math.min(MOST, 2 * this.#wanted + 1);
    this.#taken++;
    this.#timer ??= setInterval(() => this.#look(), KEPT).unref();
    this.#fill();
    return spare;
  }

  /** Removes all files. Resolves when those that were being created are removed, too. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#clear();
    this.#maker?.end();
    this.#maker = undefined;
    await this.#made;
  }

  #look(): void {
    this.#unused = this.#taken === 0 ? this.#unused + 1 : 0;
    this.#taken = 0;
    if (this.#unused === 1) this.#clear();
    if (this.#unused > THREAD_KEPT) void this.close();
  }

  #clear(): void {
    this.#wanted = 0;
    for (const spare of this.#ready.splice(0)) this.#remove(spare);
  }

  #fill(): void {
    const count = this.#ready.length + this.#making.size;
    if (this.#wanted < FEWEST || 2 * count >= this.#wanted) return;
    const before = this.#made;
    this.#made = this.#make(this.#wanted - count).then(() => before);
  }

  async #make(count: number): Promise<void> {
    const ids = Array.from({ length: count }, () => randomUUID());
    for (const id of ids) this.#making.add(id);
    this.#maker ??= this.#newMaker();
    const fds = await this.#maker.make(ids.map((id) => this.#path(id)));
    for (const [i, id] of ids.entries()) this.#arrive(id, fds[i]);
  }

  #arrive(id: string, fd: number | undefined): void {
    this.#making.delete(id);
    if (fd === undefined) this.#wanted = 0;
    else if (this.#wanted === 0) this.#remove({ id, fd });
    else this.#ready.push({ id, fd });
  }

  /** Removes a file. If that fails, the next process finds it as an unreferenced staged file. */
  #remove({ id, fd }: Spare): void {
    closeSync(fd);
    try {
      unlinkSync(this.#path(id));
    } catch {}
  }

  #path(id: string): string {
    return join(this.#dir, id);
  }
}
