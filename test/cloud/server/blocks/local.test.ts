import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Block } from '../../../../src/cloud/server/blocks/block-store.ts';
import { LocalBlockStore } from '../../../../src/cloud/server/blocks/local.ts';
import { blockStoreContract } from '../../../contract/block-store.ts';
import { contentOf, noise } from '../../../helpers/intents.ts';
import { canMount, smallDisk, temporary } from '../../../helpers/temporary.ts';

async function open(t: Test, dir: string): Promise<LocalBlockStore> {
  const store = await LocalBlockStore.open(dir);
  t.teardown(async () => store.close());
  return store;
}

function block(size: number): Block {
  return contentOf(noise(size)).blocks[0] as Block;
}

function filesOf(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.endsWith('small'))
    .map(({ name }) => name);
}

blockStoreContract(t, async (t: Test) => open(t, temporary(t)));

t.test('a large block is a file under its digest; what a killed process left is cleared', async (t) => {
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

t.test('small blocks are there after opening again, and a removed one is not', async (t) => {
  const dir = temporary(t);
  const [kept, removed] = [block(64 * 1024), block(1)];
  const before = await LocalBlockStore.open(dir);
  await before.put('ada', [kept, removed]);
  await before.remove('ada', removed.digest);
  t.same(filesOf(dir), []);
  await before.close();
  const store = await open(t, dir);
  t.same(Buffer.from(await store.get('ada', kept.digest)).equals(kept.data), true);
  await t.rejects(store.get('ada', removed.digest), { code: 'internal' });
});

t.test('a small block that is a file, from before, is found, listed once and removed', async (t) => {
  const dir = temporary(t);
  const store = await open(t, dir);
  const old = block(100);
  const folder = join(dir, 'ada', old.digest.slice(0, 2));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, old.digest), old.data);
  t.equal((await store.get('ada', old.digest)).length, 100);
  await store.put('ada', [old]);
  const listed: string[] = [];
  for await (const digest of store.list('ada')) listed.push(digest);
  t.same(listed, [old.digest]);
  await store.remove('ada', old.digest);
  await t.rejects(store.get('ada', old.digest), { code: 'internal' });
  t.same(filesOf(dir), []);
});

t.test(
  'a full disk refuses blocks, loses none, and is recovered from without a restart',
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
    t.same(readdirSync(join(dir, 'tmp')), [], 'and no halves are left');
    for (const one of kept) t.ok(Buffer.from(await store.get('ada', one.digest)).equals(one.data));

    rmSync(join(disk, 'filler'));
    const reading = Promise.all(kept.map(async (one) => store.get('ada', one.digest)));
    await store.put('ada', refused);
    t.equal((await reading).length, kept.length, 'who reads meanwhile is not disturbed');
    const fresh = Array.from({ length: 10 }, () => block(1000));
    await store.put('ada', fresh);
    const files = filesOf(dir);
    t.notOk(
      fresh.some(({ digest }) => files.includes(digest)),
      'small blocks are not files any more',
    );
    await store.close();
    const again = await LocalBlockStore.open(dir);
    for (const one of [...kept, ...refused, ...fresh])
      t.ok(Buffer.from(await again.get('ada', one.digest)).equals(one.data));
    await again.close();
  },
);
