import { mkdirSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import t from 'tap';
import { SESSION_IDLE } from '../../../src/cloud/server/meta/devices.ts';
import { Api } from '../../helpers/cloud-api.ts';
import { login, startTestCloud, type TestCloud } from '../../helpers/cloud.ts';
import { mkdir, put } from '../../helpers/intents.ts';
import { temporary } from '../../helpers/temporary.ts';

const password = 'correct horse battery';

/** A call as a browser makes it: fetch would not let the test choose these headers. */
async function call(
  url: string,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: object,
): Promise<{ status: number; headers: IncomingMessage['headers']; body: string }> {
  return await new Promise((resolve, reject) => {
    const json = body === undefined ? {} : { 'content-type': 'application/json' };
    const request = httpRequest(url + path, { method, headers: { ...json, ...headers } }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      );
    });
    request.on('error', reject);
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

async function signIn({ url, email }: TestCloud, headers: Record<string, string> = {}) {
  const body = { email, password, name: 'Firefox, Linux' };
  return await call(url, 'POST', '/v1/session', { origin: url, ...headers }, body);
}

function cookieOf({ headers }: { headers: IncomingMessage['headers'] }): string {
  return headers['set-cookie']?.[0]?.split(';')[0] ?? '';
}

t.test('a session is a cookie that no script and no other site can use', async (t) => {
  const cloud = await startTestCloud(t);
  const { url } = cloud;
  const answer = await signIn(cloud);
  t.equal(answer.status, 200);
  const port = new URL(url).port;
  t.match(
    answer.headers['set-cookie'],
    [new RegExp(`^fjord-${port}=fjord_[\\w-]{43}; Path=/; Max-Age=2592000; HttpOnly; SameSite=Strict$`)],
    'without Secure on loopback',
  );
  t.notMatch(answer.body, 'fjord_', 'the token is in the cookie alone');
  const cookie = cookieOf(answer);
  const session = await call(url, 'GET', '/v1/session', { cookie });
  t.match(JSON.parse(session.body), { account: { email: cloud.email }, device: { platform: 'web', current: true } });
  t.equal(session.headers['cache-control'], 'no-store');

  const from = async (method: string, headers: Record<string, string>) =>
    (await call(url, method, '/v1/trash/none/restore', { cookie, ...headers })).status;
  t.equal(await from('POST', { origin: url }), 404, 'the app itself gets through');
  t.equal(await from('POST', { 'sec-fetch-site': 'same-origin' }), 404);
  t.equal(await from('POST', {}), 403, 'a change says where it comes from');
  t.equal(await from('POST', { origin: 'http://evil.example' }), 403);
  t.equal(
    await from('POST', { origin: `http://127.0.0.1:${Number(port) + 1}` }),
    403,
    'another port is another origin',
  );
  t.equal(await from('POST', { origin: 'null' }), 403, 'a sandboxed frame');
  t.equal(await from('POST', { origin: url, 'sec-fetch-site': 'same-site' }), 403);
  const read = async (headers: Record<string, string>) =>
    (await call(url, 'GET', '/v1/spaces', { cookie, ...headers })).status;
  t.equal(await read({}), 200);
  t.equal(await read({ 'sec-fetch-site': 'none' }), 200, 'an address that was typed');
  t.equal(await read({ 'sec-fetch-site': 'cross-site' }), 403);
  t.equal(await read({ 'sec-fetch-site': 'same-site' }), 403);
  t.equal(await read({ host: 'evil.example' }), 403, 'a name that was rebound to this computer');
  t.equal(await read({ host: 'localhost' }), 200);
});

t.test('signing in asks for the password, from the app alone, a few times', async (t) => {
  const cloud = await startTestCloud(t);
  const wrong = { email: cloud.email, password: 'not the password', name: 'x' };
  const attempt = async (headers: Record<string, string>, body: object) =>
    (await call(cloud.url, 'POST', '/v1/session', headers, body)).status;
  t.equal(await attempt({}, wrong), 403, 'a form of another site');
  t.equal(await attempt({ origin: 'http://evil.example' }, wrong), 403);
  t.equal((await signIn(cloud, { host: 'evil.example', origin: 'http://evil.example' })).status, 403, 'rebound');
  t.equal(
    (await signIn(cloud, { host: 'evil.example', origin: 'http://evil.example', 'x-forwarded-proto': 'https' })).status,
    403,
    'rebound, by a page that pretends to be a proxy',
  );
  for (let times = 0; times < 10; times++) t.equal(await attempt({ origin: cloud.url }, wrong), 401);
  t.equal(await attempt({ origin: cloud.url }, { ...wrong, password }), 429, 'the limit of failed attempts');
});

t.test('behind a proxy with TLS the cookie is Secure and of this host', async (t) => {
  const cloud = await startTestCloud(t);
  const proxied = { host: 'cloud.example', origin: 'https://cloud.example', 'x-forwarded-proto': 'https' };
  const answer = await signIn(cloud, proxied);
  t.match(answer.headers['set-cookie'], [/^__Host-fjord=fjord_.*; HttpOnly; SameSite=Strict; Secure$/]);
  const cookie = cookieOf(answer);
  t.equal((await call(cloud.url, 'GET', '/v1/session', { ...proxied, cookie })).status, 200);
  t.equal((await call(cloud.url, 'GET', '/v1/session', { cookie })).status, 401, 'never without TLS');
});

t.test('a session ends by signing out, by revocation, and by itself', async (t) => {
  let now = Date.now();
  const cloud = await startTestCloud(t, { now: () => now });
  const { url } = cloud;
  const status = async (cookie: string) => (await call(url, 'GET', '/v1/session', { cookie })).status;
  const first = cookieOf(await signIn(cloud));
  const second = cookieOf(await signIn(cloud));
  const out = await call(url, 'DELETE', '/v1/session', { cookie: first, origin: url });
  t.equal(out.status, 204);
  t.match(out.headers['set-cookie'], [/=; Path=\/; Max-Age=0/]);
  t.equal(await status(first), 401);
  t.equal(await status(second), 200);

  const api = new Api(url, await cloud.login('laptop'));
  const { devices } = (await api.call('GET', '/v1/devices')).body as { devices: { id: string; platform: string }[] };
  const session = devices.find(({ platform }) => platform === 'web');
  await api.call('DELETE', `/v1/devices/${session?.id}`);
  t.equal(await status(second), 401);

  const third = cookieOf(await signIn(cloud));
  now += SESSION_IDLE;
  t.equal(await status(third), 200, 'used in time');
  now += SESSION_IDLE + 1;
  t.equal(await status(third), 401);
  const left = (await api.call('GET', '/v1/devices')).body as { devices: { platform: string }[] };
  t.same(
    left.devices.map(({ platform }) => platform),
    ['linux'],
    'nor is it listed',
  );
});

t.test('a token of a device is no session', async (t) => {
  const cloud = await startTestCloud(t);
  const cookie = `fjord-${new URL(cloud.url).port}=${await cloud.login('laptop')}`;
  t.equal((await call(cloud.url, 'GET', '/v1/session', { cookie })).status, 401);
});

t.test('a session may do what a device may, in its own account', async (t) => {
  const cloud = await startTestCloud(t);
  const api = new Api(cloud.url, await cloud.login('laptop'));
  const sync = await api.space('sync');
  const backup = (await api.call('POST', '/v1/spaces', { kind: 'backup', name: 'home' })).body as {
    id: string;
    root: string;
  };
  const file = await api.store(sync, "it's (1).html", Buffer.from('<script>alert(1)</script>'));
  const cookie = cookieOf(await signIn(cloud));
  const commit = async (intent: object) =>
    JSON.parse(
      (await call(cloud.url, 'POST', '/v1/intents', { cookie, origin: cloud.url }, { intents: [intent] })).body,
    ) as object;
  t.match(await commit(mkdir({ space: sync.id, parent: sync.root, name: 'new' })), { results: [{ status: 'done' }] });
  t.match(await commit(mkdir({ space: backup.id, parent: backup.root, name: 'new' })), {
    results: [{ status: 'refused', code: 'forbidden' }],
  });
  const content = await call(cloud.url, 'GET', `/v1/versions/${file.version}/content`, { cookie });
  t.equal(content.body, '<script>alert(1)</script>');
  t.match(content.headers, {
    'content-type': 'application/octet-stream',
    'content-disposition': "attachment; filename*=UTF-8''it%27s%20%281%29.html",
    'content-security-policy': "default-src 'none'; sandbox",
    'x-content-type-options': 'nosniff',
    'cache-control': 'private, no-cache',
  });
  await cloud.cloud.accounts.add('eve@example.org', password);
  const eve = new Api(cloud.url, await login(cloud.url, 'eve@example.org', password));
  for (const path of [
    `nodes/${file.id}`,
    `nodes/${sync.root}`,
    `nodes/${sync.root}/children`,
    `versions/${file.version}/content`,
  ]) {
    t.equal((await eve.call('GET', `/v1/${path}`)).status, 404, path);
  }
});

t.test('a folder is listed by name, and a node knows its place', async (t) => {
  const cloud = await startTestCloud(t);
  const api = new Api(cloud.url, await cloud.login('laptop'));
  const sync = await api.space('sync');
  const folder = await api.done(mkdir({ space: sync.id, parent: sync.root, name: 'folder' }));
  const empty = { size: 0, blocks: '' };
  const names = Array.from({ length: 1203 }, (_, index) => `file ${String(index).padStart(4, '0')}`);
  for (let at = 0; at < names.length; at += 400) {
    const batch = names.slice(at, at + 400);
    await api.commit(...batch.map((name) => put({ space: sync.id, parent: folder.id, name }, empty)));
  }
  const inner = await api.done(mkdir({ space: sync.id, parent: folder.id, name: 'inner' }));
  const listing = await api.call('GET', `/v1/nodes/${folder.id}/children`);
  t.same(
    (listing.body as { name: string }[]).map(({ name }) => name),
    [...names, 'inner'],
  );
  t.equal(listing.headers.get('content-encoding'), 'gzip');
  t.match((await api.call('GET', `/v1/nodes/${inner.id}`)).body, {
    space: { id: sync.id, kind: 'sync' },
    node: { id: inner.id },
    path: [
      { id: folder.id, name: 'folder' },
      { id: inner.id, name: 'inner' },
    ],
  });
  t.match((await api.call('GET', `/v1/nodes/${sync.root}`)).body, { node: null, path: { length: 0 } });
  const [file] = listing.body as { id: string }[];
  t.equal((await api.call('GET', `/v1/nodes/${file?.id}/children`)).status, 409);
  await api.done({ op: 'remove', id: 'r', space: sync.id, node: folder.id, base: null, seen: 1e9 });
  t.equal((await api.call('GET', `/v1/nodes/${inner.id}`)).status, 410, 'a folder above it is in the Trash');
  t.equal((await api.call('GET', `/v1/nodes/${folder.id}/children`)).status, 410);
});

t.test('files of the web app: whole, small, kept, and never in a frame', async (t) => {
  const web = temporary(t);
  mkdirSync(join(web, 'assets'));
  writeFileSync(join(web, 'index.html'), '<!doctype html>');
  writeFileSync(join(web, 'assets/app-1.js'), 'x'.repeat(5000));
  const { url } = await startTestCloud(t, { web });
  for (const page of ['/', '/folder/abc', '/file/abc', '/backups', '/trash', '/devices']) {
    const { status, body, headers } = await call(url, 'GET', page);
    t.equal(`${status} ${body}`, '200 <!doctype html>', page);
    t.match(headers, {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'content-security-policy': /^default-src 'none'; script-src 'self';(?!.*unsafe).*frame-ancestors 'none'$/,
      'x-content-type-options': 'nosniff',
    });
  }
  const plain = await call(url, 'GET', '/assets/app-1.js');
  t.equal(plain.body.length, 5000);
  t.match(plain.headers, { 'cache-control': 'public, max-age=31536000, immutable', etag: /^W\// });
  for (const encoding of ['br', 'gzip']) {
    const { headers, body } = await call(url, 'GET', '/assets/app-1.js', { 'accept-encoding': encoding });
    t.equal(headers['content-encoding'], encoding);
    t.ok(body.length < 500);
  }
  const again = await call(url, 'GET', '/assets/app-1.js', { 'if-none-match': String(plain.headers.etag) });
  t.equal(again.status, 304);
  for (const path of [
    '/assets/..%2findex.html',
    '/%2e%2e%2fpackage.json',
    '/assets/none.js',
    '/elsewhere',
    '/folder/a/b',
  ]) {
    t.match(await call(url, 'GET', path), { status: 404, headers: { 'content-type': /json/ } }, path);
  }
  t.equal((await call(url, 'GET', '/', { host: 'evil.example' })).status, 403);
});
