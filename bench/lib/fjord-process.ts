import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import type { InstanceAccess } from '../../src/daemon/access-file.ts';
import { PROCESS_ENVIRONMENT } from '../../src/daemon/process-environment.ts';
import { stop } from './process.ts';

const ROOT = join(import.meta.dirname, '../..');
const NO_SETTINGS = join(ROOT, 'test/helpers/empty.toml');
const run = promisify(execFile);

export interface FjordArgs {
  /** Data folder; the program's output is written to a file next to it. */
  readonly dir: string;
  /** Subcommand with its arguments; `--data` is added. */
  readonly args: readonly string[];
  /** Settings as environment variables. */
  readonly env?: Readonly<Record<string, string>>;
  /** The built checkout whose program is run; by default this one. */
  readonly checkout?: string | undefined;
}

/** The built program in a separate process, without the settings of the current user. */
export class FjordProcess {
  readonly #args: FjordArgs;
  readonly #child: ChildProcess;

  private constructor(args: FjordArgs, child: ChildProcess) {
    this.#args = args;
    this.#child = child;
  }

  static async start(args: FjordArgs): Promise<FjordProcess> {
    const { dir, checkout = ROOT } = args;
    const flags = await flagsOf(checkout);
    const log = await open(`${dir}.log`, 'a');
    const child = spawn(process.execPath, [...flags, programOf(checkout), ...args.args, '--data', dir], {
      stdio: ['ignore', log.fd, log.fd],
      env: environment(args),
    });
    await log.close();
    return new FjordProcess(args, child);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /**
   * Resolves when `ready` does. @throws Error with the program's output if it ends before that, or after two minutes
   */
  async until<T>(ready: () => Promise<T | undefined>): Promise<T> {
    for (const limit = Date.now() + 120_000; ; await sleep(5)) {
      const found = await ready();
      if (found !== undefined) return found;
      const why = this.#child.exitCode === null ? 'it was not ready in time' : `it ended with ${this.#child.exitCode}`;
      if (this.#child.exitCode === null && Date.now() < limit) continue;
      this.#child.kill('SIGKILL');
      throw new Error(`fjord ${this.#args.args.join(' ')}: ${why}\n${await readFile(`${this.#args.dir}.log`, 'utf8')}`);
    }
  }

  /** Where a `start` can be reached, once it serves. */
  async access(): Promise<InstanceAccess> {
    return await this.until(async () => {
      const text = await readFile(join(this.#args.dir, 'access.json'), 'utf8').catch(() => undefined);
      return text === undefined ? undefined : (JSON.parse(text) as InstanceAccess);
    });
  }

  /** Resolves when it has printed this text. */
  async said(text: string): Promise<void> {
    await this.until(async () => (await readFile(`${this.#args.dir}.log`, 'utf8')).includes(text) || undefined);
  }

  /** Runs another command of the program on the same data. Resolves to its standard output. */
  async command(...args: string[]): Promise<string> {
    return await fjord({ ...this.#args, args });
  }

  async stop(): Promise<void> {
    await stop(this.#child);
  }
}

/** Runs a command of the program to its end. Resolves to its standard output. */
export async function fjord(args: FjordArgs): Promise<string> {
  const { dir, checkout = ROOT } = args;
  const { stdout } = await run(process.execPath, [programOf(checkout), ...args.args, '--data', dir], {
    env: environment(args),
  });
  return stdout;
}

export async function fjordVersion(): Promise<string> {
  return (JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { version: string }).version;
}

/** The short hash of a checkout's commit. */
export async function revisionOf(checkout: string): Promise<string> {
  return (await run('git', ['-C', checkout, 'rev-parse', '--short', 'HEAD'])).stdout.trim();
}

function programOf(checkout: string): string {
  return join(checkout, 'dist/cli/fjord.cjs');
}

/** The options of Node that the program of this checkout names in its first line. */
async function flagsOf(checkout: string): Promise<readonly string[]> {
  const module = pathToFileURL(join(checkout, 'dist/cli/v8-flags.js')).href;
  return ((await import(module)) as { readonly V8_FLAGS: readonly string[] }).V8_FLAGS;
}

function environment({ env }: FjordArgs): NodeJS.ProcessEnv {
  return { ...PROCESS_ENVIRONMENT, ...process.env, FJORD_CONFIG: NO_SETTINGS, ...env };
}
