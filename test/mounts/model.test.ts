import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { background as context } from '../../src/vfs/context.ts';
import { FsError, isFsError } from '../../src/vfs/fs-error.ts';
import { openPair, type Pair, type TestDevice } from '../helpers/devices.ts';

/**
 * Two devices do random things to one folder, each without a network but for the moments in which it syncs, so that
 * whatever one does is concurrent with what the other does. In the end both show the same, and what the cloud has; and
 * no content is lost that nobody who saw it has overwritten or removed.
 */

const RUNS = Number(process.env['FJORD_MODEL_RUNS'] ?? 40);

const path = fc
  .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 })
  .map((names) => names.map((name, i) => (i < names.length - 1 ? `${name}.d` : name)).join('/'));
const place = fc.oneof(
  path,
  path.map((file) => `${file}.d`),
);
const who = fc.constantFrom('a' as const, 'b' as const);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('write' as const), who, at: path }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('copy' as const), who, at: path }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('mkdir' as const), who, at: path.map((file) => `${file}.d`) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('rename' as const), who, at: place, to: place }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unlink' as const), who, at: path }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('removeTree' as const), who, at: place }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('sync' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), who }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('fail' as const), who, calls: fc.nat(3), answer: fc.boolean() }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What a single-block content is called by the cloud. */
function hashOf(content: string): string {
  const digest = createHash('sha256').update(content).digest();
  return createHash('sha256').update(digest).digest('hex');
}

class Run {
  readonly #pair: Pair;
  readonly #top: string;
  readonly #contents = new Map<string, string>();
  /** Contents that must be somewhere in the end. */
  readonly #owed = new Set<string>();
  #count = 0;

  constructor(pair: Pair, top: string) {
    this.#pair = pair;
    this.#top = top;
  }

  async step(given: Step): Promise<void> {
    const device = this.#pair[given.who];
    if (given.do === 'sync') return await this.#sync(given.who);
    if (given.do === 'restart') return await device.restart();
    if (given.do === 'fail') return this.#fail(given.calls, given.answer);
    const at = `${this.#top}/${given.at}`;
    try {
      if (given.do === 'write') await this.#write(device, at, `${this.#top} ${this.#count++}`);
      // Both devices may write the same.
      if (given.do === 'copy') await this.#write(device, at, `${this.#top} same`);
      if (given.do === 'mkdir') await device.mkdir(at);
      if (given.do === 'rename') await this.#rename(device, at, `${this.#top}/${given.to}`);
      if (given.do === 'unlink') await this.#gone(device, at, () => device.unlink(at));
      if (given.do === 'removeTree') await this.#gone(device, at, () => device.removeTree(at));
    } catch (error) {
      // Random names do not always make sense; a program would be told, too.
      const senseless = ['ENOENT', 'EEXIST', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY', 'EINVAL'] as const;
      if (!senseless.some((code) => isFsError(error, code))) throw error;
    }
  }

  /** `owed`: whether what nobody has removed must be there. */
  async check({ owed = true } = {}): Promise<void> {
    const { a, b, netA, netB } = this.#pair;
    netA.offline = false;
    netB.offline = false;
    await this.#pair.converge();
    const [left, right] = [await a.tree(this.#top), await b.tree(this.#top)];
    assert.deepEqual(left, right, 'both devices show the same');
    assert.deepEqual(left, await this.#inCloud(), 'the cloud has what they show');
    const shown = new Set(Object.values(left));
    for (const content of owed ? this.#owed : [])
      if (!shown.has(content)) throw new Error(`lost: ${content} of ${JSON.stringify(left)}`);
    for (const { gateway } of [a, b]) {
      const { parked, queued } = gateway.status();
      assert.deepEqual({ parked, queued }, { parked: 0, queued: 0 });
      for await (const entry of gateway.stack.ground.catalog.below('root')) {
        if (entry.base !== undefined || entry.staged !== undefined)
          throw new Error(`unsettled: ${JSON.stringify(entry)}`);
      }
    }
    netA.offline = true;
    netB.offline = true;
  }

  async #sync(name: 'a' | 'b'): Promise<void> {
    const net = name === 'a' ? this.#pair.netA : this.#pair.netB;
    net.offline = false;
    await this.#pair[name].sync();
    await this.#pair[name].sync();
    net.offline = true;
  }

  /** The next calls do not reach the cloud, or their answers get lost. */
  #fail(calls: number, answer: boolean): void {
    let left = calls;
    this.#pair.cloud.disturb = (_call, after) => {
      if (after === answer && left-- > 0) throw new FsError('EAGAIN', 'test', { reason: 'lost' });
    };
  }

  async #write(device: TestDevice, at: string, content: string): Promise<void> {
    this.#contents.set(hashOf(content), content);
    const before = await this.#seen(device, at);
    await device.write(at, content);
    for (const old of before) this.#owed.delete(old);
    this.#owed.add(content);
  }

  async #rename(device: TestDevice, from: string, to: string): Promise<void> {
    const replaced = from === to ? [] : await this.#seen(device, to);
    await device.rename(from, to);
    for (const old of replaced) this.#owed.delete(old);
  }

  async #gone(device: TestDevice, at: string, work: () => Promise<void>): Promise<void> {
    const seen = await this.#seen(device, at);
    await work();
    for (const old of seen) this.#owed.delete(old);
  }

  /** The contents that a device shows at and below a path. */
  async #seen(device: TestDevice, at: string): Promise<string[]> {
    const { catalog } = device.gateway.stack.ground;
    const attr = await device.stat(at).catch(() => undefined);
    if (attr === undefined) return [];
    const found: string[] = [];
    const look = async (id: string, where: string): Promise<void> => {
      const entry = catalog.get(id);
      if (entry?.kind === 'file') {
        found.push(
          entry.staged === undefined ? (this.#contents.get(entry.hash ?? '') ?? '') : await device.read(where),
        );
      }
      for await (const child of catalog.children(id)) await look(child.id, `${where}/${child.name}`);
    };
    await look(attr.id, at);
    return found;
  }

  /** The tree as a device sees it that has never been here. */
  async #inCloud(): Promise<Record<string, string>> {
    const { netA } = this.#pair;
    const space = (await netA.spaces(context)).find(({ kind }) => kind === 'sync');
    const nodes = new Map<string, { parent: string; name: string; kind: string; hash: string | null }>();
    for await (const record of netA.snapshot(space?.id ?? '', context))
      if ('id' in record) nodes.set(record.id, record);
    const found: Record<string, string> = {};
    for (const node of nodes.values()) {
      const names = [node.name];
      for (let up = nodes.get(node.parent); up !== undefined; up = nodes.get(up.parent)) names.unshift(up.name);
      const full = `/Sync/${names.join('/')}`;
      if (!full.startsWith(`${this.#top}/`)) continue;
      found[node.kind === 'folder' ? `${full}/` : full] =
        node.kind === 'folder' ? '' : (this.#contents.get(node.hash ?? '') ?? '?');
    }
    return found;
  }
}

t.test('two devices come to the same tree, and no content is lost', { timeout: 300_000 }, async (t) => {
  const pair = await openPair(t);
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 25 }), async (steps) => {
      const top = `/Sync/run-${runs++}`;
      pair.netA.offline = false;
      pair.netB.offline = false;
      await pair.a.mkdir(top);
      await pair.converge();
      pair.netA.offline = true;
      pair.netB.offline = true;
      const run = new Run(pair, top);
      for (const one of steps) await run.step(one);
      await run.check();
    }),
    { numRuns: RUNS },
  );
});

t.test('while both are connected all the time', { timeout: 300_000 }, async (t) => {
  const pair = await openPair(t);
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(step, fc.nat(3)), { minLength: 10, maxLength: 60 }), async (steps) => {
      const top = `/Sync/run-${runs++}`;
      pair.netA.offline = false;
      pair.netB.offline = false;
      await pair.a.mkdir(top);
      await pair.converge();
      const run = new Run(pair, top);
      for (const [one, pause] of steps) {
        if (one.do === 'sync' || one.do === 'restart') continue;
        await run.step(one);
        if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause * 3));
      }
      // What one device has just taken from the other it may remove before this test has seen it.
      await run.check({ owed: false });
    }),
    { numRuns: Math.ceil(RUNS / 2) },
  );
});
