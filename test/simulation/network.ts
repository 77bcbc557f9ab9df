import type { ReadBlock, Remote } from '../../src/cloud/remote.ts';
import type { Cursor, Intent, Mark, NodeRecord, Push, Rewound } from '../../src/cloud/records.ts';
import { background, type Context } from '../../src/vfs/context.ts';
import { FsError } from '../../src/vfs/fs-error.ts';
import type { DirectCloud, DirectRemote } from '../helpers/direct-cloud.ts';
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

/** The state of a gateway's connection to the cloud. */
export class Network {
  /** Whether it is disconnected: every call fails, and there is no push. */
  cut = false;
  /** Longest latency in one direction, ms. */
  slowness = 20;
  /** Number of next calls that do not reach the cloud. */
  drop = 0;
  /** Number of next calls whose responses get lost, after the cloud has executed them. */
  lose = 0;
  /** Number of next streams that break in the middle. */
  tear = 0;
}

export interface RemoteParts {
  readonly cloud: DirectCloud;
  readonly inner: DirectRemote;
  readonly network: Network;
  readonly timeline: Timeline;
  readonly random: Random;
  /** Hears what the gateway and the cloud say to each other, for a person who looks for a fault. */
  readonly listen?: ((lines: () => string[]) => void) | undefined;
}

/** The cloud through a network that delays, reorders, drops, and ends with the gateway. */
export class SimulatedRemote implements Remote {
  readonly #cloud: DirectCloud;
  readonly #inner: DirectRemote;
  readonly #network: Network;
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly #listen: RemoteParts['listen'];
  readonly #connections = new Set<() => void>();
  #dead = false;

  constructor(parts: RemoteParts) {
    this.#listen = parts.listen;
    this.#cloud = parts.cloud;
    this.#inner = parts.inner;
    this.#network = parts.network;
    this.#timeline = parts.timeline;
    this.#random = parts.random;
  }

  /** To be called when the gateway has crashed: sent requests may still arrive, but it receives nothing more. */
  die(): void {
    this.#dead = true;
    this.disconnect();
  }

  /** Ends the push connections. */
  disconnect(): void {
    for (const end of this.#connections) end();
  }

  device = (context: Context) => this.#call('device', context, () => this.#inner.device(background));
  spaces = (context: Context) => this.#call('spaces', context, () => this.#inner.spaces(background));
  damaged = (context: Context) => this.#call('damaged', context, () => this.#inner.damaged(background));

  missing = (digests: readonly string[], context: Context, space?: string) =>
    this.#call('missing', context, () => this.#inner.missing(digests, background, space));
  upload: Remote['upload'] = (blocks, context, space) => {
    // After a failure the caller may reuse the memory.
    const copies = blocks.map(({ digest, data }) => ({ digest, data: Buffer.from(data) }));
    return this.#call('upload', context, () => this.#inner.upload(copies, background, space));
  };
  manifest = (version: string, context: Context) =>
    this.#call('manifest', context, () => this.#inner.manifest(version, background));
  commit: Remote['commit'] = (intents, context) => {
    const text = JSON.stringify(intents);
    return this.#call('commit', context, async () => {
      const arrived = JSON.parse(text) as Intent[];
      const results = await this.#inner.commit(arrived, background);
      this.#tell(() => arrived.map((intent, i) => `${JSON.stringify(intent)}\n      ${JSON.stringify(results[i])}`));
      return results;
    });
  };
  makeFiles: Remote['makeFiles'] = (body, context) => {
    const copy = Buffer.from(body);
    return this.#call('makeFiles', context, () => this.#inner.makeFiles(copy, background));
  };
  versions = (node: string, context: Context) =>
    this.#call('versions', context, () => this.#inner.versions(node, background));
  usage = (context: Context) => this.#call('usage', context, () => this.#inner.usage(background));

  digest = (space: string, context: Context) =>
    this.#call('digest', context, () => this.#inner.digest(space, background));

  snapshot(
    space: string,
    context: Context,
    marks?: readonly Mark[],
    buckets?: readonly number[],
  ): AsyncGenerator<NodeRecord | Cursor | Rewound> {
    return this.#stream('snapshot', context, () => this.#inner.snapshot(space, background, marks, buckets));
  }

  feed(space: string, since: number, context: Context, marks?: readonly Mark[]): AsyncGenerator<NodeRecord | Cursor> {
    return this.#stream('feed', context, () => this.#inner.feed(space, since, background, marks));
  }

  async *read(requests: Parameters<Remote['read']>[0], context: Context): AsyncGenerator<ReadBlock> {
    yield* this.#stream('read', context, () => this.#inner.read(requests, background));
  }

  async *push({ signal }: Context): AsyncGenerator<Push> {
    await this.#call('push', { signal }, async () => undefined);
    const queue: Push[] = [{ type: 'alive' }];
    let wake = (): void => undefined;
    let ended = false;
    const end = (): void => {
      ended = true;
      wake();
    };
    const notify = (event: Push): void => {
      this.#timeline.plan(this.#latency(), 'push arrives', () => {
        queue.push(event);
        wake();
      });
    };
    const stop = this.#cloud.hub.subscribe(this.#inner.account, this.#inner.self.id, { notify, end });
    this.#connections.add(end);
    signal.addEventListener('abort', end, { once: true });
    try {
      for (;;) {
        for (let event = queue.shift(); event !== undefined; event = queue.shift()) yield event;
        if (ended) throw new FsError('EAGAIN', 'push');
        await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      stop();
      this.#connections.delete(end);
    }
  }

  openBackup = unused;
  setAttributes = unused;
  removeSpace = unused;
  restoreVersion = unused;
  restoreTrash = unused;
  purgeTrash = unused;
  removeArchived = unused;
  async *past(): AsyncGenerator<never> {}
  async *trash(): AsyncGenerator<never> {}
  renew(): void {}
  async close(): Promise<void> {}

  /** An aborted request may still have reached the cloud. */
  async #call<T>(name: string, { signal }: Context, work: () => Promise<T>): Promise<T> {
    this.#check(name, signal);
    return await new Promise<T>((resolve, reject) => {
      let over = false;
      const abort = (): void => {
        over = true;
        reject(new FsError('EINTR', name));
      };
      signal.addEventListener('abort', abort, { once: true });
      const later = (settle: () => void): void => {
        this.#timeline.plan(this.#latency(), `answer to ${name}`, () => {
          signal.removeEventListener('abort', abort);
          if (!over) settle();
        });
      };
      this.#timeline.plan(this.#latency(), name, () => {
        if (this.#isLost('drop') || (over && this.#random.chance(0.5))) return later(() => reject(unreachable(name)));
        work().then(
          (answer) => later(() => (this.#dead || this.#isLost('lose') ? reject(unreachable(name)) : resolve(answer))),
          (error: unknown) => later(() => reject(error)),
        );
      });
    });
  }

  #isLost(way: 'drop' | 'lose'): boolean {
    if (this.#network.cut) return true;
    if (this.#network[way] === 0) return false;
    this.#network[way]--;
    return true;
  }

  /** The content of a stream at one moment in the cloud. */
  async *#stream<T>(name: string, context: Context, open: () => AsyncIterable<T>): AsyncGenerator<T> {
    const records = await this.#call(name, context, async () => {
      const all: T[] = [];
      for await (const record of open()) all.push(record);
      return all;
    });
    if (name !== 'read') this.#tell(() => records.map((record) => JSON.stringify(record)));
    const torn = this.#network.tear > 0;
    if (torn) this.#network.tear--;
    const end = torn ? this.#random.below(records.length + 1) : records.length;
    for (const record of records.slice(0, end)) {
      this.#check(name, context.signal);
      yield record;
    }
    if (torn) throw unreachable(name);
  }

  #tell(lines: () => string[]): void {
    this.#listen?.(lines);
  }

  #latency(): number {
    return 1 + this.#random.next() * this.#network.slowness;
  }

  #check(name: string, signal: AbortSignal): void {
    if (signal.aborted) throw new FsError('EINTR', name);
    if (this.#dead || this.#network.cut) throw unreachable(name);
  }
}

function unreachable(name: string): FsError {
  return new FsError('EAGAIN', name, { reason: 'no network' });
}

const unused = async (): Promise<never> => {
  throw new FsError('ENOTSUP', 'test');
};
