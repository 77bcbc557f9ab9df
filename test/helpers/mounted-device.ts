import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import type { Test } from 'tap';
import { cli, type Outcome, program } from './gateway-process.ts';
import { isMounted } from './mount-shell.ts';
import { mountFolder } from './mounted-fjord.ts';
import { temporary } from './temporary.ts';

export interface CloudAccount {
  /** Address of the cloud, or of a proxy in front of it. */
  readonly url: string;
  readonly email: string;
  readonly password: string;
}

/** ms */
const TIMEOUT = 120_000;
const EMPTY = join(import.meta.dirname, 'empty.toml');

/** A computer of an account: `fjord login` and `fjord up`, mounted, with an empty cache. */
export class MountedDevice {
  /** The root of the drive. */
  readonly dir: string;
  /** Its data folder, with the cache. */
  readonly data: string;
  #child: ChildProcess | undefined;

  private constructor(dir: string, data: string) {
    this.dir = dir;
    this.data = data;
  }

  static async start(t: Test, { url, email, password }: CloudAccount): Promise<MountedDevice> {
    const device = new MountedDevice(await mountFolder(t), temporary(t));
    const args = ['login', email, '--cloud', url];
    const { code, stderr } = await device.cli(args, { FJORD_PASSWORD: password });
    if (code !== 0) throw new Error(stderr);
    await device.#up();
    t.teardown(() => device.stop());
    return device;
  }

  cli(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
    return cli(args, { env: { FJORD_DATA_DIR: this.data, ...env } });
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    await gone;
  }

  async #up(): Promise<void> {
    const child = spawn(process.execPath, [...program, 'up', '--data', this.data, '--port', '0', '--mount', this.dir], {
      env: { ...process.env, FJORD_CONFIG: EMPTY, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    for (const until = Date.now() + TIMEOUT; !(await isMounted(this.dir)); await sleep(50)) {
      if (child.exitCode !== null || Date.now() > until) throw new Error(`fjord up does not mount:\n${output}`);
    }
  }
}
