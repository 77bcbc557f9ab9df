import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import type { InstanceAccess } from '../../src/daemon/access-file.ts';
import { HttpRemote } from '../../src/cloud/http/http-remote.ts';
import { login } from '../../src/cloud/http/login.ts';
import type { NodeRecord } from '../../src/cloud/records.ts';
import { background } from '../../src/vfs/context.ts';

const repository = join(import.meta.dirname, '../..');
/**
 * Arguments of Node that run `fjord`. `scripts/test` has just built the program, because every command that is run from
 * the sources would be compiled first.
 */
export const program =
  process.env['FJORD_TEST_BUILT'] === '1'
    ? [join(repository, 'dist/cli/main.js')]
    : ['--import', import.meta.resolve('tsx'), join(repository, 'src/cli/main.ts')];

/** Time limit of every wait in these helpers, ms; generous for a busy machine. */
const TIMEOUT = 120_000;

export interface Outcome {
  /** -1: ended by a signal. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface FjordOptions {
  /** The data folder; absent: a new one, which is removed after the test. */
  readonly data?: string;
  /** Further arguments of `fjord start`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Whether to mount the drive in its default place; `--mount` in the arguments mounts it, too. Default false. */
  readonly fuse?: boolean;
}

/** Runs one command of the CLI to its end. */
export async function cli(args: readonly string[], options: CliOptions = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [...program, ...args], {
    env: environment(options.env),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined).end(options.input ?? '');
  const [stdout, stderr, code] = await Promise.all([collect(child.stdout), collect(child.stderr), exitOf(child)]);
  return { code, stdout, stderr };
}

export interface CliOptions {
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
}

/** A running `fjord start`: embedded cloud, gateway and their parent process. */
export class Fjord {
  readonly data: string;
  readonly #options: FjordOptions;
  #child: ChildProcess | undefined;
  #output = '';
  #exit: Promise<number> = Promise.resolve(0);
  #access: InstanceAccess | undefined;

  constructor(options: FjordOptions & { readonly data: string }) {
    this.data = options.data;
    this.#options = options;
  }

  /** What `access.json` said when it was last read. */
  get access(): InstanceAccess {
    if (this.#access === undefined) throw new Error('fjord has not started');
    return this.#access;
  }

  get webdav(): InstanceAccess['webdav'] {
    return this.access.webdav;
  }

  get cloud(): InstanceAccess['cloud'] {
    return this.access.cloud;
  }

  /** Its whole output. */
  get output(): string {
    return this.#output;
  }

  /** Starts it, again with the same data. Resolves when it is serving and has printed that. */
  async start(): Promise<this> {
    const { args = [], env } = this.#options;
    const child = spawn(process.execPath, [...program, 'start', '--data', this.data, ...args], {
      env: environment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#exit = exitOf(child);
    const before = this.#output.length;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
    await this.#wait('it serves', () => {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`fjord start ended:\n${this.#output}`);
      const told = this.#output.includes('Ctrl-C ends it.', before);
      return told && this.#reload() && this.#access?.pid === child.pid;
    });
    return this;
  }

  /** Runs a command with its data folder. */
  cli(...args: string[]): Promise<Outcome> {
    return this.cliWith({}, ...args);
  }

  cliWith(options: CliOptions, ...args: string[]): Promise<Outcome> {
    const env = { ...this.#options.env, FJORD_DATA_DIR: this.data, ...options.env };
    return cli(args, { ...options, env });
  }

  /** Kills the gateway. Resolves when it is dead. */
  async killGateway(): Promise<void> {
    await this.#kill(this.access.gateway.pid);
  }

  /** Resolves when another gateway is serving on the same port. */
  async gatewayBack(): Promise<void> {
    const dead = this.access.gateway.pid;
    await this.#wait('the gateway is back', () => this.#reload() && this.access.gateway.pid !== dead);
  }

  async killCloud(): Promise<void> {
    await this.#kill(this.access.cloud.pid);
  }

  async cloudBack(): Promise<void> {
    const dead = this.access.cloud.pid;
    await this.#wait('the cloud is back', () => this.#reload() && this.access.cloud.pid !== dead);
  }

  /** Kills the parent process. Resolves when all three are dead. */
  async killAll(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#exit;
    this.#reload();
    const pids = this.#access === undefined ? [] : [this.#access.gateway.pid, this.#access.cloud.pid];
    await this.#wait('all are dead', () => !pids.some(isAlive));
  }

  /** Sends a signal and waits for the end. Resolves to the exit code. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    this.#child?.kill(signal);
    return this.#exit;
  }

  /** Resolves to the exit code when it has ended. */
  ended(): Promise<number> {
    return this.#exit;
  }

  /** The files of a space in the cloud: the path without a leading '/', and a function that reads the file. */
  async cloudTree(kind: 'Sync' | 'Archive'): Promise<Map<string, () => Promise<Buffer>>> {
    const { url, email, password } = this.cloud;
    const device = { name: 'examiner', platform: 'test' };
    const { token } = await login({ url }, { email, password, device }, background);
    const remote = new HttpRemote({ url, token });
    try {
      const space = (await remote.spaces(background)).find((one) => one.kind === kind.toLowerCase());
      if (space === undefined) throw new Error(`there is no ${kind}`);
      const nodes = new Map<string, NodeRecord>();
      for await (const row of remote.snapshot(space.id, background)) {
        if ('id' in row && !row.removed) nodes.set(row.id, row);
      }
      const files = [...nodes.values()].filter((node) => node.kind === 'file');
      return new Map(files.map((node) => [pathOf(node, nodes), () => contentOf({ url, token }, node)]));
    } finally {
      await remote.close();
    }
  }

  /** Bytes of blocks that the cloud stores for the account. */
  async stored(): Promise<number> {
    const { url, email, password } = this.cloud;
    const device = { name: 'accountant', platform: 'test' };
    const remote = new HttpRemote({
      url,
      token: (await login({ url }, { email, password, device }, background)).token,
    });
    try {
      return (await remote.usage(background)).used;
    } finally {
      await remote.close();
    }
  }

  #reload(): boolean {
    const file = join(this.data, 'access.json');
    if (!existsSync(file)) return false;
    this.#access = JSON.parse(readFileSync(file, 'utf8')) as InstanceAccess;
    return true;
  }

  async #kill(pid: number): Promise<void> {
    process.kill(pid, 'SIGKILL');
    await this.#wait(`${pid} is dead`, () => !isAlive(pid));
  }

  async #wait(what: string, holds: () => boolean): Promise<void> {
    for (const until = Date.now() + TIMEOUT; !holds(); await sleep(20)) {
      if (Date.now() > until) throw new Error(`waited in vain until ${what}:\n${this.#output}`);
    }
  }
}

/** Starts a cloud and a gateway with new data, and stops them after the test. */
export async function startFjord(t: Test, options: FjordOptions = {}): Promise<Fjord> {
  const data = options.data ?? mkdtempSync(join(tmpdir(), 'fjord-run-'));
  const { args: more = [], fuse = more.includes('--mount') } = options;
  const args = ['--port', '0', ...(fuse ? [] : ['--no-fuse']), ...more];
  const fjord = new Fjord({ ...options, args, data });
  t.teardown(async () => {
    await fjord.killAll();
    if (options.data === undefined) rmSync(data, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
  return fjord.start();
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function environment(env: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  // Without the settings of the current user.
  return { ...process.env, FJORD_CONFIG: join(import.meta.dirname, 'empty.toml'), NO_COLOR: '1', ...env };
}

function exitOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? -1));
  });
}

async function collect(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  for await (const chunk of stream.setEncoding('utf8')) text += chunk;
  return text;
}

function pathOf(node: NodeRecord, nodes: ReadonlyMap<string, NodeRecord>): string {
  const parent = nodes.get(node.parent);
  return parent === undefined ? node.name : `${pathOf(parent, nodes)}/${node.name}`;
}

async function contentOf(cloud: { url: string; token: string }, { version, size }: NodeRecord): Promise<Buffer> {
  const remote = new HttpRemote(cloud);
  try {
    const count = Math.ceil(size / (1024 * 1024));
    const blocks = Array.from({ length: count }, (_, index) => ({ version: version ?? '', index }));
    const parts: Uint8Array[] = [];
    for await (const { data } of remote.read(blocks, background)) parts.push(data);
    return Buffer.concat(parts);
  } finally {
    await remote.close();
  }
}
