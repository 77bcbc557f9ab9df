import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { type Fjord, startFjord } from '../helpers/gateway-process.ts';

t.setTimeout(500_000);

/** Settle time, ms; longer than a gateway takes to start on a busy machine. */
const SETTLE = 60_000;

async function ask(fjord: Fjord, method: string, path: string, more: RequestInit = {}): Promise<Response> {
  const { url, user, password } = fjord.webdav;
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  return await fetch(new URL(path, url), { ...more, method, headers: { ...more.headers, authorization } });
}

t.test(
  'a file in the Archive that was closed just before a kill continues to settle',
  { timeout: 300_000 },
  async (t) => {
    const fjord = await startFjord(t, { env: { FJORD_ARCHIVE_SETTLE: '60 s' } });
    for (const name of ['a.part', 'b', 'c']) {
      t.equal((await ask(fjord, 'PUT', `Archive/${name}`, { body: `content of ${name}` })).status, 201);
    }
    const closed = Date.now();
    await sleep(1000);
    await fjord.killGateway();
    await fjord.gatewayBack();

    const destination = new URL('Archive/a', fjord.webdav.url).href;
    t.equal((await ask(fjord, 'MOVE', 'Archive/a.part', { headers: { destination } })).status, 201);
    t.equal((await ask(fjord, 'GET', 'Archive/a')).status, 200);
    const times = `<D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop>
    <Z:Win32LastModifiedTime>Thu, 01 Jan 2015 00:00:00 GMT</Z:Win32LastModifiedTime></D:prop></D:set></D:propertyupdate>`;
    const patched = await ask(fjord, 'PROPPATCH', 'Archive/b', { body: times });
    t.match(await patched.text(), /200 OK/);
    t.equal((await ask(fjord, 'DELETE', 'Archive/c')).status, 204);
    t.equal((await fjord.cloudTree('Archive')).size, 0, 'nothing was sent meanwhile');
    t.ok(Date.now() - closed < SETTLE, 'all of that was within the time');

    t.equal((await fjord.cli('flush')).code, 0);
    t.equal((await ask(fjord, 'GET', 'Archive/a')).status, 403, 'then it is sealed');
    t.equal((await ask(fjord, 'DELETE', 'Archive/b')).status, 403);
    const cloud = await fjord.cloudTree('Archive');
    t.same([...cloud.keys()].sort(), ['a', 'b']);
    t.equal(String(await cloud.get('a')?.()), 'content of a.part');
  },
);
