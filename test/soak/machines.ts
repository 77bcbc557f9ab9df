import { type ChildProcess, spawn } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayAccess } from '../../src/daemon/access-file.ts';
import { readMounts } from '../../src/fuse/mount-table.ts';
import { program } from '../helpers/gateway-process.ts';
import { runCommand, tryCommand, type CommandOutput } from '../helpers/run-command.ts';
import type { Link } from './network.ts';

/** Time limit of a start, ms; generous for a busy machine. */
const TIMEOUT = 120_000;
const FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1';

interface Place {
  readonly namespace: string;
  readonly data: string;
}

/** A clock that is wrong by a number of days. */
function clock(days: number): Record<string, string> {
  if (days === 0) return {};
  const sign = days > 0 ? '+' : '';
  return {
    LD_PRELOAD: FAKETIME,
    FAKETIME: `${sign}${days}d`,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    FAKETIME_CACHE_DURATION: '1',
  };
}

/** A process of `fjord` in a namespace. `nsenter`, because `ip netns exec` would hide its mounts from others. */
class Process {
  readonly place: Place;
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  /** What it printed. */
  output = '';

  constructor(place: Place) {
    this.place = place;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(args: readonly string[], days: number): void {
    const { namespace, data } = this.place;
    const child = spawn('nsenter', [`--net=/run/netns/${namespace}`, process.execPath, ...program, ...args], {
      env: environment(data, clock(days)),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    }
    this.#ended = new Promise((resolve) => child.once('close', () => resolve()));
    this.#child = child;
  }

  /** Resolves when it holds. @throws Error if the process ends before, or after two minutes */
  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (const end = Date.now() + TIMEOUT; !(await holds()); await sleep(50)) {
      const child = this.#child;
      if (child === undefined || child.exitCode !== null || child.signalCode !== null || Date.now() > end) {
        throw new Error(`waited in vain until ${what}:\n${this.output.slice(-3000)}`);
      }
    }
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.#child?.kill(signal);
    await this.#ended;
    this.#child = undefined;
  }
}

/** @param data the data folder of a machine; the certificate is beside it */
export function environment(data: string, env: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const empty = join(import.meta.dirname, '../helpers/empty.toml');
  return { ...process.env, FJORD_CONFIG: empty, NO_COLOR: '1', NODE_EXTRA_CA_CERTS: tlsCertificate(data), ...env };
}

function tlsKey(data: string): string {
  return join(data, '../tls.key');
}

function tlsCertificate(data: string): string {
  return join(data, '../tls.crt');
}

/** A cloud in its namespace, with its accounts. */
export class SoakCloud {
  readonly url: string;
  readonly data: string;
  readonly #address: string;
  readonly #process: Process;
  #copies = 0;

  constructor(namespace: string, address: string, data: string) {
    this.#process = new Process({ namespace, data });
    this.#address = address;
    this.data = data;
    this.url = `https://${address}:4200`;
  }

  /** Makes its certificate, which every process of this network trusts. It is old enough for a clock that is late. */
  async certify(): Promise<void> {
    const [key, certificate] = [tlsKey(this.data), tlsCertificate(this.data)];
    const subject = ['-subj', '/CN=soak', '-addext', `subjectAltName=IP:${this.#address}`];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const args = ['req', '-x509', ...curve, '-days', '3650', ...subject, '-keyout', key, '-out', certificate];
    await runCommand('openssl', args, { env: { ...process.env, ...clock(-30) } });
  }

  async addAccount(email: string, password: string): Promise<void> {
    const file = await passwordFile(join(this.data, '..'), email, password);
    await this.cli('cloud', 'user', 'add', email, '--data', this.data, '--password-file', file);
  }

  /** @param days by which its clock is wrong */
  async start(days = 0): Promise<void> {
    const before = this.#process.output.length;
    const tls = ['--tls-cert', tlsCertificate(this.data), '--tls-key', tlsKey(this.data)];
    this.#process.start(['cloud', 'serve', '--data', this.data, '--listen', `${this.#address}:4200`, ...tls], days);
    await this.#process.until('the cloud serves', async () => this.#process.output.includes('serving', before));
  }

  async kill(): Promise<void> {
    await this.#process.end('SIGKILL');
  }

  /** The database of its metadata. */
  get database(): string {
    return join(this.data, 'meta.db');
  }

  /** Copies its data while it is stopped, as a backup would. Resolves to the folder. */
  async copy(): Promise<string> {
    await this.#process.end('SIGTERM');
    const to = `${this.data}.copy${++this.#copies}`;
    await cp(this.data, to, { recursive: true, preserveTimestamps: true });
    await this.start();
    return to;
  }

  /** Puts a copy in the place of its data. */
  async restore(copy: string): Promise<void> {
    await this.kill();
    await rm(this.data, { recursive: true });
    await cp(copy, this.data, { recursive: true, preserveTimestamps: true });
    await this.start();
  }

  async cli(...args: string[]): Promise<string> {
    return succeed(await run(this.#process.place, args), args);
  }
}

/** A computer: a gateway with its mount, in a namespace. */
export class Computer {
  readonly name: string;
  readonly email: string;
  readonly link: Link;
  readonly data: string;
  readonly #process: Process;
  #url = '';
  #password = '';

  constructor(name: string, email: string, link: Link, data: string) {
    this.name = name;
    this.email = email;
    this.link = link;
    this.data = data;
    this.#process = new Process({ namespace: link.namespace, data });
  }

  /** A folder in its mounted drive. */
  at(...path: string[]): string {
    return join(this.data, 'mount', ...path);
  }

  get isUp(): boolean {
    return this.#process.pid !== undefined;
  }

  /** What the gateway printed. */
  get output(): string {
    return this.#process.output;
  }

  async login(url: string, password: string): Promise<void> {
    this.#url = url;
    this.#password = password;
    await mkdir(this.data, { recursive: true });
    await this.loginAgain();
  }

  /** For a new token; the gateway must be down. */
  async loginAgain(): Promise<void> {
    const file = await passwordFile(join(this.data, '..'), this.email, this.#password);
    await this.cli('login', this.email, '--cloud', this.#url, '--device', this.name, '--password-file', file);
  }

  /** Starts it, if it is down. Resolves when the drive is mounted. @param days by which its clock is wrong */
  async up(days = 0): Promise<void> {
    if (this.isUp) return;
    this.#process.start(['up', '--data', this.data, '--port', '0'], days);
    await this.#process.until(`${this.name} is mounted`, async () => {
      const access = await readFile(join(this.data, 'access.json'), 'utf8').catch(() => undefined);
      if (access === undefined) return false;
      const { pid, mount } = JSON.parse(access) as GatewayAccess;
      return pid === this.#process.pid && mount !== null;
    });
  }

  async kill(): Promise<void> {
    await this.#process.end('SIGKILL');
  }

  /** Ends it in order; what is queued stays queued. */
  async down(): Promise<void> {
    await this.run('down', '--no-flush');
    await this.#process.end('SIGKILL');
  }

  /** Ends it for good, with its mount. */
  async remove(): Promise<void> {
    await this.kill();
    const dir = this.at();
    while ((await readMounts()).some((mount) => mount.dir === dir)) await tryCommand('umount', ['-l', dir]);
  }

  async run(...args: string[]): Promise<CommandOutput> {
    return await run(this.#process.place, args);
  }

  /** @throws Error with what it printed if it fails */
  async cli(...args: string[]): Promise<string> {
    return succeed(await this.run(...args), args);
  }

  async json<T>(...args: string[]): Promise<T> {
    const { out } = await this.run(...args, '--json');
    return JSON.parse(out) as T;
  }
}

async function run({ namespace, data }: Place, args: readonly string[]): Promise<CommandOutput> {
  const command = [`--net=/run/netns/${namespace}`, process.execPath, ...program, ...args];
  return await tryCommand('nsenter', command, { env: environment(data, { FJORD_DATA_DIR: data }), timeout: 240_000 });
}

function succeed({ code, out, errors }: CommandOutput, args: readonly string[]): string {
  if (code !== 0) throw new Error(`fjord ${args.join(' ')} ended with ${code}: ${errors}${out}`);
  return out;
}

async function passwordFile(dir: string, email: string, password: string): Promise<string> {
  const file = join(dir, `${email}.password`);
  await writeFile(file, password);
  return file;
}
