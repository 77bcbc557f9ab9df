import fc from 'fast-check';
import { randomBytes } from 'node:crypto';
import t, { type Test } from 'tap';
import { BLOCK_SIZE, contentHash } from '../../../src/vfs/block.ts';
import type { StagedFile } from '../../../src/cache/content/content.ts';
import { background } from '../../../src/vfs/context.ts';
import { bytesOf } from '../../contract/staging.ts';
import { type CacheDisk, openCacheDisk } from '../../helpers/cache-disk.ts';
import { MemorySource, digestsOf } from '../../helpers/memory-source.ts';
import { temporary } from '../../helpers/temporary.ts';

t.setTimeout(500_000);

const MAX = 4 * BLOCK_SIZE;
/** Critical positions, and some others. */
const position = fc.oneof(
  fc.integer({ min: 0, max: MAX }),
  fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: -3, max: 3 })).map(([block, off]) => {
    return Math.max(0, Math.min(MAX, block * BLOCK_SIZE + off));
  }),
);
const length = fc.oneof(fc.integer({ min: 1, max: 300_000 }), fc.constantFrom(1, BLOCK_SIZE, BLOCK_SIZE + 1, 131_072));
const seed = fc.integer({ min: 1, max: 255 });

type Step =
  | { readonly op: 'write'; readonly position: number; readonly length: number; readonly seed: number }
  | { readonly op: 'append'; readonly length: number; readonly seed: number }
  | { readonly op: 'truncate'; readonly position: number }
  | { readonly op: 'read'; readonly position: number; readonly length: number }
  | { readonly op: 'both'; readonly position: number; readonly length: number; readonly seed: number }
  | { readonly op: 'fork' | 'forkAndAdopt' | 'forkAndDiscard' | 'restart' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant('write' as const), position, length, seed }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('append' as const), length, seed }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('truncate' as const), position }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('read' as const), position, length }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('both' as const), position, length, seed }) },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constantFrom<Step['op'] & ('fork' | 'forkAndAdopt' | 'forkAndDiscard' | 'restart')>(
        'fork',
        'forkAndAdopt',
        'forkAndDiscard',
        'restart',
      ),
    }),
  },
);

/** A staged file and the bytes that it should have. */
class Twin {
  readonly #dir: string;
  readonly #source = new MemorySource();
  #disk!: CacheDisk;
  #file!: StagedFile;
  #model = Buffer.alloc(0);
  #versions = 0;

  constructor(t: Test) {
    this.#dir = temporary(t);
  }

  async start(baseSize: number | undefined): Promise<void> {
    this.#disk = await openCacheDisk(this.#dir, this.#source);
    if (baseSize !== undefined) this.#model = randomBytes(baseSize);
    this.#file = this.#disk.staging.create(baseSize === undefined ? null : this.#source.add('base', this.#model));
  }

  async end(): Promise<void> {
    await this.#check();
    this.#file.seal();
    const { hash, size } = await this.#file.manifest(background);
    this.#equal(hash, contentHash(digestsOf(this.#model)));
    this.#equal(size, this.#model.length);
    await this.#disk.close();
  }

  async run(step: Step): Promise<void> {
    if (step.op === 'write') await this.#write(step.position, step.length, step.seed);
    else if (step.op === 'append') await this.#append(step.length, step.seed);
    else if (step.op === 'truncate') await this.#truncate(step.position);
    else if (step.op === 'read') await this.#read(step.position, step.length);
    else if (step.op === 'both') await this.#both(step.position, step.length, step.seed);
    else if (step.op === 'restart') await this.#restart();
    else await this.#fork(step.op);
  }

  async #write(position: number, length: number, seed: number): Promise<void> {
    const data = Buffer.alloc(length, seed);
    await this.#file.write(data, position, background);
    this.#put(data, position);
  }

  async #append(length: number, seed: number): Promise<void> {
    const data = Buffer.alloc(length, seed);
    await this.#file.append(data, background);
    this.#put(data, this.#model.length);
  }

  #put(data: Buffer, position: number): void {
    const grown = Buffer.alloc(Math.max(this.#model.length, position + data.length));
    this.#model.copy(grown);
    data.copy(grown, position);
    this.#model = grown;
  }

  async #truncate(size: number): Promise<void> {
    await this.#file.truncate(size, background);
    const cut = Buffer.alloc(size);
    this.#model.copy(cut);
    this.#model = cut;
  }

  async #read(position: number, length: number): Promise<void> {
    const into = Buffer.alloc(length, 0xee);
    const count = await this.#file.read(into, position, background);
    const expected = this.#model.subarray(position, position + length);
    this.#equal(count, expected.length);
    this.#equal(into.subarray(0, count).equals(expected), true);
  }

  /** Two concurrent writes and a read: the read sees each write completely or not at all. */
  async #both(position: number, length: number, seed: number): Promise<void> {
    const into = Buffer.alloc(length);
    const before = Buffer.from(this.#model.subarray(position, position + length));
    const write = this.#file.write(Buffer.alloc(length, seed), position, background);
    const read = this.#file.read(into, position, background);
    const [, count] = await Promise.all([write, read]);
    this.#put(Buffer.alloc(length, seed), position);
    const after = this.#model.subarray(position, position + length);
    const seen = into.subarray(0, count);
    this.#equal(seen.equals(after) || seen.equals(before), true);
  }

  async #restart(): Promise<void> {
    await this.#disk.close();
    this.#disk = await openCacheDisk(this.#dir, this.#source);
    this.#file = await this.#disk.staging.open(this.#file.id);
    await this.#check();
  }

  async #fork(how: 'fork' | 'forkAndAdopt' | 'forkAndDiscard'): Promise<void> {
    const { staging } = this.#disk;
    const parent = this.#file;
    parent.seal();
    this.#file = await staging.fork(parent);
    if (how === 'forkAndDiscard') await staging.discard(parent.id);
    if (how !== 'forkAndAdopt') return;
    await parent.manifest(background);
    await staging.adopt(parent, this.#source.add(`v${this.#versions++}`, this.#model), []);
  }

  async #check(): Promise<void> {
    this.#equal(this.#file.size, this.#model.length);
    this.#equal((await bytesOf(this.#file)).equals(this.#model), true);
  }

  #equal(found: unknown, expected: unknown): void {
    if (found !== expected) throw new Error(`${String(found)} is not ${String(expected)}`);
  }
}

t.test('a staged file has the content that results from its history', async (t) => {
  const base = fc.option(position, { nil: undefined });
  const property = fc.asyncProperty(base, fc.array(step, { maxLength: 20, size: 'max' }), async (base, steps) => {
    const twin = new Twin(t);
    await twin.start(base);
    for (const step of steps) await twin.run(step);
    await twin.end();
  });
  await fc.assert(property, { numRuns: Number(process.env['RUNS'] ?? 100), interruptAfterTimeLimit: 20_000 });
});
