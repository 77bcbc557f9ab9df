import { randomBytes } from 'node:crypto';
import { statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { BLOCK_SIZE, digestOf, isZeros, zeroDigest } from '../../src/vfs/block.ts';
import { DataMap } from '../../src/libc/data-map.ts';
import { background } from '../../src/vfs/context.ts';
import { DigestList } from '../../src/vfs/digest-list.ts';
import { type CacheDisk, openCacheDisk } from '../helpers/cache-disk.ts';
import { MemorySource } from '../helpers/memory-source.ts';
import { temporary } from '../helpers/temporary.ts';

const TIB = 2 ** 40;

async function open(t: Test, dir = temporary(t)): Promise<{ dir: string; disk: CacheDisk }> {
  const disk = await openCacheDisk(dir, new MemorySource(), { store: { maxBytes: 100 * BLOCK_SIZE } });
  t.teardown(() => disk.close());
  return { dir, disk };
}

t.test('the digest of zeros is a constant, also for a block that is shorter', async (t) => {
  for (const length of [1, 5, 70_000, BLOCK_SIZE]) {
    t.ok(isZeros(Buffer.alloc(length)));
    t.ok(Buffer.from(zeroDigest(length)).equals(await digestOf(Buffer.alloc(length))), `${length} bytes`);
  }
  const { webcrypto } = await import('node:crypto');
  const plain = await webcrypto.subtle.digest('SHA-256', Buffer.alloc(BLOCK_SIZE));
  t.ok(Buffer.from(zeroDigest(BLOCK_SIZE)).equals(Buffer.from(plain)));
});

t.test('ranges of data are found', async (t) => {
  const path = join(temporary(t), 'file');
  writeFileSync(path, randomBytes(4096));
  truncateSync(path, 10 * BLOCK_SIZE);
  const { openSync, closeSync, writeSync } = await import('node:fs');
  const fd = openSync(path, 'r+');
  writeSync(fd, randomBytes(4096), 0, 4096, 5 * BLOCK_SIZE);
  const map = new DataMap();
  const found = [...map.data(fd, { start: 0, end: 10 * BLOCK_SIZE })].map(({ start }) => start);
  t.same(found, [0, 5 * BLOCK_SIZE]);
  t.same([...map.data(fd, { start: 6 * BLOCK_SIZE, end: 10 * BLOCK_SIZE })], []);
  t.same(
    [...new DataMap('darwin').data(fd, { start: 7, end: 99 })],
    [{ start: 7, end: 99 }],
    'if the file system does not support it',
  );
  closeSync(fd);
});

t.test('a staged file of a terabyte with a few blocks takes only the space of those', async (t) => {
  const { disk, dir } = await open(t);
  const { staging, store } = disk;
  const file = staging.create(null);
  await file.truncate(TIB + 7, background);
  const parts = [0, 12_345 * BLOCK_SIZE + 5, TIB - 3].map((at) => ({ at, data: randomBytes(10) }));
  for (const { at, data } of parts) await file.write(data, at, background);
  file.seal();
  t.ok(staging.usage() < BLOCK_SIZE, `${staging.usage()} bytes staged`);
  const { hash, size, digests } = await file.manifest(background);
  t.equal(size, TIB + 7);
  t.ok(digests.length < 10, `${digests.length} runs`);
  t.ok(Buffer.from(digests.at(99)).equals(zeroDigest(BLOCK_SIZE)));
  t.equal(await DigestList.from(digests.toBytes(), 2 ** 20 + 1)?.hash(), hash);

  const content = { hash, size, version: 'v1' };
  await staging.adopt(file, content, []);
  t.ok(store.usage().bytes < BLOCK_SIZE, `${store.usage().bytes} bytes kept`);
  t.ok(store.has(hash), 'and not evicted for its size');
  for (const { at, data } of parts) {
    const into = Buffer.alloc(data.length);
    await file.read(into, at, background);
    t.ok(into.equals(data));
  }
  await disk.close();
  const again = (await open(t, dir)).disk;
  await again.store.settled();
  t.ok(again.store.has(hash));
  t.ok(again.store.usage().bytes < BLOCK_SIZE, 'also in the next process');
});

t.test('a copy on write of a sparse file keeps its holes', async (t) => {
  const { disk } = await open(t);
  const { staging } = disk;
  const file = staging.create(null);
  await file.truncate(TIB, background);
  file.seal();
  const { hash } = await file.manifest(background);
  await staging.adopt(file, { hash, size: TIB, version: 'v1' }, []);
  const next = staging.create({ hash, size: TIB, version: 'v1' });
  await next.write(randomBytes(100), TIB / 2, background);
  await next.truncate(TIB + BLOCK_SIZE + 1, background);
  next.seal();
  const { digests } = await next.manifest(background);
  t.equal(digests.length, 4, 'zeros, the block, zeros, a last one');
  t.ok(staging.usage() < 3 * BLOCK_SIZE);
});

t.test('blocks of zeros are not fetched, and are holes on the disk', async (t) => {
  const dir = temporary(t);
  const source = new MemorySource();
  const data = Buffer.alloc(64 * BLOCK_SIZE);
  randomBytes(BLOCK_SIZE).copy(data, 40 * BLOCK_SIZE);
  const content = source.add('v1', data);
  const disk = await openCacheDisk(dir, source);
  t.teardown(() => disk.close());
  const reader = disk.store.open(content);
  const into = Buffer.alloc(data.length);
  for (let at = 0; at < data.length; at += 100_000) {
    await reader.read(into.subarray(at, at + 100_000), at, background);
  }
  t.ok(into.equals(data));
  t.same([...source.sent.keys()], ['v1/40']);
  t.ok(reader.complete);
  t.equal(disk.store.usage().bytes, BLOCK_SIZE);
  const stats = statSync(join(dir, 'store', content.hash.slice(0, 2), content.hash));
  t.equal(stats.size, data.length);
  t.ok(stats.blocks * 512 < 2 * BLOCK_SIZE, `${stats.blocks} sectors`);
  reader.close();
});
