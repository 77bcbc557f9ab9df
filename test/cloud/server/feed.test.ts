import { once } from 'node:events';
import { request } from 'node:http';
import t from 'tap';
import type { Cursor, Intent, NodeRecord, Push } from '../../../src/cloud/records.ts';
import { Api } from '../../helpers/cloud-api.ts';
import { startTestCloud } from '../../helpers/cloud.ts';
import { mkdir, remove } from '../../helpers/intents.ts';

async function* lines(api: Api, path: string): AsyncGenerator<NodeRecord | Cursor> {
  const answer = await fetch(api.url + path, { headers: { authorization: `Bearer ${api.token}` } });
  let rest = '';
  for await (const chunk of answer.body ?? []) {
    const parts = (rest + Buffer.from(chunk).toString()).split('\n');
    rest = parts.pop() ?? '';
    for (const part of parts) yield JSON.parse(part) as NodeRecord | Cursor;
  }
}

t.setTimeout(500_000);

t.test('20,000 nodes are sent in one stream, and a reader that stops does not block others', async (t) => {
  const { url, login } = await startTestCloud(t);
  const api = new Api(url, await login());
  const { id: space, root } = await api.space('sync');
  const folders = Array.from({ length: 100 }, (_, index) => mkdir({ space, parent: root, name: `${index}` }));
  await api.commit(...folders);
  for (let batch = 0; batch < 40; batch += 1) {
    const intents: Intent[] = Array.from({ length: 500 }, (_, index) => {
      const parent = folders[(batch * 500 + index) % folders.length]?.node ?? root;
      return mkdir({ space, parent, name: `${batch}-${index}` });
    });
    await api.commit(...intents);
  }
  await api.commit(remove(space, folders[0]?.node ?? '', null, 100_000));

  const stalled = request(`${url}/v1/spaces/${space}/snapshot`, { headers: { authorization: `Bearer ${api.token}` } });
  stalled.end();
  const [response] = await once(stalled, 'response');
  response.pause();

  let nodes = 0;
  let cursor: Cursor | undefined;
  for await (const line of lines(api, `/v1/spaces/${space}/snapshot`)) {
    if ('cursor' in line) cursor = line;
    else nodes += 1;
  }
  t.equal(nodes, 20_100 - 201, 'all but the removed folder and the two hundred in it');
  t.match(cursor, { cursor: 20_101, more: false, stamp: String });
  t.match((await api.call('GET', `/v1/spaces/${space}/feed?since=20100`)).body, [
    { removed: true },
    { cursor: 20_101 },
  ]);
  let revision = 0;
  for await (const line of lines(api, `/v1/spaces/${space}/feed?since=0`)) {
    if ('cursor' in line) continue;
    if (line.rev <= revision) t.fail('revisions rise');
    revision = line.rev;
  }
  t.equal(revision, 20_101);
  stalled.destroy();
});

t.test('push reports a change once it can be read, and nothing about other accounts', async (t) => {
  const { url, login, cloud } = await startTestCloud(t);
  const [api, other] = [new Api(url, await login('a')), new Api(url, await login('b'))];
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const answer = await fetch(`${url}/v1/push`, {
    headers: { authorization: `Bearer ${api.token}` },
    signal: stop.signal,
  });
  t.match(answer.headers.get('content-type'), /^text\/event-stream/);
  const events = pushes(answer);
  t.same((await events.next()).value, { type: 'alive' }, 'at once');
  const sync = await api.space('sync');
  const { rev } = await other.done(mkdir({ space: sync.id, parent: sync.root, name: 'a' }));
  t.same(await moved(events), { type: 'space', space: sync.id, rev });
  t.match((await api.call('GET', `/v1/spaces/${sync.id}/feed?since=0`)).body, [{ name: 'a' }, { cursor: rev }]);
  await cloud.accounts.add('eve@example.org', 'long enough it is');
  const eve = new Api(url, await loginAs(url));
  const hers = await eve.space('sync');
  await eve.done(mkdir({ space: hers.id, parent: hers.root, name: 'secret' }));
  await other.call('POST', '/v1/spaces', { kind: 'backup', name: 'home' });
  t.same(await moved(events), { type: 'spaces' }, 'another account is not reported');
  t.same(await alive(events), { type: 'alive' }, 'and a sign of life is sent regularly');
  const { id } = (await api.call('GET', '/v1/device')).body;
  await other.call('DELETE', `/v1/devices/${id}`);
  t.equal(await ended(events), true, 'a revoked device gets no more events');
});

async function loginAs(url: string): Promise<string> {
  const device = { name: 'x', platform: 'y' };
  const answer = await new Api(url, '').call('POST', '/v1/login', {
    email: 'eve@example.org',
    password: 'long enough it is',
    device,
  });
  return answer.body.token;
}

async function* pushes(answer: Response): AsyncGenerator<Push> {
  let rest = '';
  for await (const chunk of answer.body ?? []) {
    const parts = (rest + Buffer.from(chunk).toString()).split('\n\n');
    rest = parts.pop() ?? '';
    for (const part of parts) yield JSON.parse(part.slice('data: '.length)) as Push;
  }
}

async function moved(events: AsyncGenerator<Push>): Promise<Push | undefined> {
  return await until(events, ({ type }) => type !== 'alive');
}

async function alive(events: AsyncGenerator<Push>): Promise<Push | undefined> {
  return await until(events, ({ type }) => type === 'alive');
}

async function until(events: AsyncGenerator<Push>, wanted: (event: Push) => boolean): Promise<Push | undefined> {
  for (;;) {
    const next = await events.next();
    if (next.done === true) return undefined;
    if (wanted(next.value)) return next.value;
  }
}

async function ended(events: AsyncGenerator<Push>): Promise<boolean> {
  return (await until(events, () => false)) === undefined;
}
