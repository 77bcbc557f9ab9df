import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Test } from 'tap';
import { abortConnection } from '../../src/fuse/connection.ts';
import { readMounts } from '../../src/fuse/mount-table.ts';
import { tryCommand } from './run-command.ts';
import { temporary } from './temporary.ts';

/** Paths, relative to the top of the disk, of which a call of the kernel fails with EIO. */
export interface Faults {
  readonly lookup?: readonly string[];
  readonly readdir?: readonly string[];
  readonly read?: readonly string[];
  readonly xattrs?: readonly string[];
  /** Of these a lookup waits until they are not named any more. */
  readonly hang?: readonly string[];
}

/** A disk with faults, and one that can stop answering: a folder that a process of its own shows through FUSE. */
export class FaultyDisk {
  /** Where the disk is mounted. */
  readonly dir: string;
  /** The same without faults. */
  readonly below: string;
  readonly #file: string;
  readonly #child: ChildProcess;
  #connection = '';

  private constructor(base: string) {
    this.dir = join(base, 'disk');
    this.below = join(base, 'below');
    this.#file = join(base, 'faults.json');
    for (const dir of [this.dir, this.below]) mkdirSync(dir);
    this.faults = {};
    this.#child = fork(join(import.meta.dirname, 'faulty-disk-serve.ts'), [this.below, this.dir, this.#file], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: ['--import=tsx'],
    });
  }

  /** Mounts an empty disk, and takes it away after the test. Needs FUSE. */
  static async mount(t: Test): Promise<FaultyDisk> {
    const disk = new FaultyDisk(temporary(t));
    t.teardown(() => disk.#end());
    const [message] = (await Promise.race([once(disk.#child, 'message'), once(disk.#child, 'exit')])) as unknown[];
    if (message !== 'mounted') throw new Error('the disk was not mounted');
    disk.#connection = (await readMounts()).findLast(({ dir }) => dir === disk.dir)?.device ?? '';
    return disk;
  }

  set faults(faults: Faults) {
    writeFileSync(`${this.#file}.new`, JSON.stringify(faults));
    renameSync(`${this.#file}.new`, this.#file);
  }

  /** From now on each call waits. */
  hang(): void {
    this.#child.kill('SIGSTOP');
  }

  answer(): void {
    this.#child.kill('SIGCONT');
  }

  async #end(): Promise<void> {
    const { exitCode, signalCode } = this.#child;
    const gone = exitCode === null && signalCode === null ? once(this.#child, 'exit') : undefined;
    this.#child.kill('SIGKILL');
    await abortConnection(this.#connection).catch(() => undefined);
    await gone;
    await tryCommand('umount', ['-i', '-c', '-f', '-l', this.dir]);
  }
}
