import type { Test } from 'tap';
import { BLOCK_SIZE } from '../../src/vfs/block.ts';

import type { Block, BlockStore } from '../../src/cloud/server/blocks/block-store.ts';
import { contentOf, noise } from '../helpers/intents.ts';

function block(size: number): Block {
  return contentOf(noise(size)).blocks[0] as Block;
}

async function listed(store: BlockStore, account: string): Promise<string[]> {
  const digests: string[] = [];
  for await (const digest of store.list(account)) digests.push(digest);
  return digests.sort();
}

/** The bytes of a block; empty if it does not exist. */
async function bytes(store: BlockStore, account: string, digest: string): Promise<Buffer> {
  return Buffer.from((await store.get(account, digest)) ?? []);
}

/** The requirements on every `BlockStore`. `make` creates an empty one. */
export function blockStoreContract(t: Test, make: (t: Test) => Promise<BlockStore>): void {
  t.test('blocks are read as they were stored', async (t) => {
    const store = await make(t);
    const blocks = [block(1), block(4096), block(BLOCK_SIZE)];
    await store.put('ada', blocks);
    for (const { digest, data } of blocks) t.equal((await bytes(store, 'ada', digest)).equals(data), true);
    t.same(await listed(store, 'ada'), blocks.map(({ digest }) => digest).sort());
    await store.put('ada', []);
  });

  t.test('the expected size is no more than a hint', async (t) => {
    const store = await make(t);
    const blocks = [block(1), block(4096), block(BLOCK_SIZE)];
    await store.put('ada', blocks);
    for (const { digest, data } of blocks) {
      for (const size of [1, 70_000, BLOCK_SIZE]) {
        t.equal(Buffer.from((await store.get('ada', digest, { size })) ?? []).equals(data), true);
      }
    }
    t.equal(await store.get('ada', block(10).digest, { size: BLOCK_SIZE }), undefined);
  });

  t.test('accounts are separate', async (t) => {
    const store = await make(t);
    const one = block(10);
    await store.put('ada', [one]);
    t.equal(await store.get('eve', one.digest), undefined);
    t.same(await listed(store, 'eve'), []);
    await store.put('eve', [one]);
    await store.remove('eve', one.digest);
    t.equal((await bytes(store, 'ada', one.digest)).length, 10);
  });

  t.test('bytes that do not match their digest are refused', async (t) => {
    const store = await make(t);
    const { digest } = block(10);
    await t.rejects(store.put('ada', [{ digest, data: noise(10) }]), { code: 'digest_mismatch' });
    t.equal(await store.get('ada', digest), undefined);
  });

  t.test('putting and removing again succeed', async (t) => {
    const store = await make(t);
    const one = block(100);
    await store.put('ada', [one]);
    await Promise.all([store.put('ada', [one]), store.put('ada', [one])]);
    t.equal((await bytes(store, 'ada', one.digest)).length, 100);
    await store.remove('ada', one.digest);
    await store.remove('ada', one.digest);
    t.equal(await store.get('ada', one.digest), undefined);
    await store.put('ada', [one]);
    t.equal((await bytes(store, 'ada', one.digest)).length, 100);
  });

  t.test('a reader gets a whole block or none while it is written and removed concurrently', async (t) => {
    const store = await make(t);
    const one = block(BLOCK_SIZE);
    let whole = 0;
    const read = async () => {
      const data = await store.get('ada', one.digest);
      if (data === undefined) return;
      whole += 1;
      if (!Buffer.from(one.data).equals(data)) t.fail('a part of a block');
    };
    for (let round = 0; round < 20; round += 1) {
      await Promise.all([
        store.put('ada', [one]),
        read(),
        read(),
        round % 2 === 0 ? read() : store.remove('ada', one.digest),
      ]);
      await read();
    }
    t.ok(whole > 0);
  });
}
