import { randomInt } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeFileSync,
  type Dirent,
} from 'node:fs';
import { join } from 'node:path';
import { Level } from 'level';
import t, { type Test } from 'tap';
import type { Block } from '../../../../src/cloud/server/blocks/block-store.ts';
import { LocalBlockStore } from '../../../../src/cloud/server/blocks/local.ts';
import { blockStoreContract } from '../../../contract/block-store.ts';
import { contentOf, noise } from '../../../helpers/intents.ts';
import { canMount, smallDisk, temporary } from '../../../helpers/temporary.ts';

t.setTimeout(500_000);

async function open(t: Test, dir: string): Promise<LocalBlockStore> {
  const store = await LocalBlockStore.open(dir);
  t.teardown(async () => store.close());
  return store;
}

function block(size: number): Block {
  return contentOf(noise(size)).blocks[0] as Block;
}

function same(found: Uint8Array | undefined, { data }: Block): boolean {
  return found !== undefined && Buffer.from(data).equals(found);
}

function filesOf(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/small(\/values)?$/.test(entry.parentPath))
    .map(({ name }) => name);
}

blockStoreContract(t, async (t: Test) => open(t, temporary(t)));

t.test('a large block is a file named by its digest; partial files of a killed process are removed', async (t) => {
  const dir = temporary(t);
  mkdirSync(join(dir, 'tmp'));
  writeFileSync(join(dir, 'tmp/half'), 'half a bl');
  const store = await open(t, dir);
  t.same(readdirSync(join(dir, 'tmp')), []);
  const one = block(64 * 1024 + 1);
  await store.put('ada', [one, block(10)]);
  t.same(filesOf(dir), [one.digest]);
  t.same(readdirSync(join(dir, 'ada', one.digest.slice(0, 2))), [one.digest]);
  await store.remove('ada', one.digest);
  t.same(filesOf(dir), []);
});

t.test('small blocks exist after reopening, and a removed one does not', async (t) => {
  const dir = temporary(t);
  const [kept, removed] = [block(64 * 1024), block(1)];
  const before = await LocalBlockStore.open(dir);
  await before.put('ada', [kept, removed]);
  await before.remove('ada', removed.digest);
  t.same(filesOf(dir), []);
  await before.close();
  const store = await open(t, dir);
  t.ok(same(await store.get('ada', kept.digest), kept));
  t.equal(await store.get('ada', removed.digest), undefined);
});

t.test('a small block in a file, from an older version, is found, listed once and removed', async (t) => {
  const dir = temporary(t);
  const store = await open(t, dir);
  const old = block(100);
  const folder = join(dir, 'ada', old.digest.slice(0, 2));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, old.digest), old.data);
  t.ok(same(await store.get('ada', old.digest), old));
  await store.put('ada', [old]);
  const listed: string[] = [];
  for await (const digest of store.list('ada')) listed.push(digest);
  t.same(listed, [old.digest]);
  await store.remove('ada', old.digest);
  t.equal(await store.get('ada', old.digest), undefined);
  t.same(filesOf(dir), []);
});

t.test(
  'on a full disk blocks are refused and none is lost, and the store recovers without a restart',
  { skip: !canMount },
  async (t) => {
    const MIB = 1024 * 1024;
    const disk = smallDisk(t, 128 * MIB);
    const dir = join(disk, 'blocks');
    const store = await LocalBlockStore.open(dir, { retryAfter: 0 });
    const kept = Array.from({ length: 40 }, () => block(50_000));
    await store.put('ada', kept);
    const { bavail, bsize } = statfsSync(disk);
    writeFileSync(join(disk, 'filler'), Buffer.alloc(bavail * bsize - 2 * MIB));
    const refused = Array.from({ length: 60 }, () => block(60_000));
    await t.rejects(store.put('ada', refused), 'there is no room for these');
    await t.rejects(store.put('ada', refused), 'also not as files');
    t.same(readdirSync(join(dir, 'tmp')), [], 'and no partial files are left');
    for (const one of kept) t.ok(same(await store.get('ada', one.digest), one));

    rmSync(join(disk, 'filler'));
    const reading = Promise.all(kept.map(async (one) => store.get('ada', one.digest)));
    await store.put('ada', refused);
    t.equal((await reading).length, kept.length, 'concurrent reads are not disturbed');
    const fresh = Array.from({ length: 10 }, () => block(1000));
    await store.put('ada', fresh);
    const files = filesOf(dir);
    t.notOk(
      fresh.some(({ digest }) => files.includes(digest)),
      'small blocks are not files any more',
    );
    await store.close();
    const again = await LocalBlockStore.open(dir);
    for (const one of [...kept, ...refused, ...fresh]) t.ok(same(await again.get('ada', one.digest), one));
    await again.close();
  },
);

t.test('random damage on the disk is detected, and blocks that are put again are right', async (t) => {
  for (let round = 0; round < 15; round += 1) {
    const dir = temporary(t);
    const blocks = Array.from({ length: 60 }, (_, n) => block(n % 3 === 0 ? 70_000 : 1 + randomInt(64 * 1024)));
    const before = await LocalBlockStore.open(dir);
    await before.put('ada', blocks);
    await before.close();
    const victims = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    for (let n = 0; n < 8; n += 1) damage(victims[randomInt(victims.length)] as Dirent);
    const store = await open(t, dir);
    const lost: Block[] = [];
    for (const one of blocks) {
      const found = await store.get('ada', one.digest);
      if (found === undefined) lost.push(one);
      else t.ok(same(found, one));
    }
    await store.put('ada', lost);
    for (const one of blocks) t.ok(same(await store.get('ada', one.digest), one), 'healed');
  }
});

t.test('small blocks survive the loss of a CURRENT file', async (t) => {
  for (const lost of ['small/CURRENT', 'small/values/CURRENT']) {
    const dir = temporary(t);
    const blocks = Array.from({ length: 100 }, () => block(10_000));
    const before = await LocalBlockStore.open(dir);
    await before.put('ada', blocks);
    await before.close();
    rmSync(join(dir, lost));
    const store = await open(t, dir);
    for (const one of blocks) t.ok(same(await store.get('ada', one.digest), one), lost);
  }
});

t.test('small blocks that an older version stored in the index are found, listed once and removed', async (t) => {
  const dir = temporary(t);
  const [old, both] = [block(100), block(200)];
  const level = new Level<string, Uint8Array>(join(dir, 'small'), { valueEncoding: 'view' });
  for (const { digest, data } of [old, both]) await level.put(`ada/${digest}`, data);
  await level.close();
  const store = await open(t, dir);
  await store.put('ada', [both]);
  for (const one of [old, both]) t.ok(same(await store.get('ada', one.digest), one));
  const listed: string[] = [];
  for await (const digest of store.list('ada')) listed.push(digest);
  t.same(listed.sort(), [old.digest, both.digest].sort());
  for (const { digest } of [old, both]) {
    await store.remove('ada', digest);
    t.equal(await store.get('ada', digest), undefined);
  }
});

t.test('a block that is put repeatedly is stored once, also if it was damaged', async (t) => {
  const dir = temporary(t);
  const before = await LocalBlockStore.open(dir);
  const one = block(1000);
  for (let i = 0; i < 20; i++) await before.put('ada', [one, block(50)]);
  await before.close();
  const values = new Level<string, Uint8Array>(join(dir, 'small/values'), { valueEncoding: 'view' });
  const keys = (await values.keys().all()).filter((key) => key.endsWith(one.digest));
  t.equal(keys.length, 1);
  await values.put(keys[0] as string, Buffer.from('damaged'));
  await values.close();
  const store = await open(t, dir);
  t.equal(await store.get('ada', one.digest), undefined);
  await store.put('ada', [one]);
  t.ok(same(await store.get('ada', one.digest), one));
  t.ok((await store.get('ada', block(50).digest)) === undefined);
});

t.test('a number is not used twice, even after the values were lost', async (t) => {
  const dir = temporary(t);
  const before = await LocalBlockStore.open(dir);
  const lost = Array.from({ length: 20 }, () => block(100));
  await before.put('ada', lost);
  await before.close();
  rmSync(join(dir, 'small/values'), { recursive: true });
  const store = await open(t, dir);
  const others = Array.from({ length: 20 }, () => block(100));
  await store.put('ada', others);
  for (const { digest } of lost) {
    t.equal(await store.get('ada', digest), undefined);
    await store.remove('ada', digest);
  }
  for (const one of others) t.ok(same(await store.get('ada', one.digest), one));
});

t.test('blocks whose values were lost are stored when put again in the same order', async (t) => {
  const dir = temporary(t);
  const before = await LocalBlockStore.open(dir);
  const blocks = Array.from({ length: 20 }, () => block(100));
  await before.put('ada', blocks);
  await before.close();
  rmSync(join(dir, 'small/values'), { recursive: true });
  const store = await open(t, dir);
  await store.put('ada', blocks);
  for (const one of blocks) t.ok(same(await store.get('ada', one.digest), one));
});

function damage({ parentPath, name }: Dirent): void {
  const path = join(parentPath, name);
  const kind = randomInt(3);
  if (kind === 0) return rmSync(path, { force: true });
  if (!existsSync(path)) return;
  const bytes = readFileSync(path);
  if (bytes.length === 0) return;
  const at = randomInt(bytes.length);
  if (kind === 1) return truncateSync(path, at);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << randomInt(8));
  writeFileSync(path, bytes);
}
