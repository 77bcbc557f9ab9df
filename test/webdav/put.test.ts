import { connect } from 'node:net';
import t from 'tap';
import { DavServer, rawHead } from '../helpers/dav-server.ts';
import { MemoryFs } from '../helpers/memory-fs.ts';

t.setTimeout(500_000);

t.test('PUT creates, replaces, and returns the new version', async (t) => {
  const dav = await DavServer.start(t);
  const made = await dav.ask('PUT', '/a.txt', { body: 'one' });
  t.equal(made.status, 201);
  const replaced = await dav.ask('PUT', '/a.txt', { body: 'two' });
  t.equal(replaced.status, 204);
  t.not(replaced.headers.etag, made.headers.etag);
  const head = await dav.ask('HEAD', '/a.txt');
  t.equal(head.headers.etag, replaced.headers.etag);
  t.equal(head.headers['last-modified'], replaced.headers['last-modified']);
  t.equal((await dav.ask('PUT', '/b', { body: Buffer.alloc(3_000_000, 7) })).status, 201);
  t.equal((await dav.ask('GET', '/b')).bytes.length, 3_000_000);
});

t.test('PUT where a file is not possible', async (t) => {
  const dav = await DavServer.start(t);
  await dav.ask('MKCOL', '/d');
  await dav.ask('PUT', '/f', { body: 'x' });
  t.equal((await dav.ask('PUT', '/d', { body: 'x' })).status, 405);
  t.equal((await dav.ask('PUT', '/', { body: 'x' })).status, 405);
  t.equal((await dav.ask('PUT', '/none/x', { body: 'x' })).status, 409);
  t.equal((await dav.ask('PUT', '/f/x', { body: 'x' })).status, 409);
  t.equal((await dav.ask('PUT', '/x/', { body: 'x' })).status, 409);
  t.equal((await dav.ask('PUT', '/f', { body: 'x', headers: { 'Content-Range': 'bytes 0-0/5' } })).status, 400);
});

t.test('conditional writes', async (t) => {
  const dav = await DavServer.start(t);
  const put = async (headers: Record<string, string>) => (await dav.ask('PUT', '/a', { body: 'x', headers })).status;
  t.equal(await put({ 'If-Match': '*' }), 412, 'nothing there');
  t.equal(await put({ 'If-None-Match': '*' }), 201);
  t.equal(await put({ 'If-None-Match': '*' }), 412);
  const etag = (await dav.ask('HEAD', '/a')).headers.etag ?? '';
  t.equal(await put({ 'If-None-Match': etag }), 412);
  t.equal(await put({ 'If-Match': '"other"' }), 412);
  t.equal(await put({ 'If-Unmodified-Since': 'Sun, 06 Nov 1994 08:49:37 GMT' }), 412);
  t.equal(await put({ If: '(["other"])' }), 412);
  t.equal(await put({ If: `([${etag}])` }), 204);
  t.equal(await put({ If: 'garbage' }), 400);
});

t.test('of two writers that expect the same version one loses', async (t) => {
  const dav = await DavServer.start(t);
  await dav.ask('PUT', '/a', { body: 'base' });
  const etag = (await dav.ask('HEAD', '/a')).headers.etag ?? '';
  const socket = connect(dav.port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  let answer = '';
  const ended = new Promise((resolve) => socket.on('close', resolve));
  socket.on('data', (chunk) => (answer += chunk.toString()));
  socket.write(rawHead('PUT /a', `If-Match: ${etag}`, 'Content-Length: 4', 'Expect: 100-continue'));
  await new Promise<void>((resolve) => socket.once('data', () => resolve()));
  t.match(answer, '100 Continue', 'the request was checked, and the body is requested');
  t.equal((await dav.ask('PUT', '/a', { body: 'fast', headers: { 'If-Match': etag } })).status, 204);
  socket.write('slow');
  await ended;
  t.match(answer, '412 Precondition Failed');
  t.equal((await dav.ask('GET', '/a')).text, 'fast');
});

t.test('macOS: chunks with the length in another header, with and without the last chunk', async (t) => {
  const dav = await DavServer.start(t);
  const head = rawHead('PUT /m', 'Transfer-Encoding: chunked', 'X-Expected-Entity-Length: 5');
  t.match(await dav.raw(`${head}5\r\nhello\r\n0\r\n\r\n`), /^HTTP\/1.1 201/);
  t.match(await dav.raw(`${head}5\r\nworld\r\n`), /^HTTP\/1.1 204/, 'no last chunk');
  t.equal((await dav.ask('GET', '/m')).text, 'world');
  t.match(await dav.raw(`${head}3\r\nabc\r\n0\r\n\r\n`), /^HTTP\/1.1 400/, 'short');
  t.match(await dav.raw(`${head}6\r\nabcdef\r\n0\r\n\r\n`), /^HTTP\/1.1 400/, 'long');
  t.match(
    await dav.raw(`${rawHead('PUT /m', 'Content-Length: 3', 'X-Expected-Entity-Length: 5')}abc`),
    /^HTTP\/1.1 400/,
  );
  t.match(
    await dav.raw(`${rawHead('PUT /m', 'Content-Length: 3', 'X-Expected-Entity-Length: -1')}abc`),
    /^HTTP\/1.1 400/,
  );
  t.equal((await dav.ask('GET', '/m')).text, 'world', 'nothing else was stored');
});

t.test('an interrupted or stalled PUT changes nothing', async (t) => {
  const dav = await DavServer.start(t, { limits: { bodyIdle: 300 } });
  await dav.ask('PUT', '/a', { body: 'old' });
  const quiet = await dav.raw(`${rawHead('PUT /a', 'Content-Length: 100')}new`);
  t.match(quiet, /^HTTP\/1.1 408/, 'slow loris');
  const socket = connect(dav.port, '127.0.0.1');
  await new Promise<void>((resolve) =>
    socket.write(`${rawHead('PUT /new', 'Content-Length: 100')}new`, () => resolve()),
  );
  socket.destroy();
  await dav.raw(`${rawHead('PUT /new2', 'Transfer-Encoding: chunked')}zz\r\n`);
  t.equal((await dav.ask('GET', '/a')).text, 'old');
  t.equal((await dav.ask('GET', '/new')).status, 404);
  t.equal((await dav.ask('GET', '/new2')).status, 404);
});

t.test('a slow drive is not mistaken for a stalled client', async (t) => {
  class SlowFs extends MemoryFs {
    override draft(...args: Parameters<MemoryFs['draft']>): ReturnType<MemoryFs['draft']> {
      const draft = super.draft(...args);
      const append = draft.append.bind(draft);
      draft.append = async (data, context) => {
        await new Promise((resolve) => setTimeout(resolve, 600));
        await append(data, context);
      };
      return draft;
    }
  }
  const dav = await DavServer.start(t, { fs: new SlowFs(), limits: { bodyIdle: 150 } });
  t.equal((await dav.ask('PUT', '/a', { body: 'x' })).status, 201);
});

t.test('refusals are sent before the body is read', async (t) => {
  const dav = await DavServer.start(t);
  const expecting = await dav.raw(rawHead('PUT /none/x', 'Content-Length: 1000000000', 'Expect: 100-continue'));
  t.match(expecting, /^HTTP\/1.1 409/);
  t.notMatch(expecting, '100 Continue');
  const small = await dav.raw(rawHead('PUT /none/x', 'Content-Length: 3') + 'abc');
  t.match(small, /^HTTP\/1.1 409/);
  t.match(await dav.raw(rawHead('PUT /x', 'Expect: the-moon', 'Content-Length: 0')), /^HTTP\/1.1 417/);
});

t.test('the client gets the response even if a body of any size is refused', async (t) => {
  const dav = await DavServer.start(t);
  const answer = await dav.raw(
    Buffer.concat([Buffer.from(rawHead('PUT /none/x', 'Content-Length: 3000000')), Buffer.alloc(3_000_000)]),
  );
  t.match(answer, /^HTTP\/1.1 409/);
  const endless = await dav.raw(
    Buffer.concat([Buffer.from(rawHead('PUT /none/x', 'Content-Length: 300000000')), Buffer.alloc(1_000_000)]),
  );
  t.match(endless, /^HTTP\/1.1 409/);
});

t.test('X-OC-Mtime', async (t) => {
  const dav = await DavServer.start(t);
  const put = (mtime: string, path = '/a') => dav.ask('PUT', path, { body: 'x', headers: { 'X-OC-Mtime': mtime } });
  const kept = await put('784111777');
  t.match(kept.headers, { 'x-oc-mtime': 'accepted', 'last-modified': 'Sun, 06 Nov 1994 08:49:37 GMT' });
  t.equal((await dav.ask('HEAD', '/a')).headers['last-modified'], 'Sun, 06 Nov 1994 08:49:37 GMT');
  for (const bad of ['0', '1', '-5', '99999999999', 'x', '']) {
    const refused = await put(bad);
    t.match([refused.status, refused.headers['x-oc-mtime']], [204, undefined], bad);
    t.ok(Date.parse(refused.headers['last-modified'] ?? '') > Date.now() - 60_000, 'now instead');
  }
  t.equal((await dav.ask('MKCOL', '/d', { headers: { 'X-OC-Mtime': '784111777' } })).headers['x-oc-mtime'], 'accepted');
  const copied = await dav.ask('COPY', '/a', { headers: { Destination: '/c', 'X-OC-Mtime': '784111777' } });
  t.equal(copied.headers['x-oc-mtime'], 'accepted');
  await dav.ask('MOVE', '/a', { headers: { Destination: '/m', 'X-OC-Mtime': '784111777' } });
  for (const path of ['/c', '/m'])
    t.equal((await dav.ask('HEAD', path)).headers['last-modified'], 'Sun, 06 Nov 1994 08:49:37 GMT');
});
