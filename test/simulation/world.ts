import type { Entry } from '../../src/cache/tree/entry.ts';
import { background as context } from '../../src/vfs/context.ts';
import type { FileHandle } from '../../src/vfs/file-system.ts';
import { DirectCloud, type DirectRemote } from '../helpers/direct-cloud.ts';
import { install } from './builtins.ts';
import { checkLeftovers, checkMeeting, checkOrder, checkTrees } from './check.ts';
import { checkRepair, checkVerified } from './damage.ts';
import { Contents } from './contents.ts';
import { Refusal } from '../../src/cloud/server/refusal.ts';
import { Device } from './device.ts';
import { FAULTS } from './faults.ts';
import { openFiles, ROOM, type SimulatedDisk } from './disk.ts';
import { type Failure, failure } from './failure.ts';
import { SimulatedMetadata } from './metadata.ts';
import { TIMEOUT, Pending } from './pending.ts';
import { comeToRest } from './rest.ts';
import { runProgram } from './run-program.ts';
import { Random } from './random.ts';
import { format, type Step } from './step.ts';
import { Timeline } from './timeline.ts';

export const NAMES = ['a', 'b', 'c'] as const;

/** 2026-01-01, so that names that contain a time are the same in every run. */
const START = Date.UTC(2026, 0, 1);
/** One history of so many ends with catalogs that are damaged and repaired. */
const DAMAGED = 10;
const GUEST = 'c@d';

/** The computers of a history. */
export interface Cast {
  readonly count: number;
  /** Whether the last one is another person's, with whom folders are shared. */
  readonly shared: boolean;
}

/** How a history has ended. */
export interface Run {
  readonly failure: Failure | undefined;
  /** A digest that is equal for two runs with the same events at the same times. */
  readonly trace: string;
}

/** Gateways, the service's core and what is between them, on one thread and in one virtual time. */
export class World {
  readonly timeline: Timeline;
  readonly contents = new Contents();
  readonly devices: Device[] = [];
  readonly cloud: DirectCloud;
  readonly #random: Random;
  /** Of some histories: what is damaged at the end. */
  readonly #damage: Random | undefined;
  readonly #disks: Map<string, SimulatedDisk>;
  readonly #handles = new Map<Device, Map<string, FileHandle>>();
  /** The other person, if there is one. */
  #guest: { readonly email: string; readonly account: string } | undefined;
  /** Longest latency of the disks, ms. */
  diskSlowness = 0;
  static readonly #metadata = new SimulatedMetadata();

  private constructor(parts: {
    cloud: DirectCloud;
    random: Random;
    damage: Random | undefined;
    disks: Map<string, SimulatedDisk>;
    timeline: Timeline;
  }) {
    this.cloud = parts.cloud;
    this.#random = parts.random;
    this.#damage = parts.damage;
    this.#disks = parts.disks;
    this.timeline = parts.timeline;
  }

  /** Runs a history, starting with an empty account. Resolves to the failure that it has found, if any. */
  static async run(seed: number, { count, shared }: Cast, live: (world: World) => Promise<void>): Promise<Run> {
    const timeline = new Timeline(START);
    const disks = new Map<string, SimulatedDisk>();
    const delays = Random.of(seed, 1);
    let world: World | undefined;
    const delay = async (): Promise<void> => {
      const slowness = world?.diskSlowness ?? 0;
      if (slowness > 0 && delays.chance(0.5)) {
        await new Promise<void>((resolve) => timeline.plan(delays.next() * slowness, 'disk', resolve));
      }
    };
    const disk = (path: string): SimulatedDisk => {
      const [root = ''] = /^\/[^/]+\/[^/]+\/[^/]+/.exec(path) ?? [];
      const found = disks.get(root);
      if (found === undefined) throw new Error(`no disk for ${path}`);
      return found;
    };
    const uninstall = install({ timeline, random: Random.of(seed, 2), disk, delay });
    const escaped: unknown[] = [];
    const escape = (error: unknown): void => void escaped.push(error);
    process.on('unhandledRejection', escape);
    const trace = (): string => `${timeline.count} at ${timeline.now}`;
    try {
      const cloud = await DirectCloud.open(World.#metadata.next());
      world = new World({
        cloud,
        random: Random.of(seed, 3),
        damage: seed % DAMAGED === 0 ? Random.of(seed, 5) : undefined,
        disks,
        timeline,
      });
      if (shared) world.#guest = { email: GUEST, account: await cloud.open(GUEST) };
      const names = NAMES.slice(0, count);
      for (const name of names) await world.#join(name, delay, name === names.at(-1) ? world.#guest : undefined);
      await live(world);
      await world.end(delay);
      const [error] = escaped;
      return { failure: error === undefined ? undefined : failure('crash', error), trace: trace() };
    } catch (error) {
      return { failure: failure('crash', error), trace: trace() };
    } finally {
      await world?.abandon();
      process.off('unhandledRejection', escape);
      uninstall();
      openFiles.clear();
    }
  }

  /** Prints events, for debugging. */
  static trace: ((line: string) => void) | undefined;

  #listen(name: string): ((lines: () => string[]) => void) | undefined {
    const { trace } = World;
    if (trace === undefined) return undefined;
    return (lines) => {
      for (const line of lines()) trace(`    ${this.timeline.now - START} ${name}: ${line}`);
    };
  }

  async perform(step: Step): Promise<void> {
    World.trace?.(`${this.timeline.now - START} ${format([step])}`);
    const { who, verb, args } = step;
    if (verb === 'wait') return await this.wait(Number(args[0]));
    if (verb === 'meet') return await this.#meet();
    const device = this.devices.find(({ name }) => name === who);
    if (device === undefined) return;
    const faults = FAULTS[verb];
    if (faults !== undefined) await faults(this, device, args);
    else await runProgram(this, device, verb, args);
    await this.rise();
    for (const one of this.devices) checkOrder(one);
  }

  /** Connects all gateways for a while, long enough for most pending work. Those that are done then must agree. */
  async #meet(): Promise<void> {
    for (const device of this.devices) device.connect(true);
    await this.wait(3000);
    await checkMeeting(this);
  }

  async wait(ms: number): Promise<void> {
    const until = this.timeline.now + ms;
    while (await this.timeline.step(until)) await this.rise();
  }

  /** A person shares a folder with the other one, who accepts. Nothing happens if the cloud refuses it. */
  async share(device: Device, path: string): Promise<void> {
    const folder = this.at(device, path);
    if (this.#guest === undefined || folder === undefined || device.account !== this.cloud.account) return;
    const work = this.cloud.share(folder.id, this.#guest).catch((error: unknown) => {
      if (!(error instanceof Refusal)) throw error;
    });
    await this.until(work, 'share');
  }

  /** Lets time pass until the promise settles. */
  async until<T>(work: Promise<T>, what: string, timeout = TIMEOUT): Promise<T> {
    const pending = new Pending(work);
    await this.timeline.settle();
    const end = this.timeline.now + timeout;
    while (pending.isPending) {
      if (!(await this.timeline.step(end))) throw failure('hung', `${what} does not return`);
      if (pending.isPending) await this.rise();
    }
    return pending.value;
  }

  /** Starts crashed gateways. */
  async rise(): Promise<void> {
    for (const device of this.devices) {
      if (!device.isDead) continue;
      this.#handles.get(device)?.clear();
      if (device.hasLostPower) this.contents.losePower(device.name);
      await this.until(device.rise(), 'the start');
    }
  }

  /** What a gateway shows at a path. */
  at(device: Device, path: string): Entry | undefined {
    const { catalog } = device.gateway.stack;
    let entry = catalog.get('root');
    for (const name of path.split('/').filter((part) => part !== '')) {
      entry = entry === undefined ? undefined : catalog.child(entry.id, name);
    }
    return entry;
  }

  /** The contents that a gateway shows at and below a path. */
  seen(device: Device, path: string): string[] {
    const entry = this.at(device, path);
    if (entry === undefined) return [];
    if (entry.kind !== 'folder') return this.contentsOf(device, entry);
    const children = new Map<string, Entry[]>();
    for (const one of device.entries()) children.set(one.parent, [...(children.get(one.parent) ?? []), one]);
    const below = (id: string): Entry[] => (children.get(id) ?? []).flatMap((child) => [child, ...below(child.id)]);
    return below(entry.id).flatMap((child) => this.contentsOf(device, child));
  }

  /** The content of a file on this gateway; several if the content that it is based on is acceptable, too. */
  contentsOf(device: Device, entry: Entry): string[] {
    const hashes = [entry.hash, entry.base?.hash].filter((hash) => typeof hash === 'string');
    const found = [device.staged(entry), ...hashes.map((hash) => this.contents.of(hash))];
    return found.filter((content) => content !== undefined);
  }

  async closeHandles(device: Device): Promise<void> {
    const handles = this.handlesOf(device);
    for (const handle of handles.values()) await this.until(closed(handle), 'close');
    handles.clear();
  }

  handlesOf(device: Device): Map<string, FileHandle> {
    let handles = this.#handles.get(device);
    if (handles === undefined) this.#handles.set(device, (handles = new Map()));
    return handles;
  }

  /** Connects everything and lets it come to rest; then all checks must pass. */
  async end(delay: () => Promise<void>): Promise<void> {
    this.diskSlowness = 0;
    for (const device of this.devices) {
      Object.assign(device.network, { slowness: 20, drop: 0, lose: 0, tear: 0 });
      device.connect(true);
      device.disk.changing = () => undefined;
      device.disk.free = ROOM;
      await this.closeHandles(device);
    }
    // Connecting may have written something, which one that was about to crash has not survived.
    await this.rise();
    await comeToRest(this);
    const fresh = [await this.#join('z', delay)];
    if (this.#guest !== undefined) fresh.push(await this.#join('y', delay, this.#guest));
    await comeToRest(this);
    await checkTrees(this, fresh);
    await checkVerified(this);
    if (this.#damage !== undefined) await checkRepair(this, this.#damage);
    await this.wait(5000);
    await checkLeftovers(this);
    for (const device of this.devices) {
      await this.until(device.buried(), 'the end of what died');
      await this.until(device.stop(), 'the end');
    }
    await this.wait(10_000);
    const [left] = this.timeline.pending;
    if (left !== undefined) throw failure('leftover', `when all have ended, a ${left.what} is left`);
    for (const { name, disk } of this.devices) {
      if (openFiles.count(disk) > 0) throw failure('leftover', `when ${name} has ended, files are open`);
    }
  }

  /** Stops everything that is still running after a failure. */
  async abandon(): Promise<void> {
    for (const device of this.devices) await this.until(device.stop(), 'the end', 60_000).catch(() => undefined);
    await this.cloud.close().catch(() => undefined);
  }

  async #join(name: string, delay: () => Promise<void>, guest?: { readonly account: string }): Promise<Device> {
    const inner: DirectRemote = await this.cloud.device(name, guest?.account);
    const random = Random.of(this.#random.below(2 ** 32), this.devices.length);
    const { cloud, timeline } = this;
    const device = new Device({
      name,
      cloud,
      inner,
      timeline,
      random,
      delay,
      listen: this.#listen(name),
      disks: this.#disks,
    });
    this.devices.push(device);
    await this.until(device.start(), 'the start');
    await this.until(device.gateway.ready(60_000), 'the first contact');
    await this.until(device.gateway.pull(context), 'the first pull');
    return device;
  }
}

async function closed(handle: FileHandle): Promise<void> {
  await handle.close();
}
