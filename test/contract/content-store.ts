import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Test } from 'tap';
import { BLOCK_SIZE } from '../../src/vfs/block.ts';
import type { Content, ContentReader, ContentStore } from '../../src/cache/content/content.ts';
import { background } from '../../src/vfs/context.ts';
import { FsError } from '../../src/vfs/fs-error.ts';
import { MemorySource } from '../helpers/memory-source.ts';

/** Creates an empty store with a source. */
export type MakeContentStore = (t: Test, source: MemorySource) => Promise<ContentStore>;

/** The requirements on every `ContentStore`. */
export function contentStoreContract(t: Test, make: MakeContentStore): void {
  t.test('reads the content of the source at any position', async (t) => {
    const { store, content, data } = await setUp(t, make, 3 * BLOCK_SIZE + 1000);
    const reader = store.open(content);
    t.equal(reader.size, data.length);
    for (const [position, length] of [
      [0, 10],
      [BLOCK_SIZE - 5, 10],
      [10, 2 * BLOCK_SIZE],
      [3 * BLOCK_SIZE, 5000],
      [data.length, 10],
      [data.length + 5, 10],
    ] as const) {
      const into = Buffer.alloc(length);
      const count = await reader.read(into, position, background);
      t.ok(into.subarray(0, count).equals(data.subarray(position, position + length)), `${length} at ${position}`);
    }
    reader.close();
  });

  t.test('an empty content has no blocks', async (t) => {
    const { store, content, source } = await setUp(t, make, 0);
    const reader = store.open(content);
    t.equal(await reader.read(Buffer.alloc(1), 0, background), 0);
    t.equal(reader.complete, true);
    t.equal(store.has(content.hash), true);
    reader.close();
    t.equal(source.requests.length, 0);
  });

  t.test('is complete when every block has been read, and fetches nothing twice', async (t) => {
    const { store, content, data, source } = await setUp(t, make, 5 * BLOCK_SIZE);
    t.equal(store.has(content.hash), false);
    const reader = store.open(content);
    t.equal(reader.complete, false);
    for (let round = 0; round < 2; round++) t.ok((await readAll(reader)).equals(data));
    await until(() => reader.complete);
    t.equal(store.has(content.hash), true);
    reader.close();
    const again = store.open(content);
    t.ok((await readAll(again)).equals(data));
    again.close();
    t.same([...source.sent.values()], [1, 1, 1, 1, 1]);
  });

  t.test('many readers of a block share one fetch', async (t) => {
    const { store, content, data, source } = await setUp(t, make, 2 * BLOCK_SIZE);
    source.delay = 20;
    const readers = Array.from({ length: 20 }, () => store.open(content));
    const all = await Promise.all(readers.map((reader) => readAll(reader)));
    t.ok(all.every((bytes) => bytes.equals(data)));
    for (const reader of readers) reader.close();
    t.same([...source.sent.values()], [1, 1]);
  });

  t.test('an abort ends one wait, and not the fetch for others', async (t) => {
    const { store, content, data } = await setUp(t, make, BLOCK_SIZE, 30);
    const reader = store.open(content);
    const controller = new AbortController();
    const aborted = Promise.resolve(reader.read(Buffer.alloc(10), 0, { signal: controller.signal }));
    const other = readAll(reader);
    controller.abort();
    await t.rejects(aborted, { code: 'EINTR' });
    t.ok((await other).equals(data));
    reader.close();
  });

  t.test('a failed read does not write to its buffer afterwards', async (t) => {
    const { store, content, data, source } = await setUp(t, make, 2 * BLOCK_SIZE);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    source.before = async (_version, index) => {
      if (index === 0) throw new FsError('EAGAIN', 'read');
      if (index === 1) await held;
    };
    const [one, both] = [store.open(content), store.open(content)];
    const second = Buffer.alloc(10);
    const other = one.read(second, BLOCK_SIZE, background);
    await sleep(20);
    const into = Buffer.alloc(20);
    const failing = (async () => both.read(into, BLOCK_SIZE - 10, background))().catch((error: unknown) => {
      into.fill(7);
      throw error;
    });
    setTimeout(release, 30);
    await t.rejects(failing, { code: 'EAGAIN' });
    await other;
    await sleep(20);
    t.ok(second.equals(data.subarray(BLOCK_SIZE, BLOCK_SIZE + 10)));
    t.ok(
      into.every((byte) => byte === 7),
      'it has another use now',
    );
    one.close();
    both.close();
  });

  t.test('the error of the source is passed on unchanged; the next read tries again', async (t) => {
    const { store, content, data, source } = await setUp(t, make, 2 * BLOCK_SIZE);
    const failure = new FsError('EAGAIN', 'read', { reason: 'unplugged' });
    source.before = () => {
      throw failure;
    };
    const reader = store.open(content);
    const error: unknown = await readAll(reader).catch((error: unknown) => error);
    t.equal(error, failure);
    source.before = () => undefined;
    t.ok((await readAll(reader)).equals(data));
    reader.close();
  });

  t.test('a block with a wrong digest is refused with EIO and not stored', async (t) => {
    for (const size of [1000, 3 * BLOCK_SIZE]) {
      const { store, content, data, source } = await setUp(t, make, size);
      source.garble = (block) => Buffer.from(block.map((byte) => byte ^ 1));
      const reader = store.open(content);
      await t.rejects(readAll(reader), { code: 'EIO' });
      source.garble = undefined;
      t.ok((await readAll(reader)).equals(data));
      reader.close();
    }
  });

  t.test('prefetch brings small files in few requests', async (t) => {
    const { store, source } = await setUp(t, make, 0);
    const contents = Array.from({ length: 40 }, (_, i) => source.add(`small-${i}`, randomBytes(100 + i)));
    store.prefetch(contents);
    await until(() => contents.every(({ hash }) => store.has(hash)));
    t.ok(source.requests.length <= 8, `${source.requests.length} requests`);
    store.prefetch(contents);
    t.equal(source.sent.size, 40);
  });

  t.test('a missing file in a prefetch does not affect readers of others', async (t) => {
    const { store, source } = await setUp(t, make, 0);
    source.delay = 5;
    const datas = Array.from({ length: 10 }, () => randomBytes(100));
    const contents = datas.map((data, i) => source.add(`small-${i}`, data));
    source.remove('small-0');
    store.prefetch(contents);
    const reads = contents.slice(1).map(async (content) => {
      const reader = store.open(content);
      const bytes = await readAll(reader);
      reader.close();
      return bytes;
    });
    for (const [i, bytes] of (await Promise.all(reads)).entries()) t.ok(bytes.equals(datas[i + 1] ?? Buffer.alloc(0)));
  });

  t.test('`drop` removes the content, at once or with the last reader', async (t) => {
    const { store, content } = await setUp(t, make, 1000);
    const reader = store.open(content);
    await readAll(reader);
    await until(() => store.has(content.hash));
    await store.drop(content.hash);
    t.equal((await readAll(reader)).length, 1000, 'an open reader still works');
    reader.close();
    await until(() => !store.has(content.hash));
    t.equal(store.usage().bytes, 0);
    await store.drop(content.hash);
  });

  t.test('a closed reader cannot read', async (t) => {
    const { store, content } = await setUp(t, make, 1000);
    const reader = store.open(content);
    reader.close();
    reader.close();
    t.throws(() => reader.read(Buffer.alloc(1), 0, background), { code: 'EBADF' });
  });

  t.test('counts bytes and entries', async (t) => {
    const { store, content } = await setUp(t, make, BLOCK_SIZE + 10);
    const reader = store.open(content);
    await readAll(reader);
    await until(() => reader.complete);
    reader.close();
    t.equal(store.usage().bytes, BLOCK_SIZE + 10);
    t.equal(store.usage().entries, 1);
  });
}

async function setUp(t: Test, make: MakeContentStore, size: number, delay = 0) {
  const source = new MemorySource();
  source.delay = delay;
  const data = randomBytes(size);
  const content: Content = source.add('v1', data);
  return { source, data, content, store: await make(t, source) };
}

export async function readAll(reader: ContentReader, step = 100_000): Promise<Buffer> {
  const all = Buffer.alloc(reader.size);
  for (let done = 0; done < all.length;) {
    const count = await reader.read(all.subarray(done, done + step), done, background);
    if (count === 0) throw new Error(`nothing at ${done} of ${all.length}`);
    done += count;
  }
  return all;
}

/** Waits for background work. */
export async function until(condition: () => boolean | Promise<boolean>, limit = 20_000): Promise<void> {
  const end = performance.now() + limit;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error('waited in vain');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
