import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import type { LinkRecord, NodeRecord, SpaceRecord } from '../../../../src/cloud/records.ts';
import { BLOCK_SIZE } from '../../../../src/vfs/block.ts';
import { Api } from '../../../helpers/cloud-api.ts';
import { startTestCloud, type TestCloud } from '../../../helpers/cloud.ts';
import { contentOf, mkdir, noise, put, symlink } from '../../../helpers/intents.ts';
import { temporary } from '../../../helpers/temporary.ts';

t.setTimeout(500_000);

// The service runs in this process, and must not wait for the program.
const run = promisify(execFile);

interface Rig extends TestCloud {
  readonly api: Api;
  readonly sync: SpaceRecord;
  readonly top: NodeRecord;
  readonly link: (body?: object) => Promise<LinkRecord & { readonly address: string }>;
  readonly store: (parent: string, name: string, bytes: Buffer) => Promise<NodeRecord>;
  readonly names: (folder: string) => Promise<string[]>;
}

async function rig(t: Test, options: { now?: () => number } = {}): Promise<Rig> {
  const cloud = await startTestCloud(t, options);
  const api = new Api(cloud.url, await cloud.login());
  const sync = await api.space('sync');
  const top = await api.done(mkdir({ space: sync.id, parent: sync.root, name: 'Holidays' }));
  return {
    ...cloud,
    api,
    sync,
    top,
    link: async (body = { node: top.id }) => {
      const made: LinkRecord = (await api.call('POST', '/v1/links', body)).body;
      return { ...made, address: `${cloud.url}/l/${made.token}` };
    },
    store: async (parent, name, bytes) => {
      await api.upload(bytes);
      return await api.done(put({ space: sync.id, parent, name }, contentOf(bytes).wire));
    },
    names: async (folder) =>
      (await api.call('GET', `/v1/nodes/${folder}/children`)).body.map(({ name }: NodeRecord) => name),
  };
}

async function get(address: string, headers: Record<string, string> = {}) {
  const answer = await fetch(address, { headers, redirect: 'manual' });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

t.test('a file is a download, in ranges too, that nothing runs', async (t) => {
  const { top, link, store } = await rig(t);
  const bytes = noise(BLOCK_SIZE + 100);
  await store(top.id, 'other', noise(10));
  const file = await store(top.id, 'seite 雪.html', bytes);
  const { address } = await link({ node: file.id });
  const answer = await fetch(address, { headers: { range: 'bytes=10-19' } });
  t.equal(answer.status, 206);
  t.ok(Buffer.from(await answer.arrayBuffer()).equals(bytes.subarray(10, 20)));
  const expected = {
    'content-disposition': "attachment; filename*=UTF-8''seite%20%E9%9B%AA.html",
    'content-type': 'application/octet-stream',
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
    'x-robots-tag': 'noindex, nofollow',
    'referrer-policy': 'no-referrer',
    'content-range': `bytes 10-19/${bytes.length}`,
  };
  for (const [name, value] of Object.entries(expected)) t.equal(answer.headers.get(name), value, name);
  const head = await fetch(address, { method: 'HEAD' });
  t.equal(head.headers.get('content-length'), String(bytes.length));
  t.equal((await fetch(address, { headers: { range: `bytes=${bytes.length}-` } })).status, 416);
  const out = join(temporary(t), 'out');
  await run('curl', ['-sf', '-C', '-', '-o', out, address]);
  t.equal((await get(`${address}/zip`)).status, 404, 'a file is no folder');
  t.equal((await get(`${address}/n/${file.id}`)).status, 404);
});

t.test('a download ends with its link', async (t) => {
  let time = Date.now();
  const { api, sync, top, link, store } = await rig(t, { now: () => time });
  const block = noise(BLOCK_SIZE);
  await store(top.id, 'block', block);
  // Far more than the buffers of a connection.
  const parts = 64;
  const large = Buffer.concat(Array.from({ length: parts }, () => block));
  await api.done(put({ space: sync.id, parent: top.id, name: 'large' }, contentOf(large).wire));
  for (const [name, path] of [
    ['file', ''],
    ['archive', '/zip'],
  ] as const) {
    const node = name === 'file' ? await nodeOf(api, top.id, 'large') : top.id;
    const { id, address } = await link({ node });
    const { body } = await fetch(address + path);
    const reader = body?.getReader();
    await reader?.read();
    t.equal((await api.call('DELETE', `/v1/links/${id}`)).status, 204);
    time += 2000;
    const rest = async () => {
      while ((await reader?.read())?.done === false);
    };
    await t.rejects(rest(), { message: 'terminated' }, name);
  }
});

async function nodeOf(api: Api, folder: string, wanted: string): Promise<string> {
  const nodes: NodeRecord[] = (await api.call('GET', `/v1/nodes/${folder}/children`)).body;
  return nodes.find(({ name }) => name === wanted)?.id ?? '';
}

t.test('a folder is a page without script, in which names are text', async (t) => {
  const { api, sync, top, link, store } = await rig(t);
  const inner = await api.done(mkdir({ space: sync.id, parent: top.id, name: 'inner' }));
  const shared = await api.done(mkdir({ space: sync.id, parent: top.id, name: 'team' }));
  const outside = await store(sync.root, 'outside', noise(10));
  const secret = await store(shared.id, 'secret', noise(10));
  await api.done(symlink({ space: sync.id, parent: top.id, name: 'link' }, 'inner'));
  const evil = '<img src=x onerror=alert(1)>&"\'\u202Egpj.exe';
  const file = await store(inner.id, evil, Buffer.from('<script>alert(1)</script>'));
  await api.call('POST', '/v1/shares', { node: shared.id, email: 'bob@example.org', role: 'viewer' });
  const { address } = await link();
  const page = await get(address);
  t.equal(page.status, 200);
  t.match(page.headers.get('content-security-policy'), /^default-src 'none'; style-src 'self'; form-action 'self'/);
  t.equal(page.headers.get('cache-control'), 'private, no-store');
  t.match(page.text, /<bdi>inner<\/bdi>/);
  t.notMatch(page.text, /<script|team|secret|>link</, 'neither what is shared with others nor symlinks');
  const below = await get(`${address}/n/${inner.id}`);
  t.match(below.text, '&lt;img src=x onerror=alert(1)&gt;&amp;&quot;&#39;\u{FFFD}gpj.exe');
  t.match(below.text, `href="/l/${address.slice(-22)}"`, 'the way up');
  const content = await get(`${address}/n/${file.id}`, { accept: 'text/html' });
  t.match(content.headers.get('content-disposition'), /^attachment/);
  t.equal(content.headers.get('content-security-policy'), "default-src 'none'; sandbox");
  for (const id of [outside.id, secret.id, shared.id, sync.root, sync.id, top.parent, '..%2f', '%252e%252e', 'x']) {
    t.equal((await get(`${address}/n/${id}`)).status, 404, id);
    t.equal((await get(`${address}/n/${id}/zip`)).status, 404, id);
  }
  const archive = join(temporary(t), 'a.zip');
  writeFileSync(archive, Buffer.from(await (await fetch(`${address}/zip`)).arrayBuffer()));
  const listed = await run('unzip', ['-Z1', archive], { env: { ...process.env, LC_ALL: 'C.UTF-8' } });
  t.same(listed.stdout.trim().split('\n').sort(), ['inner/', `inner/${evil.replace('\u202E', '_')}`, 'link']);
  const gone = await get(`${address}x`, { accept: 'text/html' });
  t.match(gone.text, /<h1>Nothing here/);
  t.equal(gone.status, 404);
});

t.test('a password opens a link to the browser that has given it, and guesses are limited', async (t) => {
  const { top, link, store, url } = await rig(t);
  const file = await store(top.id, 'f', Buffer.from('secret'));
  const { address, token } = await link({ node: top.id, password: 'open sesame' });
  const other = await link({ node: file.id, password: 'open sesame' });
  for (const path of ['', `/n/${file.id}`, '/zip', `/n/${top.id}/zip`]) {
    const answer = await get(address + path);
    t.equal(answer.status, 403, path);
    t.notMatch(answer.text, /secret|Holidays|PK/);
  }
  const unlock = async (password: string) =>
    await fetch(`${address}/unlock`, { method: 'POST', body: new URLSearchParams({ password }), redirect: 'manual' });
  const wrong = await unlock('open');
  t.equal(wrong.status, 403);
  t.match(await wrong.text(), /The password is wrong/);
  const right = await unlock('open sesame');
  t.same([right.status, right.headers.get('location')], [303, `/l/${token}`]);
  const set = right.headers.get('set-cookie') ?? '';
  t.match(set, new RegExp(`; Path=/l/${token}; Max-Age=43200; HttpOnly; SameSite=Lax$`));
  const [cookie = ''] = set.split(';');
  t.match(await get(`${address}/n/${file.id}`, { cookie }), { status: 200, text: 'secret' });
  const forged = cookie.replace(/=\d+/, `=${Date.now() + 9e9}`);
  for (const bad of [forged, `${cookie}x`, cookie.replace(/\..*/, '.'), cookie.replace(/=.*/, '=9e99.x')]) {
    t.equal((await get(address, { cookie: bad })).status, 403, bad);
  }
  const foreign = cookie.replace(
    /^[^=]*/,
    (await fetch(`${other.address}/unlock`, { method: 'POST' })).status.toString(),
  );
  t.equal((await get(other.address, { cookie: foreign })).status, 403);
  const basic = (password: string) => ({ authorization: `Basic ${Buffer.from(`:${password}`).toString('base64')}` });
  t.match(await get(other.address, basic('open sesame')), { status: 200, text: 'secret' });
  const guesses = await Promise.all(Array.from({ length: 14 }, async () => (await get(address, basic('no'))).status));
  t.ok(guesses.includes(429), guesses.join(' '));
  t.equal(guesses.filter((status) => status === 403).length <= 10, true);
  t.equal((await unlock('open sesame')).status, 429, 'also with the right one, for a while');
  t.equal((await get(address, { cookie })).status, 200, 'who is in stays in');
  t.equal((await fetch(`${url}/l/${token}/x`, { method: 'PUT', body: 'x' })).status, 403);
});

t.test('a form brings files, of any name, which are put beside what is there', async (t) => {
  const { top, link, store, names, api } = await rig(t);
  await store(top.id, 'Füße.txt', Buffer.from('mine'));
  const { address, token } = await link({ node: top.id, upload: true });
  const form = new FormData();
  const large = noise(3 * BLOCK_SIZE + 7);
  form.append('files', new File([large], 'Füße.txt'));
  form.append('files', new File([], 'empty'));
  form.append('files', new File(['x'], '../../C:\\fakepath\\<b>\u202E.txt'));
  form.append('files', new File([], ''));
  const answer = await fetch(`${address}/files`, { method: 'POST', body: form, redirect: 'manual' });
  t.same([answer.status, answer.headers.get('location')], [303, `/l/${token}?received=3`]);
  t.same((await names(top.id)).toSorted(), ['<b>_.txt', 'Füße (2).txt', 'Füße.txt', 'empty']);
  const nodes: NodeRecord[] = (await api.call('GET', `/v1/nodes/${top.id}/children`)).body;
  const stored = nodes.find(({ name }) => name === 'Füße (2).txt');
  t.ok((await api.content(stored?.version ?? '')).equals(large));
  t.match((await get(`${address}?received=3`)).text, /3 files were received/);
  const file = join(temporary(t), 'from curl.txt');
  writeFileSync(file, 'hello');
  await run('curl', ['-sf', '-T', file, `${address}/`]);
  t.ok((await names(top.id)).includes('from curl.txt'));
  const bad = { method: 'POST', body: 'x' };
  t.equal((await fetch(`${address}/files`, bad)).status, 400, 'no form');
  const cut = { ...bad, headers: { 'content-type': 'multipart/form-data; boundary=b' } };
  t.equal((await fetch(`${address}/files`, { ...cut, body: '--b\r\nContent-Dispo' })).status, 400, 'half a form');
  t.equal((await names(top.id)).length, 5);
  t.equal((await fetch(`${(await link()).address}/files`, { method: 'POST', body: form })).status, 403);
});

t.test('an upload that breaks off, or whose link is removed meanwhile, leaves nothing', async (t) => {
  const { api, top, link, names, url } = await rig(t);
  const made = await link({ node: top.id, upload: true });
  const begin = () => {
    const options = { method: 'PUT', headers: { 'content-length': String(2 * BLOCK_SIZE) } };
    const ask = request(`${url}/l/${made.token}/f`, options);
    const status = new Promise<number>((resolve) => {
      ask.on('response', (answer) => resolve(answer.resume().statusCode ?? 0));
      ask.on('error', () => resolve(0));
    });
    ask.write(noise(BLOCK_SIZE));
    return { ask, status };
  };
  const broken = begin();
  await setTimeout(100);
  broken.ask.destroy();
  t.equal(await broken.status, 0);
  const others = Array.from({ length: 4 }, begin);
  await setTimeout(100);
  t.equal(await begin().status, 503, 'a link takes four files at a time');
  await api.call('DELETE', `/v1/links/${made.id}`);
  for (const { ask } of others) ask.end(noise(BLOCK_SIZE));
  for (const { status } of others) t.equal(await status, 404);
  t.same(await names(top.id), []);
});

t.test('a visitor is limited, and reaches links by TLS or on this computer only', async (t) => {
  const { link, url, api } = await rig(t);
  const { address, token } = await link();
  const rebound = await new Promise((resolve) => {
    request(`${url}/l/${token}`, { headers: { host: 'evil.example' } }, (answer) =>
      resolve(answer.resume().statusCode),
    ).end();
  });
  t.equal(rebound, 403);
  const many = await Promise.all(Array.from({ length: 610 }, async () => (await get(`${address}x`)).status));
  t.ok(many.includes(429));
  const limited = await fetch(address, { headers: { accept: 'text/html' } });
  t.equal(limited.status, 429);
  t.match(limited.headers.get('retry-after'), /^\d+$/);
  t.equal((await api.call('GET', '/v1/links')).status, 200, 'the API is not');
});
