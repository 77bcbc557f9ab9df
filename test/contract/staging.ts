import { randomBytes } from 'node:crypto';
import type { Test } from 'tap';
import { BLOCK_SIZE, contentHash } from '../../src/vfs/block.ts';
import type { Content, ContentStore, StagedFile, Staging } from '../../src/cache/content/content.ts';
import { background } from '../../src/vfs/context.ts';
import { MemorySource, digestsOf } from '../helpers/memory-source.ts';

export interface StagingSetUp {
  readonly staging: Staging;
  readonly store: ContentStore;
  /** Reopens it, as the next process does. */
  readonly reopen: () => Promise<StagingSetUp>;
}

/** Creates an empty staging folder; its store uses the source. */
export type MakeStaging = (t: Test, source: MemorySource) => Promise<StagingSetUp>;

/** The requirements on every `Staging`. */
export function stagingContract(t: Test, make: MakeStaging): void {
  const setUp = async (t: Test, size = 0) => {
    const source = new MemorySource();
    const data = randomBytes(size);
    const base = source.add('v1', data);
    return { source, data, base, ...(await make(t, source)) };
  };

  t.test('a new file has the written content', async (t) => {
    const { staging } = await setUp(t);
    const file = staging.create(null);
    t.equal(file.size, 0);
    await file.write(Buffer.from('world'), 6, background);
    await file.write(Buffer.from('hello '), 0, background);
    await file.append(Buffer.from('!'), background);
    t.equal(String(await bytesOf(file)), 'hello world!');
    await file.truncate(3, background);
    await file.truncate(5, background);
    t.equal(String(await bytesOf(file)), 'hel\0\0');
    t.equal(file.base, null);
    t.equal(file.isOwn(0), true);
  });

  t.test('large writes have the same result', async (t) => {
    const { staging } = await setUp(t);
    const file = staging.create(null);
    const data = randomBytes(3 * BLOCK_SIZE + 17);
    await Promise.all([file.append(data, background), file.append(data, background)]);
    t.ok((await bytesOf(file)).equals(Buffer.concat([data, data])));
  });

  t.test('a copy on write reads its base until it is written', async (t) => {
    const { staging, base, data, source } = await setUp(t, 3 * BLOCK_SIZE + 100);
    const file = staging.create(base);
    t.equal(file.size, base.size);
    t.same(file.base, base);
    t.equal(file.isOwn(1), false);
    await file.write(Buffer.from('here'), BLOCK_SIZE + 7, background);
    data.set(Buffer.from('here'), BLOCK_SIZE + 7);
    t.equal(file.isOwn(1), true);
    t.equal(file.isOwn(0), false);
    t.equal(source.sent.get('v1/0'), undefined, 'unchanged blocks are not fetched');
    t.ok((await bytesOf(file)).equals(data));
  });

  t.test('a completely overwritten block is not fetched', async (t) => {
    const { staging, base, data, source } = await setUp(t, 2 * BLOCK_SIZE + 100);
    const file = staging.create(base);
    const block = randomBytes(BLOCK_SIZE + 100);
    await file.write(block, BLOCK_SIZE, background);
    data.set(block, BLOCK_SIZE);
    t.equal(source.sent.size, 0);
    t.ok((await bytesOf(file)).equals(data));
  });

  t.test('shorter, then longer, reads zeros and not the base', async (t) => {
    const { staging, base, data } = await setUp(t, 3 * BLOCK_SIZE);
    const file = staging.create(base);
    await file.truncate(BLOCK_SIZE + 10, background);
    await file.truncate(3 * BLOCK_SIZE + 10, background);
    const expected = Buffer.concat([data.subarray(0, BLOCK_SIZE + 10), Buffer.alloc(2 * BLOCK_SIZE)]);
    t.ok((await bytesOf(file)).equals(expected));
  });

  t.test('growing keeps the end of the base', async (t) => {
    const { staging, base, data } = await setUp(t, BLOCK_SIZE + 10);
    const file = staging.create(base);
    await file.append(Buffer.from('more'), background);
    await file.write(Buffer.from('far'), 3 * BLOCK_SIZE, background);
    const gap = Buffer.alloc(3 * BLOCK_SIZE - BLOCK_SIZE - 14);
    t.ok((await bytesOf(file)).equals(Buffer.concat([data, Buffer.from('more'), gap, Buffer.from('far')])));
  });

  t.test('a failed fetch changes nothing', async (t) => {
    const { staging, base, data, source } = await setUp(t, 2 * BLOCK_SIZE);
    source.before = () => {
      throw new Error('unplugged');
    };
    const file = staging.create(base);
    await t.rejects(Promise.resolve(file.write(Buffer.from('x'), 5, background)));
    await t.rejects(Promise.resolve(file.truncate(5, background)));
    source.before = () => undefined;
    t.ok((await bytesOf(file)).equals(data));
  });

  t.test('a sealed file cannot be written, and has a manifest', async (t) => {
    const { staging, base, data, source } = await setUp(t, 4 * BLOCK_SIZE + 5);
    const file = staging.create(base);
    await file.write(Buffer.from('changed'), 2 * BLOCK_SIZE, background);
    data.set(Buffer.from('changed'), 2 * BLOCK_SIZE);
    await t.rejects(file.manifest(background), { code: 'EBADF' }, 'not before it is sealed');
    file.seal();
    file.seal();
    const writes = [() => file.write(Buffer.from('x'), 0, background), () => file.truncate(0, background)];
    for (const write of writes) await t.rejects(Promise.resolve().then(write), { code: 'EBADF' });
    const manifest = await file.manifest(background);
    t.ok(Buffer.from(manifest.digests.toBytes()).equals(digestsOf(data)));
    t.equal(manifest.hash, contentHash(digestsOf(data)));
    t.equal(manifest.size, data.length);
    t.same([...source.sent.keys()], ['v1/2'], 'unchanged blocks are not read');
    t.ok(Buffer.from(await file.block(2, background)).equals(data.subarray(2 * BLOCK_SIZE, 3 * BLOCK_SIZE)));
    t.equal((await file.block(4, background)).length, 5);
  });

  t.test('the manifest of a file written in order, rewritten here and there', async (t) => {
    const { staging } = await setUp(t);
    const file = staging.create(null);
    const data = randomBytes(5 * BLOCK_SIZE + 77);
    for (let at = 0; at < data.length; at += 50_000) await file.append(data.subarray(at, at + 50_000), background);
    const patch = randomBytes(100);
    await file.write(patch, BLOCK_SIZE - 50, background);
    data.set(patch, BLOCK_SIZE - 50);
    await file.truncate(4 * BLOCK_SIZE + 3, background);
    await file.append(patch, background);
    const expected = Buffer.concat([data.subarray(0, 4 * BLOCK_SIZE + 3), patch]);
    file.seal();
    t.equal((await file.manifest(background)).hash, contentHash(digestsOf(expected)));
    const empty = staging.create(null);
    empty.seal();
    t.equal((await empty.manifest(background)).hash, contentHash(new Uint8Array()));
  });

  t.test('a manifest can be aborted', async (t) => {
    const { staging } = await setUp(t);
    const file = staging.create(null);
    await file.write(Buffer.from('x'), 50 * BLOCK_SIZE, background);
    file.seal();
    await t.rejects(file.manifest({ signal: AbortSignal.abort() }), { code: 'EINTR' });
    t.equal((await file.manifest(background)).digests.count, 51);
  });

  t.test('the next process finds everything', async (t) => {
    const first = await setUp(t, 3 * BLOCK_SIZE);
    const written = first.staging.create(first.base);
    await written.write(Buffer.from('here'), BLOCK_SIZE, background);
    await written.truncate(2 * BLOCK_SIZE + 5, background);
    await written.truncate(2 * BLOCK_SIZE + 9, background);
    const fresh = first.staging.create(null);
    await fresh.append(Buffer.from('fresh'), background);
    await fresh.sync();
    const sealed = first.staging.create(null);
    await sealed.append(randomBytes(6 * BLOCK_SIZE), background);
    sealed.seal();
    const manifest = await sealed.manifest(background);
    first.data.set(Buffer.from('here'), BLOCK_SIZE);

    const { staging } = await first.reopen();
    t.same(new Set(await staging.ids()), new Set([written.id, fresh.id, sealed.id]));
    const expected = Buffer.concat([first.data.subarray(0, 2 * BLOCK_SIZE + 5), Buffer.alloc(4)]);
    t.ok((await bytesOf(await staging.open(written.id))).equals(expected));
    t.equal(String(await bytesOf(await staging.open(fresh.id))), 'fresh');
    const again = await staging.open(sealed.id);
    again.seal();
    t.equal((await again.manifest(background)).hash, manifest.hash);
    t.ok(Buffer.from(manifest.digests.toBytes()).equals((await again.manifest(background)).digests.toBytes()));
    await t.rejects(staging.open('unknown'), { code: 'ENOENT' });
    t.equal(await staging.open(fresh.id), await staging.open(fresh.id), 'one object for one file');
  });

  t.test('`discard` removes the file; an open object can still be read', async (t) => {
    const { staging } = await setUp(t);
    const file = staging.create(null);
    await file.append(Buffer.from('bytes'), background);
    file.seal();
    await staging.discard(file.id);
    t.same(await staging.ids(), []);
    t.equal(staging.usage(), 0);
    t.equal(String(await bytesOf(file)), 'bytes');
    file.close();
    await t.rejects(staging.open(file.id), { code: 'ENOENT' });
    await staging.discard(file.id);
  });

  t.test('counts the bytes of staged files', async (t) => {
    const { staging, base } = await setUp(t, 10 * BLOCK_SIZE);
    const file = staging.create(null);
    await file.append(randomBytes(1000), background);
    const copy = staging.create(base);
    t.equal(staging.usage(), 1000, 'a copy-on-write file takes no space');
    await copy.write(Buffer.alloc(BLOCK_SIZE), 0, background);
    t.equal(staging.usage(), 1000 + BLOCK_SIZE);
  });

  t.test('becomes content of the store, in the same batch as the operations of its owner', async (t) => {
    const { staging, store, source } = await setUp(t);
    const data = randomBytes(2 * BLOCK_SIZE + 9);
    const file = staging.create(null);
    await file.append(data, background);
    const content = await uploaded(file, data, source);
    await staging.adopt(file, content, [{ type: 'put', table: 'test', key: 'x', value: 1 }]);
    t.same(await staging.ids(), []);
    t.equal(store.has(content.hash), true);
    t.ok((await bytesOf(file)).equals(data), 'an open object can still be read');
    const reader = store.open(content);
    t.ok((await bytesOf(reader)).equals(data));
    reader.close();
    t.equal(source.sent.size, 0);
    t.equal(staging.usage(), 0);
    t.equal(store.usage().bytes, data.length);
  });

  t.test('a copy-on-write file becomes content with the blocks that are here', async (t) => {
    const { staging, store, source, base, data } = await setUp(t, 3 * BLOCK_SIZE);
    const file = staging.create(base);
    await file.write(Buffer.from('here'), BLOCK_SIZE, background);
    data.set(Buffer.from('here'), BLOCK_SIZE);
    const content = await uploaded(file, data, source);
    await staging.adopt(file, content, []);
    t.equal(store.has(content.hash), false);
    const reader = store.open(content);
    t.ok((await bytesOf(reader)).equals(data));
    t.notOk(source.sent.has('v2/1'));
    await t.rejects(staging.adopt(file, content, []), { code: 'ESTALE' });
    reader.close();
  });

  t.test('adopts content that the store already has, partly or completely', async (t) => {
    const { staging, store, source, base, data } = await setUp(t, 2 * BLOCK_SIZE);
    const reader = store.open(base);
    await reader.read(Buffer.alloc(10), 0, background);
    for (let round = 0; round < 2; round++) {
      const file = staging.create(null);
      await file.append(data, background);
      file.seal();
      await staging.adopt(file, base, []);
      t.ok((await bytesOf(reader)).equals(data));
      t.ok((await bytesOf(file)).equals(data));
    }
    t.equal(store.has(base.hash), true);
    t.equal(source.sent.get('v1/1'), undefined);
    reader.close();
  });

  t.test('a fork starts with the content of a sealed file', async (t) => {
    const { staging, source } = await setUp(t);
    for (const size of [1000, 4 * BLOCK_SIZE]) {
      const data = randomBytes(size);
      const parent = staging.create(null);
      await parent.append(data, background);
      parent.seal();
      const fork = await staging.fork(parent);
      t.ok((await bytesOf(fork)).equals(data));
      t.equal(fork.isOwn(0), true, 'the cloud has nothing of it');
      await fork.write(Buffer.from('x'), size - 1, background);
      const expected = Buffer.from(data);
      expected.write('x', size - 1);
      t.ok((await bytesOf(fork)).equals(expected));
      t.ok((await bytesOf(parent)).equals(data));
      await staging.adopt(parent, await uploaded(parent, data, source), []);
      t.ok((await bytesOf(fork)).equals(expected), 'whatever becomes of the first');
      fork.seal();
      t.equal((await fork.manifest(background)).hash, contentHash(digestsOf(expected)));
      await staging.discard(fork.id);
    }
    t.same(await staging.ids(), []);
  });

  t.test('a fork outlives the discarded file it came from, through a restart', async (t) => {
    const { staging, reopen } = await setUp(t);
    const data = randomBytes(3 * BLOCK_SIZE);
    const parent = staging.create(null);
    await parent.append(data, background);
    parent.seal();
    const fork = await staging.fork(parent);
    await fork.write(Buffer.from('x'), 0, background);
    data.write('x', 0);
    await staging.discard(parent.id);
    t.same(await staging.ids(), [fork.id]);
    t.ok((await bytesOf(fork)).equals(data));
    const again = await reopen();
    await t.rejects(again.staging.open(parent.id), { code: 'ENOENT' });
    t.ok((await bytesOf(await again.staging.open(fork.id))).equals(data));
    await again.staging.discard(fork.id);
    t.same(await again.staging.ids(), []);
  });

  t.test('a fork of a file that has become content in the meantime, after a restart', async (t) => {
    const { staging, reopen, source } = await setUp(t);
    const data = randomBytes(3 * BLOCK_SIZE);
    const parent = staging.create(null);
    await parent.append(data, background);
    parent.seal();
    const fork = await staging.fork(parent);
    await fork.write(Buffer.from('x'), 0, background);
    const content = await uploaded(parent, data, source);
    const [late] = await Promise.all([staging.fork(parent), staging.adopt(parent, content, [])]);
    const latest = await staging.fork(parent);
    t.same(latest.base, content);
    const again = await reopen();
    for (const id of [late.id, latest.id]) t.ok((await bytesOf(await again.staging.open(id))).equals(data));
    data.write('x', 0);
    const file = await again.staging.open(fork.id);
    t.ok((await bytesOf(file)).equals(data));
    t.same(file.base, content);
    t.equal(file.isOwn(2), false, 'the cloud has it now');
  });
}

/** Seals the file and plays the upload. */
async function uploaded(file: StagedFile, data: Uint8Array, source: MemorySource): Promise<Content> {
  file.seal();
  await file.manifest(background);
  return source.add('v2', Buffer.from(data));
}

export async function bytesOf(file: Pick<StagedFile, 'size' | 'read'>, step = 300_000): Promise<Buffer> {
  const all = Buffer.alloc(file.size);
  for (let done = 0; done < all.length;) {
    const count = await file.read(all.subarray(done, done + step), done, background);
    if (count === 0) throw new Error(`nothing at ${done} of ${all.length}`);
    done += count;
  }
  return all;
}
