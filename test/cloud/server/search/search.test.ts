import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { v7 as newId } from 'uuid';
import type { SearchRecord } from '../../../../src/cloud/records.ts';
import { startCloud } from '../../../../src/cloud/server/service.ts';
import { Api } from '../../../helpers/cloud-api.ts';
import { login, startTestCloud } from '../../../helpers/cloud.ts';
import { mkdir, remove } from '../../../helpers/intents.ts';
import { temporary } from '../../../helpers/temporary.ts';

async function start(t: Test) {
  const cloud = await startTestCloud(t);
  const api = new Api(cloud.url, await cloud.login());
  const sync = await api.space('sync');
  const make = async (name: string, parent = sync.root) => api.done(mkdir({ space: sync.id, parent, name }));
  return { cloud, api, sync, make };
}

async function search(api: Api, query: string): Promise<SearchRecord> {
  const { status, body } = await api.call('GET', `/v1/search?q=${encodeURIComponent(query)}`);
  if (status !== 200) throw new Error(`search: ${status} ${JSON.stringify(body)}`);
  return body as SearchRecord;
}

async function names(api: Api, query: string): Promise<string[]> {
  return (await search(api, query)).results.map(({ node }) => node.name);
}

t.test('any part of a name, in any case, all words, beginnings first', async (t) => {
  const { api, make } = await start(t);
  for (const name of [
    'my report 2024.txt',
    'Report of May.txt',
    'REPORTS',
    'Grüße.txt',
    '照片',
    'a%b_c',
    'say "hello" now',
  ]) {
    await make(name);
  }
  t.same((await names(api, 'report')).slice(0, 2).sort(), ['REPORTS', 'Report of May.txt']);
  t.equal((await names(api, 'report')).length, 3);
  t.same(await names(api, 'may report'), ['Report of May.txt'], 'words in any order');
  t.same(await names(api, 'port 2024'), ['my report 2024.txt']);
  t.same(await names(api, 'grusse'), [], 'ß stays ß');
  t.same(await names(api, 'grüß'), ['Grüße.txt']);
  t.same(await names(api, 'GRUß'), ['Grüße.txt'], 'without accents');
  t.same(await names(api, '照片'), ['照片'], 'two characters');
  t.same(await names(api, 'of report'), ['Report of May.txt'], 'a short word beside a long one');
  t.same(await names(api, '%b'), ['a%b_c'], 'what is a sign of patterns elsewhere');
  t.same(await names(api, 'b_'), ['a%b_c']);
  t.same(await names(api, '"hello"'), ['say "hello" now']);
  t.same(await names(api, 'AND OR NOT'), []);
  t.same(await names(api, '^*(:'), []);
});

t.test('follows renames, moves and removals', async (t) => {
  const { api, sync, make } = await start(t);
  const folder = await make('invoices');
  const node = await make('draft-one', folder.id);
  t.same(await names(api, 'draft'), ['draft-one']);
  const [found] = (await search(api, 'draft')).results;
  t.same(
    found?.path.map(({ name }) => name),
    ['invoices', 'draft-one'],
  );
  t.equal(found?.space, sync.id);
  const to = { space: sync.id, parent: sync.root, name: 'final-one' };
  await api.done({ op: 'move', id: newId(), node: node.id, ...to, from: { parent: folder.id, name: node.name } });
  t.same(await names(api, 'draft'), []);
  t.same(await names(api, 'final'), ['final-one']);
  const inner = await make('inside of it', folder.id);
  t.same(await names(api, 'inside'), ['inside of it']);
  await api.done(remove(sync.id, folder.id, null, (await api.space('sync')).rev));
  t.same(await names(api, 'inside'), [], 'below a removed folder');
  t.same(await names(api, 'invoices'), []);
  t.ok(inner.id);
});

t.test('nothing of other accounts is found', async (t) => {
  const { cloud, api, make } = await start(t);
  await make('secret plan');
  t.equal((await names(api, 'secret')).length, 1);
  await cloud.cloud.accounts.add('eve@example.org', 'another password');
  const eve = new Api(cloud.url, await login(cloud.url, 'eve@example.org', 'another password'));
  t.same(await names(eve, 'secret'), []);
  t.same(await names(eve, 'pl'), [], 'nor by a short word');
});

t.test('bad queries', async (t) => {
  const { api } = await start(t);
  for (const query of ['', '%20', 'x'.repeat(256)]) {
    t.equal((await api.call('GET', `/v1/search?q=${query}`)).status, 400, query);
  }
  t.equal((await api.call('GET', '/v1/search')).status, 400);
  t.same(await names(api, 'a\0b'), []);
});

t.test('more names than one step takes in', async (t) => {
  const { api, sync } = await start(t);
  for (let at = 0; at < 1500; at += 500) {
    const batch = Array.from({ length: 500 }, (_, i) =>
      mkdir({ space: sync.id, parent: sync.root, name: `photo ${at + i}` }),
    );
    await api.commit(...batch);
  }
  let found = await search(api, 'photo 1499');
  while (!found.complete) found = await search(api, 'photo 1499');
  t.same(
    found.results.map(({ node }) => node.name),
    ['photo 1499'],
  );
  t.equal((await names(api, 'photo')).length, 100, 'so many at most');
  t.equal((await names(api, 'ph')).length, 100);
});

t.test('an index that is damaged or lost is made again, and one of a later history is, too', async (t) => {
  const data = temporary(t);
  const open = async () => startCloud({ host: '127.0.0.1', port: 0, data });
  let cloud = await open();
  await cloud.accounts.add('ada@example.org', 'correct horse battery');
  const enter = async () => {
    const api = new Api(cloud.url, await login(cloud.url, 'ada@example.org', 'correct horse battery'));
    return { api, sync: await api.space('sync') };
  };
  let { api, sync } = await enter();
  await api.done(mkdir({ space: sync.id, parent: sync.root, name: 'before' }));
  t.same(await names(api, 'before'), ['before']);
  await cloud.close();
  const file = join(data, 'names.sqlite');
  t.ok(existsSync(file));
  writeFileSync(file, 'no database at all'.repeat(1000));
  const meta = join(data, 'meta.db');
  const older = readFileSync(meta);

  cloud = await open();
  ({ api, sync } = await enter());
  t.same(await names(api, 'before'), ['before'], 'damaged');
  await api.done(mkdir({ space: sync.id, parent: sync.root, name: 'lost' }));
  t.same(await names(api, 'lost'), ['lost']);
  await cloud.close();
  writeFileSync(meta, older);

  cloud = await open();
  t.teardown(async () => cloud.close());
  ({ api, sync } = await enter());
  await api.done(mkdir({ space: sync.id, parent: sync.root, name: 'after' }));
  t.same(await names(api, 'after'), ['after'], 'the cloud went back in time');
  t.same(await names(api, 'lost'), []);
});
