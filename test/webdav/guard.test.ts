import t from 'tap';
import { Hosts, isLoopback } from '../../src/webdav/hosts.ts';
import { MemoryLockStore } from '../../src/webdav/locks/lock-store.ts';
import { silent } from '../../src/webdav/log.ts';
import { WebDavServer } from '../../src/webdav/server.ts';
import { DavServer } from '../helpers/dav-server.ts';
import { MemoryFs } from '../helpers/memory-fs.ts';

const auth = { user: 'u', password: 'p' };
const basic = `Basic ${Buffer.from('u:p').toString('base64')}`;

t.test('host names', async (t) => {
  const hosts = new Hosts(['nas.local', '::2']);
  for (const host of [
    'localhost',
    'localhost:1',
    'LOCALHOST:99',
    '127.0.0.1:80',
    '[::1]:80',
    '[::1]',
    'nas.local:1',
    '[::2]:1',
    'localhost.:1',
  ]) {
    t.ok(hosts.allows(host), host);
  }
  for (const host of [
    '',
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'localhost:80@evil',
    '192.168.0.1',
    '::1',
    'a b',
  ]) {
    t.notOk(hosts.allows(host), host);
  }
  t.ok(hosts.isOwn('127.0.0.1:80', 'localhost:80'));
  t.ok(hosts.isOwn('u:p@127.0.0.1:80', 'localhost:80'));
  t.notOk(hosts.isOwn('127.0.0.1:81', 'localhost:80'));
  t.notOk(hosts.isOwn('evil@x', 'localhost'));
});

t.test('DNS rebinding and other sites are refused', async (t) => {
  const dav = await DavServer.start(t);
  const own = `http://localhost:${dav.port}`;
  const status = async (headers: Record<string, string>, method = 'GET'): Promise<number> =>
    (await dav.ask(method, '/', { headers })).status;
  t.equal(await status({ Host: 'evil.example' }), 421);
  t.equal(await status({ Host: 'evil.example' }, 'OPTIONS'), 421);
  t.equal(await status({ Origin: 'https://evil.example' }), 403);
  t.equal(await status({ Origin: 'null' }), 403);
  t.equal(
    await status({ Origin: 'http://localhost:1', Host: `localhost:${dav.port}` }),
    403,
    'another program on this computer',
  );
  t.equal(await status({ Origin: own, Host: `localhost:${dav.port}` }), 200);
  const { headers } = await dav.ask('GET', '/');
  t.notOk(
    Object.keys(headers).some((name) => name.startsWith('access-control')),
    'no CORS',
  );
});

t.test('OPTIONS needs no password, everything else does', async (t) => {
  const dav = await DavServer.start(t, { auth });
  for (const path of ['/', '/Sync', '/no/such/thing', '*']) {
    const { status, headers } = await dav.ask('OPTIONS', path);
    t.equal(status, 200, path);
    t.match(headers, {
      dav: '1, 2, 3, extended-mkcol',
      'ms-author-via': 'DAV',
      allow: /PROPFIND/,
      'content-length': '0',
    });
    t.equal(headers['www-authenticate'], undefined);
  }
  for (const method of ['GET', 'HEAD', 'PUT', 'PROPFIND', 'LOCK', 'DELETE']) {
    const { status, headers } = await dav.ask(method, '/x');
    t.equal(status, 401, method);
    t.match(headers['www-authenticate'], /Digest.*MD5.*Digest.*SHA-256.*Basic/);
  }
  const right = await dav.ask('GET', '/', { headers: { Authorization: basic } });
  t.equal(right.status, 200);
  t.equal(right.headers['www-authenticate'], undefined);
  t.equal((await dav.ask('GET', '/', { headers: { Authorization: 'Basic dTp4' } })).status, 401);
});

t.test('ancestors behave as folders', async (t) => {
  const dav = await DavServer.start(t);
  const { status, text } = await dav.ask('PROPFIND', '/', { headers: { Depth: '0' } });
  t.equal(status, 207);
  t.match(text, '<D:collection/>');
});

t.test('it listens on loopback, or with TLS', async (t) => {
  for (const host of ['127.0.0.1', '127.9.9.9', 'localhost', '::1', '[::1]']) t.ok(isLoopback(host), host);
  for (const host of ['0.0.0.0', '::', '192.168.0.1', 'nas.local', '127.0.0.1.evil.example', ''])
    t.notOk(isLoopback(host), host);
  const server = new WebDavServer({ fs: new MemoryFs(), auth, lockStore: new MemoryLockStore(), log: silent });
  await t.rejects(server.listen({ host: '0.0.0.0', port: 0 }), { code: 'EACCES', reason: /TLS/ });
  t.throws(() => server.url);
  await server.close();
});

t.test('an address in use is an error, and does not end the process', async (t) => {
  const dav = await DavServer.start(t);
  const server = new WebDavServer({ fs: new MemoryFs(), auth, lockStore: new MemoryLockStore(), log: silent });
  await t.rejects(server.listen({ host: '127.0.0.1', port: dav.port }), { code: 'EADDRINUSE' });
  await server.close();
});
