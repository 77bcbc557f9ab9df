import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { request } from 'undici';
import { Database } from '../../../src/cache/db/database.ts';
import { GroupWriter } from '../../../src/cache/db/group-writer.ts';
import { LockRecords } from '../../../src/mounts/doors/lock-records.ts';
import { openWebDavDoor, type WebDavDoor, type WebDavDoorOptions } from '../../../src/mounts/doors/webdav-door.ts';
import { silent } from '../../../src/webdav/log.ts';
import { MemoryFs } from '../../helpers/memory-fs.ts';
import { temporary } from '../../helpers/temporary.ts';

const authorization = `Basic ${Buffer.from('me:secret').toString('base64')}`;

interface Site {
  readonly door: WebDavDoor;
  close(): Promise<void>;
}

async function open(dir: string, fs: MemoryFs, options: Partial<WebDavDoorOptions> = {}): Promise<Site> {
  const database = await Database.open(join(dir, 'db'));
  const lockStore = new LockRecords(await database.rows('locks'), new GroupWriter(database));
  const fixed = { fs, lockStore, engine: 'fjord', host: '127.0.0.1', port: 0, names: [], quota: 'auto' } as const;
  try {
    const door = await openWebDavDoor({ ...fixed, user: 'me', password: 'secret', log: silent, ...options });
    return { door, close: () => door.close().then(() => database.close()) };
  } catch (error) {
    await database.close();
    throw error;
  }
}

async function put(url: string, headers: Record<string, string> = {}): Promise<number> {
  const answer = await request(url, { method: 'PUT', headers: { authorization, ...headers }, body: 'x', reset: true });
  await answer.body.dump();
  return answer.statusCode;
}

const lockInfo = '<lockinfo xmlns="DAV:"><lockscope><exclusive/></lockscope><locktype><write/></locktype></lockinfo>';

t.test('locks survive a restart', async (t) => {
  const dir = temporary(t);
  const fs = new MemoryFs();
  const first = await open(dir, fs);
  const { url, port } = first.door;
  t.equal(url, `http://127.0.0.1:${port}/`);
  t.equal(await put(`${url}a`), 201);
  const headers = { authorization, timeout: 'Second-600', 'content-type': 'application/xml' };
  const locked = await request(`${url}a`, { method: 'LOCK' as 'POST', headers, body: lockInfo, reset: true });
  const token = String(locked.headers['lock-token']);
  await locked.body.dump();
  t.equal(locked.statusCode, 200);
  await first.close();

  const second = await open(dir, fs);
  t.equal(await put(`${second.door.url}a`), 423);
  t.equal(await put(`${second.door.url}a`, { if: `(${token})` }), 204);
  const unlock = { authorization, 'lock-token': token };
  const unlocked = await request(`${second.door.url}a`, { method: 'UNLOCK' as 'POST', headers: unlock, reset: true });
  t.equal(unlocked.statusCode, 204);
  await second.close();

  const third = await open(dir, fs);
  t.equal(await put(`${third.door.url}a`), 204, 'and so does their end');
  await third.close();
});

t.test('the package webdav-server can serve instead', async (t) => {
  const site = await open(temporary(t), new MemoryFs(), { engine: 'webdav-server' });
  const { door } = site;
  const { statusCode, headers, body } = await request(door.url, { method: 'OPTIONS', headers: { authorization } });
  await body.dump();
  t.equal(statusCode, 200);
  t.match(headers['dav'], /1/);
  t.equal(await put(`${door.url}a`), 201);
  await site.close();
});

t.test('unsupported settings are refused with what to do', async (t) => {
  const opening = (options: Partial<WebDavDoorOptions>): Promise<Site> => open(temporary(t), new MemoryFs(), options);
  await t.rejects(opening({ host: '0.0.0.0' }), { code: 'EACCES', reason: /TLS/ });
  await t.rejects(opening({ host: '0.0.0.0', engine: 'webdav-server' }), {
    code: 'ENOTSUP',
    reason: /only supports 127\.0\.0\.1/,
  });
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const { port } = other.address() as AddressInfo;
  for (const engine of ['fjord', 'webdav-server'] as const) {
    await t.rejects(opening({ port, engine }), { code: 'EBUSY', subject: `127.0.0.1:${port}`, reason: /in use/ });
  }
});
