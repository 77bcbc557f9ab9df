import { connect } from 'node:net';
import t, { type Test } from 'tap';
import { type Fjord, startFjord } from '../helpers/gateway-process.ts';
import { type Answer, type Server, type Step, send } from './conversation.ts';

t.setTimeout(500_000);

/** Guarantees for clients of the whole program, beyond the response to a single request. */

const LOCK =
  '<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>';
const PATCH =
  '<D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop><colour xmlns="urn:x">red</colour>' +
  '<Z:Win32LastModifiedTime>Mon, 01 Jan 2024 12:00:00 GMT</Z:Win32LastModifiedTime></D:prop></D:set></D:propertyupdate>';

t.test('guarantees for clients', { timeout: 300_000 }, async (t) => {
  const fjord = await startFjord(t);
  const { user, password, port } = { ...fjord.webdav, port: Number(new URL(fjord.webdav.url).port) };
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const server: Server = { url: fjord.webdav.url, authorization };
  const ask = (method: string, path: string, step: Partial<Step> = {}): Promise<Answer> =>
    send(server, '', { ...step, method, path, status: 0 });
  const ok = async (method: string, path: string, step: Partial<Step> = {}): Promise<Answer> => {
    const answer = await ask(method, path, step);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer;
  };
  const to = (destination: string, more: Record<string, string> = {}) => ({ headers: { destination, ...more } });
  const reborn = async (): Promise<void> => {
    await fjord.killGateway();
    await fjord.gatewayBack();
    await served(ask);
  };

  await t.test('an entity tag is unchanged by the upload and by a crash of the gateway', async (t) => {
    const { headers } = await ok('PUT', '/Sync/tagged', { body: 'content' });
    const same = async (when: string): Promise<void> => {
      const now = await ok('HEAD', '/Sync/tagged');
      t.equal(now.headers.etag, headers.etag, when);
      t.equal(now.headers['last-modified'], headers['last-modified'], when);
    };
    await same('at once');
    await flush(t, fjord);
    await same('in the cloud');
    await reborn();
    await same('in another process');
    const again = await ok('PUT', '/Sync/tagged', { body: 'content' });
    t.equal(again.headers.etag, headers.etag, 'the same bytes are the same content');
    t.equal((await ask('GET', '/Sync/tagged', { headers: { 'if-none-match': headers.etag ?? '' } })).status, 304);
    await ok('PUT', '/Sync/tagged', { body: 'CONTENT' });
    t.not((await ok('HEAD', '/Sync/tagged')).headers.etag, headers.etag, 'other bytes are another');
    const late = { headers: { 'if-match': headers.etag ?? '' }, body: 'late' };
    t.equal((await ask('PUT', '/Sync/tagged', late)).status, 412);
  });

  await t.test('properties and times follow the file', async (t) => {
    await ok('PUT', '/Sync/coloured', { body: 'x' });
    await ok('PROPPATCH', '/Sync/coloured', { body: PATCH });
    const keeps = async (path: string, when: string): Promise<void> => {
      const { text } = await ok('PROPFIND', path, { headers: { depth: '0' } });
      t.match(text, /colour[^>]*>red</, when);
      t.match(text, 'Mon, 01 Jan 2024 12:00:00 GMT', when);
    };
    await flush(t, fjord);
    await keeps('/Sync/coloured', 'in the cloud');
    await ok('COPY', '/Sync/coloured', to('/Sync/copied'));
    await keeps('/Sync/copied', 'a copy');
    await ok('MOVE', '/Sync/coloured', to('/Sync/moved'));
    await flush(t, fjord);
    await reborn();
    await keeps('/Sync/moved', 'moved, in another process');
    await keeps('/Sync/copied', 'copied, in another process');
  });

  await t.test('a lock survives a crash of the gateway', async (t) => {
    await ok('PUT', '/Sync/locked', { body: 'before' });
    const { headers } = await ok('LOCK', '/Sync/locked', { headers: { timeout: 'Second-600' }, body: LOCK });
    const token = String(headers['lock-token']);
    await reborn();
    t.equal((await ask('PUT', '/Sync/locked', { body: 'of another' })).status, 423);
    t.equal((await ask('PUT', '/Sync/locked', { body: 'mine', headers: { if: `(${token})` } })).status, 204);
    t.equal((await ask('UNLOCK', '/Sync/locked', { headers: { 'lock-token': token } })).status, 204);
    t.equal((await ask('PUT', '/Sync/locked', { body: 'of another' })).status, 204);
  });

  await t.test('an interrupted PUT changes nothing', async (t) => {
    await ok('PUT', '/Sync/whole', { body: 'the old content' });
    await new Promise<void>((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('close', resolve).on('error', reject);
      const head = `PUT /Sync/whole HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\nContent-Length: 1000`;
      socket.write(`${head}\r\n\r\nhalf of the new`, () => setTimeout(() => socket.destroy(), 200));
    });
    t.equal((await ok('GET', '/Sync/whole')).text, 'the old content');
    await flush(t, fjord);
    const versions = await fjord.cli('versions', '--json', '/Sync/whole');
    t.equal((JSON.parse(versions.stdout) as unknown[]).length, 1, versions.stdout);
  });

  await t.test('litter stays on this computer', async (t) => {
    const litter = ['._whole', '.DS_Store', 'Thumbs.db', 'desktop.ini', '~$letter.docx'];
    for (const name of litter) await ok('PUT', `/Sync/${encodeURIComponent(name)}`, { body: 'litter' });
    await ok('PUT', '/Sync/no%20litter', { body: 'x' });
    await flush(t, fjord);
    const tree = await fjord.cloudTree('Sync');
    t.ok(tree.has('no litter'));
    for (const name of litter) t.notOk(tree.has(name), name);
    await reborn();
    for (const name of litter) t.equal((await ok('GET', `/Sync/${encodeURIComponent(name)}`)).text, 'litter', name);
  });

  await t.test('a name is found in both Unicode forms, and stored unchanged', async (t) => {
    const [composed, decomposed] = ['Å'.normalize('NFC'), 'Å'.normalize('NFD')].map(encodeURIComponent);
    await ok('PUT', `/Sync/${composed}`, { body: 'one' });
    t.equal((await ok('GET', `/Sync/${decomposed}`)).text, 'one');
    t.equal((await ask('PUT', `/Sync/${decomposed}`, { body: 'two' })).status, 204, 'no second file');
    await ok('MOVE', `/Sync/${decomposed}`, to(`/Sync/${decomposed}.txt`));
    t.equal((await ok('GET', `/Sync/${composed}.txt`)).text, 'two');
    t.match((await ok('PROPFIND', '/Sync/', { headers: { depth: '1' } })).text, `/Sync/${decomposed}.txt<`);
  });

  await t.test('a folder replaces another in one step, and the other goes to the Trash', async (t) => {
    for (const path of ['/Sync/album/', '/Sync/album/old/', '/Sync/fresh/', '/Sync/fresh/new/'])
      await ok('MKCOL', path);
    for (const path of ['/Sync/album/old/a', '/Sync/fresh/new/b', '/Sync/fresh/c'])
      await ok('PUT', path, { body: path });
    await flush(t, fjord);
    t.equal((await ask('COPY', '/Sync/fresh/', to('/Sync/album/'))).status, 204);
    t.equal((await ok('GET', '/Sync/album/new/b')).text, '/Sync/fresh/new/b');
    t.equal((await ask('GET', '/Sync/album/old/a')).status, 404);
    await flush(t, fjord);
    t.equal(
      (await ask('MOVE', '/Sync/fresh/', to('/Sync/album/'))).status,
      204,
      'and a full one moves over a full one',
    );
    await flush(t, fjord);
    const paths = [...(await fjord.cloudTree('Sync')).keys()].filter((path) => /album|fresh|fjord-copy/.test(path));
    t.strictSame(paths.sort(), ['album/c', 'album/new/b']);
    const trash = await fjord.cli('trash', 'list');
    t.match(trash.stdout, /album/);
    t.notMatch(trash.stdout, /fjord-copy/, 'under its own name');
    t.equal((await fjord.cli('status')).stdout.match(/conflict/i), null);
  });

  await t.test('after a crash while a tree is replaced there is the old or the new tree', async (t) => {
    const names = async (path: string): Promise<string[]> => {
      const { text } = await ok('PROPFIND', path, { headers: { depth: '1' } });
      return [...text.matchAll(/<D:href>([^<]*)</g)].map(([, href]) => href?.slice(path.length) ?? '').slice(1);
    };
    await ok('MKCOL', '/Sync/many/');
    const files = Array.from({ length: 300 }, (_, i) => `${i}`);
    await Promise.all(files.map((name) => ok('PUT', `/Sync/many/${name}`, { body: name })));
    for (const [round, wait] of [20, 60, 150].entries()) {
      const album = `/Sync/album${round}/`;
      await ok('MKCOL', album);
      await ok('PUT', `${album}old`, { body: 'old' });
      const copying = ask('COPY', '/Sync/many/', to(album)).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, wait));
      await reborn();
      await copying;
      const now = await names(album);
      t.strictSame(now.toSorted(), now.length === 1 ? ['old'] : files.toSorted(), `${now.length} files`);
      t.notMatch((await names('/Sync/')).join(), /fjord-copy/, 'no half copy is left');
    }
    await flush(t, fjord);
    t.notMatch([...(await fjord.cloudTree('Sync')).keys()].join(), /fjord-copy/, 'nor in the cloud');
  });
});

/** Waits a little, as the gateway is another process. */
async function served(ask: (method: string, path: string) => Promise<Answer>): Promise<void> {
  for (const end = Date.now() + 60_000; ;) {
    try {
      if ((await ask('OPTIONS', '/')).status === 200) return;
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function flush(t: Test, fjord: Fjord): Promise<void> {
  const { code, stderr } = await fjord.cli('flush');
  t.equal(code, 0, stderr);
}
