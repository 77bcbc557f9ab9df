import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { BLOCK_SIZE } from '../../../src/vfs/block.ts';
import type { VersionRecord } from '../../../src/cloud/records.ts';
import { Api } from '../../helpers/cloud-api.ts';
import { startTestCloud } from '../../helpers/cloud.ts';
import { contentOf, noise, put } from '../../helpers/intents.ts';

t.setTimeout(500_000);

t.test('a version is a plain HTTP resource', async (t) => {
  const { url, login } = await startTestCloud(t);
  const api = new Api(url, await login());
  const sync = await api.space('sync');
  const bytes = noise(2 * BLOCK_SIZE + 100);
  const file = await api.store(sync, 'f', bytes);
  const path = `${url}/v1/versions/${file.version}/content`;
  const get = async (headers: Record<string, string>, method = 'GET') => {
    const answer = await fetch(path, { method, headers: { authorization: `Bearer ${api.token}`, ...headers } });
    return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) };
  };
  const whole = await get({});
  t.equal(whole.status, 200);
  t.equal(whole.bytes.equals(bytes), true);
  const etag = whole.headers.get('etag') ?? '';
  t.equal(etag, `"${contentOf(bytes).hash}"`);
  const head = await get({}, 'HEAD');
  t.same([head.status, head.headers.get('content-length'), head.bytes.length], [200, String(bytes.length), 0]);
  const ranges: [string, number, number][] = [
    ['bytes=0-0', 0, 1],
    ['bytes=10-19', 10, 20],
    [`bytes=${BLOCK_SIZE - 1}-${BLOCK_SIZE}`, BLOCK_SIZE - 1, BLOCK_SIZE + 1],
    [`bytes=${2 * BLOCK_SIZE}-`, 2 * BLOCK_SIZE, bytes.length],
    ['bytes=-5', bytes.length - 5, bytes.length],
    ['bytes=5-99999999', 5, bytes.length],
  ];
  for (const [range, start, end] of ranges) {
    const part = await get({ range });
    t.equal(part.status, 206, range);
    t.equal(part.headers.get('content-range'), `bytes ${start}-${end - 1}/${bytes.length}`);
    t.equal(part.bytes.equals(bytes.subarray(start, end)), true, range);
  }
  t.equal((await get({ range: 'bytes=0-9', 'if-range': etag })).status, 206);
  t.equal((await get({ range: 'bytes=0-9', 'if-range': '"other"' })).status, 200);
  for (const range of ['bytes=9-1', 'lines=1-2', 'bytes=0-1,5-6', 'bytes=-', 'bytes=a-b']) {
    t.equal((await get({ range })).status, 200, range);
  }
  const outside = await get({ range: `bytes=${bytes.length}-` });
  t.same([outside.status, outside.headers.get('content-range')], [416, `bytes */${bytes.length}`]);
  t.equal((await get({ 'if-none-match': `W/"x", ${etag}` })).status, 304);
  const raw = await fetch(`${url}/v1/versions/${file.version}/blocks`, {
    headers: { authorization: `Bearer ${api.token}` },
  });
  t.equal(Buffer.from(await raw.arrayBuffer()).equals(contentOf(bytes).digests), true);
});

t.test('an empty file is content, too', async (t) => {
  const { url, login } = await startTestCloud(t);
  const api = new Api(url, await login());
  const file = await api.store(await api.space('sync'), 'f', Buffer.alloc(0));
  t.equal((await api.content(file.version ?? '')).length, 0);
  const answer = await api.call('GET', `/v1/versions/${file.version}/content`, undefined, { range: 'bytes=0-0' });
  t.equal(answer.status, 416);
  t.match(await api.call('POST', '/v1/blocks/read', { blocks: [{ version: file.version, index: 0 }] }), {
    status: 400,
  });
});

t.test('readers at different speeds, and such that leave, get their own bytes', async (t) => {
  const { url, login } = await startTestCloud(t);
  const api = new Api(url, await login());
  const sync = await api.space('sync');
  const files = await Promise.all(
    Array.from({ length: 4 }, async (_, i) => {
      const bytes = noise(6 * BLOCK_SIZE + 1000 * i);
      return { bytes, version: (await api.store(sync, `f${i}`, bytes)).version ?? '' };
    }),
  );
  const read = async (turn: number): Promise<void> => {
    const { bytes, version } = files[turn % files.length] as (typeof files)[number];
    const headers = { authorization: `Bearer ${api.token}` };
    const answer = await fetch(`${url}/v1/versions/${version}/content`, { headers });
    const hash = createHash('sha256');
    let count = 0;
    for await (const chunk of answer.body as AsyncIterable<Uint8Array>) {
      hash.update(chunk);
      count += chunk.length;
      // To end the loop cancels the response.
      if (turn % 5 === 4 && count > BLOCK_SIZE) return;
      if (turn % 3 === 0) await setTimeout(1);
    }
    t.equal(hash.digest('hex'), createHash('sha256').update(bytes).digest('hex'));
  };
  for (let round = 0; round < 3; round++) await Promise.all(Array.from({ length: 12 }, (_, i) => read(round + i)));
});

t.test('an older version becomes the newest again, under its id', async (t) => {
  const { url, login } = await startTestCloud(t);
  const api = new Api(url, await login());
  const sync = await api.space('sync');
  const first = noise(10);
  const made = await api.store(sync, 'f', first);
  const second = await api.store(sync, 'f', noise(20), { node: made.id, base: made.version });
  const path = `/v1/nodes/${made.id}/versions`;
  const restored = await api.call('POST', `${path}/${made.version}/restore`);
  t.match(restored, { status: 200, body: { version: made.version, size: 10, rev: second.rev + 1 } });
  const { versions } = (await api.call('GET', path)).body as { versions: VersionRecord[] };
  t.match(versions, [
    { id: made.version, current: true },
    { id: second.version, current: false },
  ]);
  t.equal((await api.content(made.version ?? '')).equals(first), true);
  t.match((await api.call('GET', '/v1/usage')).body, { used: 30, spaces: { sync: 10 } });
  t.match(await api.call('POST', `${path}/unknown/restore`), { status: 404 });
});

t.test('content beyond the quota is refused, stored blocks count only once', async (t) => {
  const { url, login, cloud, email } = await startTestCloud(t, { quota: 1000 });
  const api = new Api(url, await login());
  const sync = await api.space('sync');
  const bytes = noise(600);
  const file = await api.store(sync, 'f', bytes);
  t.equal(
    (await api.done(put({ space: sync.id, parent: sync.root, name: 'g' }, { from: file.version ?? '' }))).size,
    600,
  );
  t.match(await api.upload(noise(500)), { status: 507, body: { code: 'quota_exceeded' } });
  const [a, b] = [noise(300), noise(300)];
  for (const bytes of [a, b])
    t.equal((await api.upload(bytes)).status, 200, 'blocks that no file has yet do not count');
  await api.done(put({ space: sync.id, parent: sync.root, name: 'a' }, contentOf(a).wire));
  const late = put({ space: sync.id, parent: sync.root, name: 'b' }, contentOf(b).wire);
  t.equal(await api.refused(late), 'quota_exceeded');
  t.match((await api.call('GET', '/v1/usage')).body, { quota: 1000, used: 900, spaces: { sync: 1500 } });
  await cloud.accounts.setQuota(email, 2000);
  t.equal((await api.done(late)).size, 300, 'the same intent succeeds when the quota has room');
});
