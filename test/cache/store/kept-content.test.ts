import { randomBytes } from 'node:crypto';
import t from 'tap';
import type { BlockSource } from '../../../src/cache/content/content.ts';
import { background } from '../../../src/vfs/context.ts';
import { BLOCK_SIZE } from '../../../src/vfs/block.ts';
import { until } from '../../contract/content-store.ts';
import { openCacheDisk } from '../../helpers/cache-disk.ts';
import { MemorySource } from '../../helpers/memory-source.ts';
import { temporary } from '../../helpers/temporary.ts';

t.test('what is fetched without a reader gives way to readers', async (t) => {
  const source = new MemorySource();
  const asked: { readonly version: string | undefined; readonly bulk: boolean }[] = [];
  const watched: BlockSource = {
    manifest: (version, context) => source.manifest(version, context),
    blocks: (requests, context) => {
      asked.push({ version: requests[0]?.version, bulk: context.bulk === true });
      return source.blocks(requests, context);
    },
  };
  const { store, close } = await openCacheDisk(temporary(t), watched);
  t.teardown(close);
  const big = source.add('big', randomBytes(24 * BLOCK_SIZE));
  const small = source.add('small', randomBytes(1000));
  let open = (): void => undefined;
  const gate = new Promise<void>((resolve) => (open = resolve));
  source.before = (version, index) => (version === 'big' && index >= 0 ? gate : undefined);

  const fetched = store.fetch(big, background);
  await until(() => asked.length === 2);
  const reader = store.open(small);
  t.equal(await reader.read(Buffer.alloc(2000), 0, background), 1000, 'a reader does not wait for it');
  reader.close();
  t.same(asked.slice(2), [{ version: 'small', bulk: false }], 'and it has no more than two requests');
  const other = store.open(big);
  const waiting = other.read(Buffer.alloc(10), 20 * BLOCK_SIZE, background);
  await until(() => asked.length === 4);
  t.same(asked[3], { version: 'big', bulk: false }, 'what a reader waits for is urgent, also of the same content');
  open();
  t.equal(await waiting, 10);
  other.close();
  t.equal(await fetched, true);
  t.equal(store.cachedBytes(big.hash), big.size);
  t.ok(
    [...source.sent.values()].every((times) => times === 1),
    'nothing was fetched twice',
  );
});

t.test('kept content is not evicted, also not by the next process, until a round leaves it out', async (t) => {
  const source = new MemorySource();
  const contents = ['kept', 'a', 'b', 'c'].map((name) => source.add(name, randomBytes(BLOCK_SIZE)));
  const [kept, ...others] = contents;
  if (kept === undefined) throw new Error('there is none');
  const dir = temporary(t);
  const limits = { store: { maxBytes: 2 * BLOCK_SIZE } };
  const first = await openCacheDisk(dir, source, limits);
  t.equal(first.store.keep(kept.hash, 1), true);
  t.equal(first.store.keep(kept.hash, 1), false, 'the round has had it');
  t.equal(await first.store.fetch(kept, background), true);
  t.equal(first.store.fits(BLOCK_SIZE), true);
  t.equal(first.store.fits(BLOCK_SIZE + 1), false);
  t.equal(await first.store.free(kept.hash), 0);
  await first.close();

  const second = await openCacheDisk(dir, source, limits);
  t.teardown(() => second.close());
  const { store } = second;
  await store.settled();
  for (const other of others) await store.fetch(other, background);
  t.equal(store.cachedBytes(kept.hash), BLOCK_SIZE);
  t.ok(store.usage().bytes <= 2 * BLOCK_SIZE);
  t.equal(store.keep(kept.hash, 1), true, 'rounds begin anew with the process');
  store.keepOnly(1);
  t.equal(store.isPinned(kept.hash), true);
  store.keepOnly(2);
  t.equal(store.isPinned(kept.hash), false);
  t.equal(await store.free(kept.hash), BLOCK_SIZE);
  t.equal(store.cachedBytes(kept.hash), 0);
});

t.test('open content is not freed, and one without room is not fetched to the end', async (t) => {
  const source = new MemorySource();
  const content = source.add('v', randomBytes(4 * BLOCK_SIZE));
  const { store, close } = await openCacheDisk(temporary(t), source, { store: { maxBytes: 2 * BLOCK_SIZE } });
  t.teardown(close);
  t.equal(store.fits(content.size), false);
  t.equal(await store.fetch(content, background), false);
  const reader = store.open(content);
  t.equal(await store.free(content.hash), 0);
  reader.close();
  t.ok((await store.free(content.hash)) > 0);
  await t.rejects(store.fetch({ ...content, version: 'none', hash: 'ab'.repeat(32) }, background), { code: 'ENOENT' });
  const stop = new AbortController();
  stop.abort();
  await t.rejects(store.fetch(content, { signal: stop.signal }), { code: 'EINTR' });
});
