import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { abortConnection } from '../../src/fuse/connection.ts';
import { readMounts } from '../../src/fuse/mount-table.ts';
import type { FuseOptions } from '../../src/fuse/mount.ts';
import type { FuseOrder, ServeOptions } from './fuse-serve.ts';
import { runCommand } from './run-command.ts';

type Answer = { readonly id: number; readonly value?: unknown; readonly error?: string };

/** A mount that is served by a separate process, so that the test may access it. */
export class FuseProcess {
  readonly dir: string;
  readonly child: ChildProcess;
  #connection = '';
  /** Its standard error output. */
  errors = '';
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #last = 0;

  private constructor(dir: string, child: ChildProcess) {
    this.dir = dir;
    this.child = child;
    child.on('message', (answer: Answer) => {
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
  }

  static async start(options: FuseOptions & ServeOptions = {}, at?: string): Promise<FuseProcess> {
    const dir = at ?? (await mkdtemp(join(tmpdir(), 'fjord-fuse-')));
    const args = [dir, JSON.stringify(options)];
    const stdio = ['ignore', 'inherit', 'pipe', 'ipc'] as const;
    const child = fork(join(import.meta.dirname, 'fuse-serve.ts'), args, {
      stdio: [...stdio],
      execArgv: ['--import=tsx'],
    });
    const own = new FuseProcess(dir, child);
    const ready = new Promise<true>((resolve) => own.#waiting.set(0, () => resolve(true)));
    const died = once(child, 'exit').then(() => false as const);
    if (!(await Promise.race([ready, died]))) throw new Error(`no mount: ${own.errors}`);
    own.#connection = (await readMounts()).findLast((mount) => mount.dir === dir)?.device ?? '';
    return own;
  }

  async order(what: FuseOrder['do'], path = '', text = ''): Promise<unknown> {
    const id = ++this.#last;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.child.send({ id, do: what, path, text } satisfies FuseOrder);
    const { value, error } = await answered;
    if (error !== undefined) throw new Error(error);
    return value;
  }

  /** Ends the process in any state, and removes the mount and the folder. */
  async stop(): Promise<void> {
    const gone = this.child.exitCode === null && this.child.signalCode === null ? once(this.child, 'exit') : undefined;
    if (this.child.connected) this.child.disconnect();
    const force = (): void => {
      this.child.kill('SIGKILL');
      // One of its threads may be waiting for the mount.
      void abortConnection(this.#connection);
    };
    const timer = setTimeout(force, 10_000);
    await gone;
    clearTimeout(timer);
    await runCommand('umount', ['-i', '-c', '-f', '-l', this.dir]).catch(() => {});
    await rm(this.dir, { recursive: true, force: true });
  }
}
