import { join } from 'node:path';
import t from 'tap';
import { BLOCK_SIZE } from '../../../src/vfs/block.ts';
import { background } from '../../../src/vfs/context.ts';
import { bytesOf } from '../../contract/staging.ts';
import { openCacheDisk } from '../../helpers/cache-disk.ts';
import { killAfter } from '../../helpers/killed-child.ts';
import { MemorySource } from '../../helpers/memory-source.ts';
import { temporary } from '../../helpers/temporary.ts';

const helpers = join(import.meta.dirname, '../../helpers');
const SIZE = 12 * BLOCK_SIZE + 500;

/** Writes single bytes to random positions of a copy-on-write file, and prints each when it is acknowledged. */
const script = (dir: string, seed: number): string => `
  import { openCacheDisk } from ${JSON.stringify(join(helpers, 'cache-disk.ts'))};
  import { MemorySource } from ${JSON.stringify(join(helpers, 'memory-source.ts'))};
  const source = new MemorySource();
  const disk = await openCacheDisk(${JSON.stringify(dir)}, source);
  const context = { signal: new AbortController().signal };
  const file = disk.staging.create(source.add('v1', Buffer.alloc(${SIZE}, 7)));
  const fresh = disk.staging.create(null);
  say('ids ' + file.id + ' ' + fresh.id);
  let state = ${seed};
  for (let i = 0; ; i++) {
    state = (state * 1103515245 + 12345) % 2147483648;
    const position = state % ${SIZE};
    await file.write(Buffer.from([i % 251]), position, context);
    await fresh.append(Buffer.from([i % 251]), context);
    say(position + ' ' + (i % 251));
  }`;

for (const round of [1, 2, 3]) {
  t.test(`acknowledged writes survive SIGKILL, round ${round}`, async (t) => {
    const dir = temporary(t);
    const enough = 4 ** round * 10;
    const lines = await killAfter(enough, join(temporary(t), 'said'), script(dir, round));
    const [, id = '', freshId = ''] = (lines.shift() ?? '').split(' ');
    const writes = lines.map((line) => line.split(' ').map(Number) as [number, number]);
    t.ok(writes.length >= enough - 2);

    const source = new MemorySource();
    source.add('v1', Buffer.alloc(SIZE, 7));
    const disk = await openCacheDisk(dir, source);
    t.teardown(() => disk.close());
    for (const other of await disk.staging.ids()) {
      // Files created in advance, which are removed after the start.
      if (other !== id && other !== freshId) t.equal((await disk.staging.open(other)).size, 0);
    }
    const model = Buffer.alloc(SIZE, 7);
    for (const [position, byte] of writes) model[position] = byte;
    const found = await bytesOf(await disk.staging.open(id));
    // One more write may have been in progress.
    const differences = found.reduce((count, byte, at) => count + (byte === model[at] ? 0 : 1), 0);
    t.equal(found.length, SIZE);
    t.ok(differences <= 1, `${differences} bytes differ`);
    const fresh = await bytesOf(await disk.staging.open(freshId));
    t.ok(fresh.length >= writes.length && fresh.length <= writes.length + 1);
    t.ok(fresh.subarray(0, writes.length).equals(Buffer.from(writes.map(([, byte]) => byte))));
  });
}

t.test('a crash between the store’s link and the batch of an adoption loses nothing', async (t) => {
  const dir = temporary(t);
  const source = new MemorySource();
  const first = await openCacheDisk(dir, source);
  const data = Buffer.alloc(2 * BLOCK_SIZE, 3);
  const file = first.staging.create(null);
  await file.append(data, background);
  file.seal();
  await file.manifest(background);
  await first.close();
  // The batch fails as if the database had died; the files are as they were at that moment.
  await t.rejects(first.staging.adopt(file, source.add('v1', data), []));
  const second = await openCacheDisk(dir, source);
  t.teardown(() => second.close());
  await second.store.settled();
  const found = await second.staging.open(file.id);
  t.ok((await bytesOf(found)).equals(data));
  t.equal(second.store.usage().bytes, 0);
});
