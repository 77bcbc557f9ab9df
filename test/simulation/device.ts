import { isFsError } from '../../src/vfs/fs-error.ts';
import { Gateway } from '../../src/mounts/gateway.ts';
import type { Entry } from '../../src/cache/tree/entry.ts';
import type { DirectCloud, DirectRemote } from '../helpers/direct-cloud.ts';
import { ROOT } from './builtins.ts';
import { openFiles, SimulatedDisk } from './disk.ts';
import { SimulatedKeyValues } from './key-values.ts';
import { Network, SimulatedRemote } from './network.ts';
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

export interface DeviceParts {
  readonly name: string;
  readonly cloud: DirectCloud;
  readonly inner: DirectRemote;
  readonly timeline: Timeline;
  readonly random: Random;
  readonly delay: () => Promise<void>;
  /** Hears what the gateway and the cloud say to each other. */
  readonly listen?: ((lines: () => string[]) => void) | undefined;
  /** All disks of the world, by their path. */
  readonly disks: Map<string, SimulatedDisk>;
}

/** A process of a gateway, from its start to its end or crash. */
interface Life {
  readonly disk: SimulatedDisk;
  readonly remote: SimulatedRemote;
  readonly gateway: Gateway;
}

/** A computer with a gateway that can be stopped at any moment. */
export class Device {
  readonly name: string;
  readonly network = new Network();
  /** Warnings that the gateway has logged. */
  readonly warnings: string[] = [];
  readonly #parts: DeviceParts;
  #life: Life | undefined;
  #lives = 0;
  /** The disk after a crash, until the gateway is started again. */
  #left: { readonly disk: SimulatedDisk; readonly power: boolean } | undefined;
  readonly #zombies: Promise<unknown>[] = [];

  constructor(parts: DeviceParts) {
    this.name = parts.name;
    this.#parts = parts;
  }

  /** As the cloud knows it. */
  get id(): string {
    return this.#parts.inner.self.id;
  }

  /** The account that it is of. */
  get account(): string {
    return this.#parts.inner.account;
  }

  get gateway(): Gateway {
    if (this.#life === undefined) throw new Error(`${this.name} does not run`);
    return this.#life.gateway;
  }

  /** Number of the process; changes with every start. */
  get lives(): number {
    return this.#lives;
  }

  get isDead(): boolean {
    return this.#left !== undefined;
  }

  /** Whether it is dead for lack of power. */
  get hasLostPower(): boolean {
    return this.#left?.power === true;
  }

  get disk(): SimulatedDisk {
    if (this.#life === undefined) throw new Error(`${this.name} does not run`);
    return this.#life.disk;
  }

  async start(disk = new SimulatedDisk(`${ROOT}/${this.name}/${this.#lives}`)): Promise<void> {
    const { name, cloud, inner, timeline, random, delay, disks, listen } = this.#parts;
    this.#lives++;
    disks.set(disk.root, disk);
    const remote = new SimulatedRemote({ cloud, inner, network: this.network, timeline, random, listen });
    const warn = (details: object, message: string): void => {
      if ('err' in details && !isFsError(details.err, 'ENOSPC'))
        this.warnings.push(`${message}: ${String((details.err as Error).stack)}`);
    };
    const gateway = await Gateway.open({
      dir: `${disk.root}/data`,
      remote,
      device: { id: inner.self.id, name },
      limits: { cacheBytes: 1e9, minFree: 0, hotBytes: 1 << 20 },
      // Faults must be seen, not mended.
      verifyEvery: 0,
      log: { info: () => undefined, warn },
      sync: { file: async (fd) => (await delay(), openFiles.sync(fd)) },
      keyValues: (dir) => new SimulatedKeyValues(disk, dir, delay),
    });
    this.#life = { disk, remote, gateway };
    if (listen !== undefined) this.#overhear(gateway, listen);
  }

  /** Stops cleanly. */
  async stop(): Promise<void> {
    const life = this.#life;
    await life?.gateway.close();
    life?.remote.die();
  }

  async restart(): Promise<void> {
    const { disk, lives } = this;
    await this.stop();
    // One that has died while it ended is started by `rise`.
    if (!this.isDead && this.lives === lives) await this.start(this.#next(disk));
  }

  /** Crashes before the n-th change of its disk from now on. With `power`, unsynced data may be lost. */
  armDeath(changes: number, power: boolean): void {
    const { disk } = this;
    let left = changes;
    disk.changing = () => {
      if (left-- <= 0) this.die(power);
    };
  }

  /** Cuts the process off: nothing that it does from now on has any effect. */
  die(power: boolean): void {
    const life = this.#life;
    if (life === undefined || this.#left !== undefined) return;
    life.disk.changing = () => undefined;
    const disk = this.#next(life.disk);
    if (power) disk.losePower(this.#parts.random);
    this.#left = { disk, power };
    life.remote.die();
  }

  /** Starts again after a crash. */
  async rise(): Promise<void> {
    const left = this.#left;
    const life = this.#life;
    if (left === undefined || life === undefined) return;
    this.#left = undefined;
    // The rest of the old process writes to a disk that is not read any more.
    this.#zombies.push(life.gateway.close().catch(() => undefined));
    await this.start(left.disk);
  }

  /** Resolves when the code of crashed processes has ended. */
  async buried(): Promise<void> {
    await Promise.all(this.#zombies);
  }

  connect(connected: boolean): void {
    this.network.cut = !connected;
    if (!connected) this.#life?.remote.disconnect();
  }

  /** All entries of the catalog as they are now, without waiting for the disk. */
  entries(): Entry[] {
    const { writer } = this.gateway.stack;
    const rows = this.disk.database(`${this.disk.root}/data/db`).range({ gt: 'entries!', lt: 'entries!\u{10ffff}' });
    const found = new Map(rows.map(([key, value]) => [key.slice('entries!'.length), value]));
    const entries = new Map(Array.from(found, ([key, value]) => [key, JSON.parse(value) as Entry]));
    for (const [key, op] of writer.pending('entries')) {
      if (op.type === 'put') entries.set(key, op.value as Entry);
      else entries.delete(key);
    }
    return [...entries.values()];
  }

  /** The bytes of a staged file as they are on the disk. */
  staged({ staged }: Entry): string | undefined {
    return staged === undefined ? undefined : this.disk.bytes(`${this.disk.root}/data/staging/${staged}`)?.toString();
  }

  /** Logs what is written to the catalog and the journal. */
  #overhear({ stack }: Gateway, listen: (lines: () => string[]) => void): void {
    const { writer } = stack;
    const write = writer.write.bind(writer);
    writer.write = (ops, how) => {
      const told = ops.filter(({ table }) => table === 'journal' || table === 'entries');
      listen(() => told.map(({ type, table, key, value }) => `${type} ${table} ${key} ${JSON.stringify(value)}`));
      return write(ops, how);
    };
  }

  #next(disk: SimulatedDisk): SimulatedDisk {
    return disk.copy(`${ROOT}/${this.name}/${this.#lives}`);
  }
}
