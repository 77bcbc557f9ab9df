import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { background as context } from '../../../src/vfs/context.ts';
import { DavTree } from '../../helpers/dav-tree.ts';
import { openHttpPair } from '../../helpers/http-devices.ts';

t.setTimeout(500_000);

const SIZE = 24 << 20;

t.test('a download keeps its content when the file is replaced, here or elsewhere', async (t) => {
  const pair = await openHttpPair(t);
  const { a, b } = pair;
  const dav = await DavTree.serve(t, b.fs);
  const ways: Record<string, (path: string) => Promise<unknown>> = {
    'an edit on another computer': async (path) => {
      await a.write(path, 'new');
      await pair.converge();
    },
    'a save by rename on another computer': async (path) => {
      await a.write(`${path}.tmp`, 'new');
      await a.rename(`${path}.tmp`, path);
      await pair.converge();
    },
    'a PUT': async (path) => {
      await dav.put(path, 'new');
      await pair.converge();
    },
    'a MOVE over it': async (path) => {
      await dav.put(`${path}.tmp`, 'new');
      await dav.move(`${path}.tmp`, path);
      await pair.converge();
    },
  };
  for (const [i, [way, replace]] of Object.entries(ways).entries()) {
    await t.test(way, async (t) => {
      const path = `/Sync/film${i}`;
      const content = randomBytes(SIZE);
      await a.write(path, content);
      await pair.converge();
      // None of it is on b's disk yet, so most blocks are fetched after the replacement.
      const { body, headers } = await fetch(new URL(path, dav.url));
      t.equal(headers.get('content-length'), String(SIZE));
      const hash = createHash('sha256');
      let count = 0;
      for await (const chunk of body ?? []) {
        if (count === 0) await replace(path);
        hash.update(chunk as Uint8Array);
        count += (chunk as Uint8Array).length;
      }
      t.equal(count, SIZE);
      t.equal(hash.digest('hex'), createHash('sha256').update(content).digest('hex'), 'the old content, to its end');
      t.equal(await dav.read(path), 'new', 'and then the new one');
    });
  }
});

t.test('a download from the Archive continues when the file is sealed and its content dropped', async (t) => {
  const { a } = await openHttpPair(t);
  const dav = await DavTree.serve(t, a.fs);
  const content = randomBytes(SIZE);
  await a.write('/Archive/film', content);
  const { body } = await fetch(new URL('/Archive/film', dav.url));
  const hash = createHash('sha256');
  let count = 0;
  for await (const chunk of body ?? []) {
    if (count === 0) await a.gateway.flush();
    hash.update(chunk as Uint8Array);
    count += (chunk as Uint8Array).length;
  }
  t.equal(count, SIZE);
  t.equal(hash.digest('hex'), createHash('sha256').update(content).digest('hex'));
  t.equal((await dav.ask('GET', '/Archive/film')).status, 403, 'the next one is refused');
  const { staging, files } = a.gateway.stack;
  // The end of the answer is seen before the file is closed.
  while (files.size > 0 || (await staging.ids()).length > 0) await sleep(20);
});

t.test('a handle that follows the file, as for `tail -f`, sees what another computer appends', async (t) => {
  const pair = await openHttpPair(t);
  const { a, b } = pair;
  await a.write('/Sync/log', 'one\n');
  await pair.converge();
  const handle = await b.fs.open((await b.stat('/Sync/log')).id, { read: true, write: false }, context);
  const into = Buffer.alloc(100);
  t.equal(into.toString('utf8', 0, await handle.read(into, 0, context)), 'one\n');
  t.equal(await handle.read(into, 4, context), 0);
  await a.write('/Sync/log', 'one\ntwo\n');
  await pair.converge();
  t.equal(into.toString('utf8', 0, await handle.read(into, 4, context)), 'two\n');
  t.equal((await handle.attr(context)).size, 8);
  await handle.close();
});
