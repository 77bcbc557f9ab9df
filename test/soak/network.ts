import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Test } from 'tap';
import { runCommand, tryCommand } from '../helpers/run-command.ts';

/** The address of the cloud, in its namespace. */
const CLOUD = '10.77.0.1';

/** What a cable does to packets; see `link.py`. */
export interface Weather {
  /** ms */
  readonly delay?: number;
  readonly jitter?: number;
  /** Probabilities. */
  readonly loss?: number;
  readonly duplicate?: number;
  readonly reorder?: number;
}

/** The namespace of a computer, and its cable to the cloud. */
export class Link {
  readonly namespace: string;
  readonly #device: string;
  readonly #cable: ChildProcess;

  constructor(namespace: string, device: string, cable: ChildProcess) {
    this.namespace = namespace;
    this.#device = device;
    this.#cable = cable;
  }

  /** Replaces what the cable does to packets; `{}`: nothing. */
  weather(weather: Weather): void {
    this.#cable.stdin?.write(`${JSON.stringify(weather)}\n`);
  }

  /** Takes the interface down: connections get errors at once, or silence. */
  async down(): Promise<void> {
    await ip('-n', this.namespace, 'link', 'set', this.#device, 'down');
  }

  /** Takes it up again, with nothing wrong with the cable. */
  async heal(): Promise<void> {
    this.weather({});
    await ip('-n', this.namespace, 'link', 'set', this.#device, 'up');
    await ip('-n', this.namespace, 'route', 'replace', CLOUD, 'dev', this.#device);
  }
}

/** A cloud's namespace, and one for each computer, connected to it by cables. All are removed after the test. */
export class Network {
  readonly cloud: string;
  readonly #t: Test;
  readonly #seed: number;
  #links = 0;

  private constructor(t: Test, seed: number, cloud: string) {
    this.#t = t;
    this.#seed = seed;
    this.cloud = cloud;
  }

  static async open(t: Test, seed: number): Promise<Network> {
    const network = new Network(t, seed, `fjord-soak-${process.pid}-${seed}`);
    await network.#namespace(network.cloud);
    await ip('-n', network.cloud, 'address', 'add', CLOUD, 'dev', 'lo');
    return network;
  }

  get address(): string {
    return CLOUD;
  }

  async link(name: string): Promise<Link> {
    const number = ++this.#links;
    const namespace = `${this.cloud}-${name}`;
    await this.#namespace(namespace);
    const ends = [namespace, `10.77.${number}.2`, this.cloud, `10.77.${number}.1`];
    const args = [join(import.meta.dirname, 'link.py'), String(this.#seed + number), ...ends];
    const cable = spawn('python3', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#t.teardown(async () => {
      const ended = once(cable, 'exit');
      cable.stdin.end();
      await ended;
    });
    const [line] = (await once(cable.stdout, 'data')) as [Buffer];
    const link = new Link(namespace, line.toString().trim(), cable);
    await link.heal();
    return link;
  }

  async #namespace(name: string): Promise<void> {
    await ip('netns', 'add', name);
    this.#t.teardown(() => tryCommand('ip', ['netns', 'delete', name]));
    await ip('-n', name, 'link', 'set', 'lo', 'up');
  }
}

/** Why there can be no network of namespaces here, or false. */
export async function withoutNamespaces(): Promise<string | false> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux';
  const name = `fjord-probe-${process.pid}`;
  const added = await tryCommand('ip', ['netns', 'add', name]).catch(() => undefined);
  if (added?.code !== 0) return 'needs network namespaces (iproute2)';
  await tryCommand('ip', ['netns', 'delete', name]);
  return (await tryCommand('test', ['-c', '/dev/net/tun'])).code === 0 ? false : 'needs /dev/net/tun';
}

async function ip(...args: string[]): Promise<void> {
  await runCommand('ip', args);
}
