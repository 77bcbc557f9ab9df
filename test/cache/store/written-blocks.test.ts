import { randomBytes } from 'node:crypto';
import { readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { ContentReader } from '../../../src/cache/content/content.ts';
import type { DiskContentStoreOptions } from '../../../src/cache/store/content-store.ts';
import { BLOCK_SIZE } from '../../../src/vfs/block.ts';
import { background } from '../../../src/vfs/context.ts';
import { openCacheDisk } from '../../helpers/cache-disk.ts';
import { MemorySource } from '../../helpers/memory-source.ts';
import { temporary } from '../../helpers/temporary.ts';

/** A store, and a content of three blocks that its source writes into the file by itself. */
async function setup(t: Test, options: Partial<DiskContentStoreOptions> = {}) {
  const dir = temporary(t);
  const source = new MemorySource();
  const written: number[] = [];
  source.wrote = (index) => void written.push(index);
  const disk = await openCacheDisk(dir, source, { store: options });
  t.teardown(() => disk.close());
  const data = randomBytes(3 * BLOCK_SIZE - 100);
  const content = source.add('v1', data);
  const path = join(dir, 'store', content.hash.slice(0, 2), content.hash);
  return { source, written, disk, data, content, path };
}

async function readAll(reader: ContentReader, length: number): Promise<Buffer> {
  const into = Buffer.alloc(length);
  for (let at = 0; at < length; at += 100_000) await reader.read(into.subarray(at, at + 100_000), at, background);
  return into;
}

t.test('blocks that the source writes are read from the file, and counted', async (t) => {
  const { source, written, disk, data, content, path } = await setup(t);
  const reader = disk.store.open(content);
  t.ok((await readAll(reader, data.length)).equals(data));
  t.same(new Set(written), new Set([0, 1, 2]));
  t.equal(written.length, 3);
  t.ok(readFileSync(path).equals(data));
  t.equal(disk.store.usage().bytes, data.length);
  t.equal(disk.store.has(content.hash), true);
  t.equal(source.lent, 0);
  const backing = reader.openBacking();
  t.ok(backing, 'all of them count as compared');
  backing?.release();
  reader.close();
});

t.test('a block that is not the right one is an error, and asked for again', async (t) => {
  const { source, disk, data, content } = await setup(t);
  source.garble = (block) => Buffer.from(block).fill(1, 0, 10);
  const reader = disk.store.open(content);
  await t.rejects(Promise.resolve(reader.read(Buffer.alloc(10), 0, background)), { code: 'EIO' });
  t.equal(reader.complete, false);
  source.garble = undefined;
  t.ok((await readAll(reader, data.length)).equals(data));
  reader.close();
});

t.test('a file that loses what was written does not make a read fail', async (t) => {
  const { source, disk, data, content, path } = await setup(t);
  source.wrote = () => truncateSync(path, 0);
  const reader = disk.store.open(content);
  t.ok((await readAll(reader, data.length)).equals(data));
  reader.close();
});

t.test('what went into a file that has been replaced is fetched again', async (t) => {
  const { source, disk, data, content, path } = await setup(t);
  source.wrote = async (index) => {
    if (index !== 1) return;
    const staged = disk.staging.create(null);
    await staged.write(data, 0, background);
    staged.seal();
    const { digests, hash, size } = await staged.manifest(background);
    t.ok(digests);
    t.equal(hash, content.hash);
    await disk.staging.adopt(staged, { ...content, size }, []);
    staged.close();
  };
  const reader = disk.store.open(content);
  t.ok((await readAll(reader, data.length)).equals(data));
  t.ok(readFileSync(path).equals(data));
  t.equal(disk.store.usage().bytes, data.length);
  reader.close();
});

t.test('nothing is written without room', async (t) => {
  const { written, disk, data, content } = await setup(t, { maxBytes: 1000 });
  const reader = disk.store.open(content);
  t.ok((await readAll(reader, data.length)).equals(data));
  t.same(written, []);
  t.equal(disk.store.usage().bytes, 0);
  reader.close();
});
