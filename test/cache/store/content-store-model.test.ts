import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { BLOCK_SIZE } from '../../../src/vfs/block.ts';
import type { Content, ContentReader } from '../../../src/cache/content/content.ts';
import { background } from '../../../src/vfs/context.ts';
import { FsError, isFsError } from '../../../src/vfs/fs-error.ts';
import { type CacheDisk, openCacheDisk } from '../../helpers/cache-disk.ts';
import { MemorySource } from '../../helpers/memory-source.ts';
import { temporary } from '../../helpers/temporary.ts';

t.setTimeout(500_000);

const sizes = [100, BLOCK_SIZE, 2 * BLOCK_SIZE + 5, 3 * BLOCK_SIZE, 7 * BLOCK_SIZE - 1];
const which = fc.integer({ min: 0, max: sizes.length - 1 });
const part = fc.double({ min: 0, max: 1, noNaN: true });
const length = fc.integer({ min: 1, max: 3 * BLOCK_SIZE });

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ op: fc.constant('read' as const), which, part, length }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('flip' as const), which, part, length }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('fail' as const), which, part, length }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('drop' as const), which, part, length }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('restart' as const), which, part, length }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A store that is too small for all contents, whose files are damaged and whose source fails now and then. */
class Rig {
  readonly dir: string;
  readonly #source = new MemorySource();
  readonly #datas = sizes.map((size) => randomBytes(size));
  readonly #contents = this.#datas.map((data, i) => this.#source.add(`v${i}`, data));
  readonly #readers = new Map<number, ContentReader>();
  #disk!: CacheDisk;
  /** Blocks until the source fails once. */
  #failIn = Infinity;

  constructor(dir: string) {
    this.dir = dir;
    let count = 0;
    this.#source.writes = () => count++ % 3 !== 0;
    this.#source.before = () => {
      if (--this.#failIn === 0) throw new FsError('EAGAIN', 'read', { reason: 'injected' });
    };
  }

  async start(): Promise<void> {
    this.#disk = await openCacheDisk(this.dir, this.#source, { store: { maxBytes: 9 * BLOCK_SIZE } });
  }

  async stop(): Promise<void> {
    for (const reader of this.#readers.values()) reader.close();
    this.#readers.clear();
    await this.#disk.close();
  }

  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.#step(step);
  }

  async #step({ op, which, part, length }: Step): Promise<void> {
    if (op === 'read') await this.#read(which, part, length);
    else if (op === 'flip') await this.#damage(this.#content(which), part);
    else if (op === 'fail') this.#failIn = 1 + Math.floor(part * 5);
    else if (op === 'drop') await this.#disk.store.drop(this.#content(which).hash);
    else {
      await this.stop();
      await this.start();
    }
  }

  async #read(which: number, part: number, length: number): Promise<void> {
    const data = this.#datas[which] ?? Buffer.alloc(0);
    const position = Math.floor(part * data.length);
    const expected = data.subarray(position, position + length);
    const reader = this.#reader(which);
    const reads = [0, 1].map(async () => {
      const into = Buffer.alloc(length);
      const count = await reader.read(into, position, background);
      if (!into.subarray(0, count).equals(expected)) throw new Error(`wrong bytes of ${which} at ${position}`);
    });
    for (const result of await Promise.allSettled(reads)) {
      const injected = result.status === 'rejected' && isFsError(result.reason, 'EAGAIN');
      if (result.status === 'rejected' && !injected) throw result.reason as Error;
    }
  }

  /** Sometimes a new reader, sometimes an open one. */
  #reader(which: number): ContentReader {
    if (this.#readers.size >= 3) {
      for (const [key, reader] of this.#readers) {
        if (key === which) return reader;
        reader.close();
        this.#readers.delete(key);
      }
    }
    const reader = this.#readers.get(which) ?? this.#disk.store.open(this.#content(which));
    this.#readers.set(which, reader);
    return reader;
  }

  #content(which: number): Content {
    const content = this.#contents[which];
    if (content === undefined) throw new Error('no such content');
    return content;
  }

  /** A process trusts blocks that it has verified, so damage happens between two processes. */
  async #damage({ hash, size }: Content, part: number): Promise<void> {
    await this.stop();
    const path = join(this.dir, 'store', hash.slice(0, 2), hash);
    if (existsSync(path)) {
      const fd = openSync(path, 'r+');
      writeSync(fd, randomBytes(16), 0, 16, Math.floor(part * Math.max(0, size - 16)));
      closeSync(fd);
    }
    await this.start();
  }
}

t.test('whatever happens to the cache, a read returns the right bytes or the error of the source', async (t) => {
  const runs = Number(process.env['RUNS'] ?? 40);
  const property = fc.asyncProperty(fc.array(step, { maxLength: 20, size: 'max' }), async (steps) => {
    const rig = new Rig(temporary(t));
    await rig.start();
    try {
      await rig.run(steps);
    } finally {
      await rig.stop();
    }
  });
  await fc.assert(property, { numRuns: runs, interruptAfterTimeLimit: 20_000 });
});
