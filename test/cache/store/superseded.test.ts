import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { Content } from '../../../src/cache/content/content.ts';
import { background } from '../../../src/vfs/context.ts';
import { openCacheDisk } from '../../helpers/cache-disk.ts';
import { MemorySource } from '../../helpers/memory-source.ts';
import { temporary } from '../../helpers/temporary.ts';

const MIB = 1024 * 1024;

async function start(t: Test, maxBytes: number) {
  const source = new MemorySource();
  const { store, close } = await openCacheDisk(temporary(t), source, { store: { maxBytes } });
  t.teardown(close);
  let count = 0;
  /** A content that has been read completely. */
  const cached = async (size: number): Promise<Content> => {
    const content = source.add(`v${++count}`, Buffer.alloc(size, count));
    await read(content);
    return content;
  };
  const read = async (content: Content): Promise<void> => {
    const reader = store.open(content);
    await reader.read(Buffer.alloc(content.size), 0, background);
    while (!store.has(content.hash)) await sleep(1);
    reader.close();
  };
  return { store, cached, read };
}

t.test('content that no file has any more is evicted before content that was used longer ago', async (t) => {
  const { store, cached, read } = await start(t, 4 * MIB);
  const [first, old, shared, last] = [await cached(MIB), await cached(MIB), await cached(MIB), await cached(MIB)];
  store.share(shared.hash);
  for (const { hash } of [old, shared]) store.supersede(hash);
  await read(old);
  await cached(MIB);
  t.same(
    [first, old, shared, last].map(({ hash }) => store.has(hash)),
    [true, false, true, true],
  );
  await cached(MIB);
  t.notOk(store.has(first.hash), 'then the least recently used content');
  t.ok(store.has(shared.hash));
});

t.test('large amounts of it are evicted at once, and counted', async (t) => {
  const { store, cached } = await start(t, 1e9);
  const contents: Content[] = [];
  for (let i = 0; i < 10; i++) contents.push(await cached(10 * MIB));
  const open = store.open(contents[0] as Content);
  store.pin(contents[1]?.hash ?? '');
  for (const { hash } of contents.slice(0, 9)) store.supersede(hash);
  t.equal(
    contents.filter(({ hash }) => store.has(hash)).length,
    9,
    'up to 64 MiB, not counting pinned or open content',
  );
  open.close();
  t.notOk(store.has(contents[2]?.hash ?? ''));
  t.equal(store.usage().bytes, 8 * 10 * MIB);
  store.unpin(contents[1]?.hash ?? '');
  await store.drop(contents[8]?.hash ?? '');
  t.equal(store.usage().bytes, contents.filter(({ hash }) => store.has(hash)).length * 10 * MIB);
  t.ok(store.has(contents[9]?.hash ?? ''), 'current content stays');
});
