import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { Cursor, NodeRecord } from '../../../../src/cloud/records.ts';
import type { Context } from '../../../../src/vfs/context.ts';
import type { DirectRemote } from '../../../helpers/direct-cloud.ts';
import { openPair, type Pair } from '../../../helpers/devices.ts';

t.setTimeout(500_000);

const TOUCHED = ['/Sync/from', '/Sync/to', '/Sync/f'];

/**
 * The feed of a device, with a page that was read just before the device changed the nodes on it, and that arrives
 * after the change.
 */
class LateFeed {
  /** The checks after a late page has been applied. */
  shown: () => Promise<void> = async () => undefined;
  #read: (() => void) | undefined;
  #arrive: Promise<void> = Promise.resolve();
  #letArrive: () => void = () => undefined;
  #checking = false;

  constructor(remote: DirectRemote) {
    const feed = remote.feed.bind(remote);
    remote.feed = (space: string, since: number, context: Context) => this.#late(feed(space, since, context));
  }

  /** Holds pages from now on. Resolves when one with all changed nodes has been read. */
  async hold(): Promise<void> {
    this.#arrive = new Promise((resolve) => (this.#letArrive = resolve));
    await new Promise<void>((resolve) => (this.#read = resolve));
  }

  /** Lets the page arrive. Resolves when the next one is requested, after `shown`. */
  async arrive(): Promise<void> {
    const seen = new Promise<void>((resolve, reject) => {
      const check = this.shown;
      this.shown = () => check().then(resolve, reject);
    });
    this.#checking = true;
    this.#letArrive();
    await seen;
  }

  async *#late(page: AsyncGenerator<NodeRecord | Cursor>): AsyncGenerator<NodeRecord | Cursor> {
    if (this.#checking) {
      this.#checking = false;
      await this.shown();
    }
    const items: (NodeRecord | Cursor)[] = [];
    for await (const item of page) items.push(item);
    if (items.filter((item) => 'id' in item).length >= TOUCHED.length) {
      this.#read?.();
      await this.#arrive;
    }
    yield* items;
  }
}

/**
 * A device with a folder `from` with a file, an empty folder `to` and a file `f`, all in the cloud; the page about them
 * is late.
 */
async function begin(t: Test): Promise<Pair & { late: LateFeed }> {
  const pair = await openPair(t);
  const late = new LateFeed(pair.netA);
  await pair.a.mkdir('/Sync/from');
  await pair.a.write('/Sync/from/in', 'x');
  await pair.a.mkdir('/Sync/to');
  await pair.a.write('/Sync/f', 'y');
  await pair.a.sync();
  await pair.converge();
  const held = late.hold();
  await touch(pair);
  await held;
  return { ...pair, late };
}

/** Changes an attribute of every node, so that all are on the next page of the feed. */
async function touch({ a }: Pair): Promise<void> {
  const context = { signal: new AbortController().signal };
  const nodes = await Promise.all(TOUCHED.map((path) => a.stat(path)));
  await Promise.all(nodes.map(({ id }) => a.fs.setattr(id, { mtime: 1_000_000_000_000 }, context)));
  await a.gateway.flush();
}

const moved = { '/Sync/f': 'y', '/Sync/to/': '', '/Sync/to/in': 'x' };

t.test('a late page does not take the name from a folder that has replaced another', async (t) => {
  const pair = await begin(t);
  let commit = (): void => undefined;
  const held = new Promise<void>((resolve) => (commit = resolve));
  const send = pair.netA.commit;
  const sending = new Promise<void>((resolve) => {
    pair.netA.commit = (...args) => {
      resolve();
      return held.then(() => send(...args));
    };
  });
  // One batch is being executed, the next is ready: the move has not been sent.
  await pair.a.write('/Sync/first', '1');
  await sending;
  await pair.a.write('/Sync/second', '2');
  while (pair.a.gateway.stack.uploader.status.inFlight < 2) await setTimeout(1);
  await pair.a.rename('/Sync/from', '/Sync/to');
  pair.late.shown = async () => {
    t.ok(await pair.a.exists('/Sync/to/in'));
    t.strictSame(await pair.a.gateway.conflicts(), []);
  };
  const seen = pair.late.arrive();
  await pair.b.write('/Sync/other', 'z');
  await seen;
  commit();
  await pair.converge();
  const all = { ...moved, '/Sync/first': '1', '/Sync/second': '2', '/Sync/other': 'z' };
  t.strictSame(await pair.a.tree(), all);
  t.strictSame(await pair.b.tree(), all);
});

t.test('nor when the cloud has replaced it already', async (t) => {
  const pair = await begin(t);
  await pair.a.rename('/Sync/from', '/Sync/to');
  await pair.a.gateway.flush();
  pair.late.shown = async () => {
    t.ok(await pair.a.exists('/Sync/to/in'));
  };
  await pair.late.arrive();
  await pair.converge();
  t.strictSame(await pair.a.tree(), moved);
  t.strictSame(await pair.a.gateway.conflicts(), []);
});

t.test('a late page does not bring back removed nodes', async (t) => {
  const pair = await begin(t);
  await pair.a.unlink('/Sync/f');
  await pair.a.removeTree('/Sync/from');
  await pair.a.gateway.flush();
  pair.late.shown = async () => {
    t.notOk(await pair.a.exists('/Sync/f'));
    t.notOk(await pair.a.exists('/Sync/from'));
  };
  await pair.late.arrive();
  await pair.converge();
  t.strictSame(await pair.a.tree(), { '/Sync/to/': '' });
});
