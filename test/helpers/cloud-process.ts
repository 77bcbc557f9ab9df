import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Test } from 'tap';
import { login } from './cloud.ts';
import { temporary } from './temporary.ts';

const main = join(import.meta.dirname, 'cloud-main.ts');

/** The cloud in a separate process, which can be killed and started again with the same data and port. */
export class CloudProcess {
  readonly data: string;
  readonly email = 'ada@example.org';
  readonly password = 'correct horse battery';
  #child: ChildProcess | undefined;
  #port = 0;

  constructor(data: string) {
    this.data = data;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Resolves when it is serving. */
  async start(): Promise<void> {
    const args = ['--import', 'tsx', main, this.data, String(this.#port), this.email, this.password];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] });
    this.#child = child;
    this.#port = await new Promise<number>((resolve, reject) => {
      child.stdout?.once('data', (line: Buffer) => resolve(Number(line.toString())));
      child.once('exit', (code) => reject(new Error(`the cloud ended with ${code}`)));
    });
  }

  /** Sends SIGKILL, and resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Sends SIGTERM, and resolves when the process is gone. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async login(device?: string): Promise<string> {
    return await login(this.url, this.email, this.password, device);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }
}

/** Starts a cloud process with one account, in a temporary folder. It ends with the test. */
export async function startCloudProcess(t: Test): Promise<CloudProcess> {
  const cloud = new CloudProcess(temporary(t));
  t.teardown(async () => cloud.kill());
  await cloud.start();
  return cloud;
}
