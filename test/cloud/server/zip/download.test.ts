import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { BLOCK_SIZE } from '../../../../src/vfs/block.ts';
import type { NodeRecord, SpaceRecord } from '../../../../src/cloud/records.ts';
import { Api } from '../../../helpers/cloud-api.ts';
import { login as loginAs, startTestCloud, type TestCloud } from '../../../helpers/cloud.ts';
import { contentOf, mkdir, noise, put, remove, symlink } from '../../../helpers/intents.ts';
import { temporary } from '../../../helpers/temporary.ts';

t.setTimeout(500_000);

interface Rig extends TestCloud {
  readonly api: Api;
  readonly sync: SpaceRecord;
}

async function rig(t: Test): Promise<Rig> {
  const cloud = await startTestCloud(t);
  const api = new Api(cloud.url, await cloud.login());
  return { ...cloud, api, sync: await api.space('sync') };
}

async function folder({ api, sync }: Rig, name: string, parent = sync.root): Promise<NodeRecord> {
  return await api.done(mkdir({ space: sync.id, parent, name }));
}

async function file({ api, sync }: Rig, parent: string, name: string, bytes: Buffer): Promise<NodeRecord> {
  await api.upload(bytes);
  return await api.done(put({ space: sync.id, parent, name }, contentOf(bytes).wire));
}

/** The response to a request for an archive, of which nothing is read yet. */
async function ask(api: Api, ...nodes: string[]): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${api.token}` };
    request(`${api.url}/v1/zip?nodes=${nodes.join(',')}`, { headers }, resolve)
      .on('error', reject)
      .end();
  });
}

async function read(answer: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  answer.on('error', () => undefined);
  answer.on('data', (part: Buffer) => parts.push(part));
  await new Promise((resolve) => answer.on('close', resolve));
  return Buffer.concat(parts);
}

/** Tests an archive with Info-ZIP's unzip and resolves to the folder with its content. */
async function extracted(t: Test, answer: IncomingMessage): Promise<string> {
  const bytes = await read(answer);
  t.equal(answer.complete, true);
  const out = temporary(t);
  const archive = join(temporary(t), 'a.zip');
  writeFileSync(archive, bytes);
  const env = { ...process.env, LC_ALL: 'C.UTF-8' };
  execFileSync('unzip', ['-tqq', archive], { env });
  execFileSync('unzip', ['-qq', archive, '-d', out], { env });
  return out;
}

function listing(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
}

t.test('a folder with everything below it, also what is shared in it', async (t) => {
  const world = await rig(t);
  const { api, sync } = world;
  const top = await folder(world, 'Reise – 雪');
  const inner = await folder(world, 'inner', top.id);
  const team = await folder(world, 'team', top.id);
  const large = noise(3 * BLOCK_SIZE + 5);
  await file(world, top.id, 'large', large);
  await file(world, inner.id, 'empty', Buffer.alloc(0));
  await file(world, team.id, 'plan', Buffer.from('shared'));
  await api.done(symlink({ space: sync.id, parent: top.id, name: 'down' }, 'inner/empty'));
  await api.done(symlink({ space: sync.id, parent: top.id, name: 'out' }, '/etc/passwd'));
  await api.call('POST', '/v1/shares', { node: team.id, email: 'bob@example.org', role: 'viewer' });
  const answer = await ask(api, top.id);
  t.match(answer.headers, {
    'content-type': 'application/zip',
    'content-disposition': "attachment; filename*=UTF-8''Reise%20%E2%80%93%20%E9%9B%AA.zip",
    'x-content-type-options': 'nosniff',
  });
  const out = join(await extracted(t, answer), 'Reise – 雪');
  t.same(listing(out), ['down', 'inner', 'inner/empty', 'large', 'out', 'team', 'team/plan']);
  t.ok(readFileSync(join(out, 'large')).equals(large));
  t.equal(readFileSync(join(out, 'team/plan'), 'utf8'), 'shared');
  t.equal(readFileSync(join(out, 'out'), 'utf8'), '/etc/passwd', 'as text, not as a link');
});

t.test('a selection, of equal names too, and a whole space', async (t) => {
  const world = await rig(t);
  const { api, sync } = world;
  const [a, b] = [await folder(world, 'a'), await folder(world, 'b')];
  const [one, two] = [
    await file(world, a.id, 'x.txt', Buffer.from('1')),
    await file(world, b.id, 'x.txt', Buffer.from('2')),
  ];
  const answer = await ask(api, one.id, two.id);
  t.match(answer.headers, { 'content-disposition': "attachment; filename*=UTF-8''a.zip" });
  const out = await extracted(t, answer);
  t.same(listing(out), ['x (2).txt', 'x.txt']);
  t.same(listing(await extracted(t, await ask(api, sync.root))), ['a', 'a/x.txt', 'b', 'b/x.txt']);
});

t.test('names that would lead out of the folder, or be other ones', async (t) => {
  const world = await rig(t);
  const top = await folder(world, 'top');
  for (const name of ['..\\evil', '.._evil', 'C:evil', '.. ', 'line\nbreak', 'line_break', 'line_break (2)']) {
    await file(world, top.id, name, Buffer.from(name));
  }
  const out = join(await extracted(t, await ask(world.api, top.id)), 'top');
  t.same(listing(out), ['. (2)._evil', '.._evil', 'C_evil', '___', 'line_break', 'line_break (2)', 'line_break (3)']);
  t.equal(readFileSync(join(out, '. (2)._evil'), 'utf8'), '..\\evil');
  t.equal(readFileSync(join(out, 'line_break (3)'), 'utf8'), 'line\nbreak');
});

t.test('what changes meanwhile is as it is when its turn comes; at the pace of the client', async (t) => {
  const world = await rig(t);
  const { api, sync } = world;
  const top = await folder(world, 'top');
  const [large, late] = [noise(24 * BLOCK_SIZE), noise(100)];
  for (let at = 0; at < large.length; at += 8 * BLOCK_SIZE) await api.upload(large.subarray(at, at + 8 * BLOCK_SIZE));
  await api.done(put({ space: sync.id, parent: top.id, name: '1' }, contentOf(large).wire));
  const changed = await file(world, top.id, '2', Buffer.from('old'));
  const removed = await file(world, top.id, '3', Buffer.from('removed'));
  const moved = await folder(world, '4', top.id);
  await file(world, moved.id, 'secret', Buffer.from('moved'));
  await file(world, top.id, '5', Buffer.from('last'));
  const answer = await ask(api, top.id);
  // The first file is larger than what the connection takes without a reader.
  await api.upload(late);
  await api.done(
    put({ space: sync.id, parent: top.id, name: '2' }, contentOf(late).wire, {
      node: changed.id,
      base: changed.version,
    }),
  );
  await api.done(remove(sync.id, removed.id, removed.version, 1000));
  await api.done({
    op: 'move',
    id: crypto.randomUUID(),
    space: sync.id,
    node: moved.id,
    parent: sync.root,
    name: 'away',
    from: { parent: top.id, name: '4' },
  });
  const out = join(await extracted(t, answer), 'top');
  t.same(listing(out), ['1', '2', '5']);
  t.ok(readFileSync(join(out, '1')).equals(large));
  t.ok(readFileSync(join(out, '2')).equals(late));
});

t.test('a damaged block breaks the connection', async (t) => {
  const world = await rig(t);
  const top = await folder(world, 'top');
  const bytes = noise(2 * BLOCK_SIZE);
  await file(world, top.id, 'a', Buffer.from('fine'));
  await file(world, top.id, 'b', bytes);
  const blocks = join(world.data, 'blocks');
  const digest = contentOf(bytes).blocks[1]?.digest ?? '';
  const path = readdirSync(blocks, { recursive: true, encoding: 'utf8' }).find((name) => name.endsWith(digest));
  unlinkSync(join(blocks, path ?? ''));
  const answer = await ask(world.api, top.id);
  const got = await read(answer);
  t.equal(answer.statusCode, 200);
  t.equal(answer.complete, false, 'the client sees that it is not whole');
  t.equal(got.includes('PK\u0001\u0002'), false, 'there is no directory');
});

t.test('what is refused', async (t) => {
  const world = await rig(t);
  const { api, sync, cloud, url } = world;
  const top = await folder(world, 'top');
  const gone = await file(world, top.id, 'gone', Buffer.from('x'));
  await api.done(remove(sync.id, gone.id, gone.version, 1000));
  const get = async (by: Api, nodes: string) => (await by.call('GET', `/v1/zip${nodes}`)).status;
  t.equal(await get(api, ''), 400);
  t.equal(await get(api, '?nodes='), 400);
  t.equal(await get(api, `?nodes=${top.id},${sync.root}`), 400);
  t.equal(await get(api, `?nodes=${Array.from({ length: 301 }, (_, i) => i).join(',')}`), 400);
  t.equal(await get(api, `?nodes=${gone.id}`), 410);
  t.equal(await get(api, '?nodes=../../etc'), 404);
  await cloud.accounts.add('eve@example.org', 'long enough it is');
  const eve = new Api(url, await loginAs(url, 'eve@example.org', 'long enough it is'));
  for (const id of [top.id, sync.root, sync.id]) t.equal(await get(eve, `?nodes=${id}`), 404);
  t.equal(await get(eve, `?nodes=${(await eve.space('sync')).root},${top.id}`), 404);
  t.equal((await fetch(`${url}/v1/zip?nodes=${top.id}`)).status, 401);
});
