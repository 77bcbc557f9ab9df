import { randomBytes } from 'node:crypto';
import { statfsSync, writeFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { BLOCK_SIZE } from '../../src/vfs/block.ts';
import { background } from '../../src/vfs/context.ts';
import { isFsError } from '../../src/vfs/fs-error.ts';
import { readAll, until } from '../contract/content-store.ts';
import { bytesOf } from '../contract/staging.ts';
import { type CacheDiskOptions, openCacheDisk } from '../helpers/cache-disk.ts';
import { MemorySource } from '../helpers/memory-source.ts';
import { canMount, smallDisk, temporary } from '../helpers/temporary.ts';

const MIB = 1024 * 1024;

async function setUp(t: Test, options: CacheDiskOptions = {}) {
  const dir = smallDisk(t, 16 * MIB);
  const source = new MemorySource();
  const database = temporary(t);
  const disk = await openCacheDisk(dir, source, { database, ...options });
  t.teardown(() => disk.close());
  const free = (): number => {
    const { bavail, bsize } = statfsSync(dir);
    return bavail * bsize;
  };
  return { dir, source, free, ...disk };
}

t.test('on a full disk', { skip: !canMount }, async (t) => {
  t.test('a write is refused without losing anything, and succeeds once there is space', async (t) => {
    const { staging, free } = await setUp(t, { staging: { minFree: 2 * MIB, timeout: 100 } });
    const piece = randomBytes(100_000);
    const file = staging.create(null);
    let accepted = 0;
    const error: unknown = await (async () => {
      for (;;) {
        await file.append(piece, background);
        accepted += piece.length;
      }
    })().catch((error: unknown) => error);
    t.ok(isFsError(error, 'ENOSPC'));
    t.ok(accepted > 12 * MIB && free() >= 2 * MIB, 'the reserve is left');
    t.equal(file.size, accepted);
    const small = staging.create(null);
    await t.rejects(Promise.resolve(small.append(piece, background)), { code: 'ENOSPC' });
    for (let at = 0; at < accepted; at += piece.length) {
      const into = Buffer.alloc(piece.length);
      await file.read(into, at, background);
      if (!into.equals(piece)) t.fail(`bytes at ${at}`);
    }
    file.seal();
    await staging.discard(file.id);
    file.close();
    await small.append(piece, background);
    t.ok((await bytesOf(small)).equals(piece));
  });

  t.test('a write waits for uploads to free space', async (t) => {
    const { staging } = await setUp(t, { staging: { minFree: 2 * MIB, timeout: 20_000 } });
    const uploading = staging.create(null);
    await uploading.append(randomBytes(13 * MIB), background);
    const waiting = staging.create(null);
    const written = waiting.append(randomBytes(3 * MIB), background);
    uploading.seal();
    await staging.discard(uploading.id);
    uploading.close();
    await written;
    t.equal(waiting.size, 3 * MIB);
    const stuck = waiting.append(randomBytes(14 * MIB), { signal: AbortSignal.timeout(20) });
    await t.rejects(Promise.resolve(stuck), { code: 'ETIMEDOUT' });
  });

  t.test('a write evicts cached content, but not open or pinned content', async (t) => {
    const { staging, store, source } = await setUp(t, { staging: { minFree: MIB, timeout: 0 } });
    const contents = [0, 1, 2, 3].map((i) => source.add(`v${i}`, randomBytes(3 * MIB)));
    const readers = contents.map((content) => store.open(content));
    await Promise.all(readers.map((reader) => readAll(reader)));
    await until(() => readers.every((reader) => reader.complete));
    const [open, pinned, ...others] = contents.map(({ hash }) => hash);
    store.pin(pinned ?? '');
    for (const reader of readers.slice(1)) reader.close();
    const file = staging.create(null);
    await file.append(randomBytes(8 * MIB), background);
    t.same(
      [open, pinned].map((hash) => store.has(hash ?? '')),
      [true, true],
    );
    t.notOk(others.every((hash) => store.has(hash)));
    await t.rejects(Promise.resolve(file.append(randomBytes(4 * MIB), background)), { code: 'ENOSPC' });
    t.same(
      contents.map(({ hash }) => store.has(hash)),
      [true, true, false, false],
    );
    store.unpin(pinned ?? '');
    await file.append(randomBytes(3 * MIB), background);
    t.equal(store.has(pinned ?? ''), false);
    readers[0]?.close();
  });

  t.test('the blocks that a small write copies need space, too', async (t) => {
    const limits = { store: { minFree: 6 * MIB }, staging: { minFree: 4 * MIB, timeout: 0 } };
    const { staging, source, free } = await setUp(t, limits);
    const base = source.add('v1', randomBytes(20 * MIB));
    const file = staging.create(base);
    const error: unknown = await (async () => {
      for (let i = 0; i < 20; i++) await file.write(Buffer.from('x'), i * MIB, background);
    })().catch((error: unknown) => error);
    t.ok(isFsError(error, 'ENOSPC'));
    t.ok(free() >= 3 * MIB, `${free()} bytes are free`);
  });

  t.test('a read is served in spite of the full disk', async (t) => {
    const { store, source, dir } = await setUp(t);
    writeFileSync(join(dir, 'filler'), Buffer.alloc(15 * MIB));
    const data = randomBytes(5 * MIB + 9);
    const content = source.add('v1', data);
    const reader = store.open(content);
    t.ok((await readAll(reader)).equals(data));
    t.equal(reader.complete, false);
    t.ok(
      [...source.sent.values()].every((count) => count === 1),
      'and no block is fetched for each of its parts',
    );
    rmSync(join(dir, 'filler'));
    t.ok((await readAll(reader)).equals(data));
    reader.close();
  });

  t.test('the cache leaves the configured space free', async (t) => {
    const { store, source, free } = await setUp(t, { store: { minFree: 6 * MIB } });
    for (let i = 0; i < 6; i++) {
      const data = randomBytes(3 * MIB);
      const reader = store.open(source.add(`v${i}`, data));
      t.ok((await readAll(reader)).equals(data));
      reader.close();
    }
    await until(() => free() >= 5 * MIB);
    t.ok(store.usage().bytes > 0);
  });
});

t.test('least recently used content goes first, by bytes', async (t) => {
  const source = new MemorySource();
  const dir = temporary(t);
  const contents = [0, 1, 2, 3].map((i) => source.add(`v${i}`, randomBytes(BLOCK_SIZE)));
  const options = { store: { maxBytes: 3 * BLOCK_SIZE } };
  const disk = await openCacheDisk(dir, source, options);
  const read = async (i: number, { store } = disk): Promise<void> => {
    const content = contents[i];
    if (content === undefined) return;
    const reader = store.open(content);
    await readAll(reader);
    await until(() => reader.complete);
    reader.close();
  };
  for (const i of [0, 1, 2, 0, 3]) await read(i);
  t.same(
    contents.map(({ hash }) => disk.store.has(hash)),
    [true, false, true, true],
  );
  await disk.close();

  const again = await openCacheDisk(dir, source, options);
  t.teardown(() => again.close());
  await again.store.settled();
  t.equal(again.store.usage().bytes, 3 * BLOCK_SIZE, 'the next process knows the content of the cache');
  t.equal(again.store.usage().entries, 3);
  await read(1, again);
  t.equal(again.store.usage().bytes, 3 * BLOCK_SIZE);
});

t.test('files without a record and records without a file are removed', async (t) => {
  const source = new MemorySource();
  const dir = temporary(t);
  const contents = [0, 1].map((i) => source.add(`v${i}`, randomBytes(BLOCK_SIZE)));
  const first = await openCacheDisk(dir, source);
  for (const content of contents) {
    const reader = first.store.open(content);
    await readAll(reader);
    await until(() => reader.complete);
    reader.close();
  }
  await first.close();
  const [gone, kept] = contents.map(({ hash }) => hash);
  rmSync(join(dir, 'store', (gone ?? '').slice(0, 2), gone ?? ''));
  const orphan = join(dir, 'store', (kept ?? '').slice(0, 2), `${(kept ?? '').slice(0, 2)}${'0'.repeat(62)}`);
  writeFileSync(orphan, 'x');
  const second = await openCacheDisk(dir, source);
  t.teardown(() => second.close());
  await second.store.settled();
  t.same(
    contents.map(({ hash }) => second.store.has(hash)),
    [false, true],
  );
  t.equal(second.store.usage().entries, 1);
  t.throws(() => statfsSync(orphan), { code: 'ENOENT' });
});
