import t from 'tap';
import { background } from '../../src/vfs/context.ts';
import type { FileHandle } from '../../src/vfs/file-system.ts';
import { FsError } from '../../src/vfs/fs-error.ts';
import { MemoryFs } from '../helpers/memory-fs.ts';
import { DavServer } from '../helpers/dav-server.ts';

const bytes = Buffer.from(Array.from({ length: 200_000 }, (_, i) => i % 251));

async function served(t: Parameters<typeof DavServer.start>[0]): Promise<DavServer> {
  const dav = await DavServer.start(t);
  await dav.ask('MKCOL', '/d');
  await dav.ask('PUT', '/d/a.txt', { body: 'hello world' });
  await dav.ask('PUT', '/d/big.bin', { body: bytes });
  await dav.ask('PUT', '/d/empty');
  return dav;
}

t.test('GET and HEAD of files', async (t) => {
  const dav = await served(t);
  const got = await dav.ask('GET', '/d/a.txt');
  t.equal(got.status, 200);
  t.equal(got.text, 'hello world');
  t.match(got.headers, {
    'content-type': 'text/plain',
    'content-length': '11',
    'x-content-type-options': 'nosniff',
    'accept-ranges': 'bytes',
  });
  t.match(got.headers.etag, /^"[^"]+"$/);
  const head = await dav.ask('HEAD', '/d/a.txt');
  t.equal(head.text, '');
  const dateless = (headers: typeof got.headers): unknown => ({ ...headers, date: '' });
  t.strictSame(dateless(head.headers), dateless(got.headers), 'HEAD has the head of GET');
  const big = await dav.ask('GET', '/d/big.bin');
  t.ok(big.bytes.equals(bytes), 'streamed');
  t.equal((await dav.ask('HEAD', '/d/big.bin')).headers['content-length'], '200000');
  const none = await dav.ask('GET', '/d/empty');
  t.match([none.status, none.headers['content-length'], none.text], [200, '0', '']);
  t.equal((await dav.ask('GET', '/d/missing')).status, 404);
  t.equal((await dav.ask('GET', '/d/a.txt/x')).status, 404);
  t.equal((await dav.ask('GET', '/d/a.txt/')).status, 404);
});

t.test('ranges', async (t) => {
  const dav = await served(t);
  const get = (range: string, more = {}) => dav.ask('GET', '/d/big.bin', { headers: { Range: range, ...more } });
  for (const [range, start, end] of [
    ['bytes=10-19', 10, 19],
    ['bytes=-5', 199_995, 199_999],
    ['bytes=100-', 100, 199_999],
  ] as const) {
    const part = await get(range);
    t.match([part.status, part.headers['content-range']], [206, `bytes ${start}-${end}/200000`], range);
    t.ok(part.bytes.equals(bytes.subarray(start, end + 1)), range);
    t.equal(part.headers['content-length'], String(end - start + 1));
  }
  const past = await get('bytes=200000-');
  t.match([past.status, past.headers['content-range']], [416, 'bytes */200000']);
  t.equal((await get('bytes=x')).status, 200);
  const whole = await dav.ask('HEAD', '/d/big.bin');
  const { etag, 'last-modified': modified } = whole.headers;
  t.equal((await get('bytes=0-1', { 'If-Range': etag })).status, 206);
  t.equal((await get('bytes=0-1', { 'If-Range': '"other"' })).status, 200);
  t.equal((await get('bytes=0-1', { 'If-Range': `W/${etag}` })).status, 200, 'weak tags do not match');
  t.equal((await get('bytes=0-1', { 'If-Range': modified })).status, 206);
  t.equal((await get('bytes=0-1', { 'If-Range': 'Sun, 06 Nov 1994 08:49:37 GMT' })).status, 200);
  t.equal((await get('bytes=900000-', { 'If-Range': '"other"' })).status, 200, 'no 416 if the range is ignored');
});

t.test('several ranges in one response', async (t) => {
  const dav = await served(t);
  const {
    status,
    headers,
    bytes: body,
  } = await dav.ask('GET', '/d/big.bin', { headers: { Range: 'bytes=0-1,100000-170000,-3' } });
  t.equal(status, 206);
  t.equal(headers['content-length'], String(body.length));
  const boundary = /boundary=(.*)$/.exec(headers['content-type'] ?? '')?.[1] ?? '?';
  const parts = body.toString('latin1').split(`--${boundary}`).slice(1, -1);
  const contents = parts.map((part) => Buffer.from(part.slice(part.indexOf('\r\n\r\n') + 4, -2), 'latin1'));
  t.strictSame(contents, [bytes.subarray(0, 2), bytes.subarray(100_000, 170_001), bytes.subarray(199_997)]);
  t.match(parts[1], /Content-Range: bytes 100000-170000\/200000/);
});

t.test('conditional reads, in the order of RFC 9110', async (t) => {
  const dav = await served(t);
  const { etag = '', 'last-modified': modified = '' } = (await dav.ask('HEAD', '/d/a.txt')).headers;
  const past = 'Sun, 06 Nov 1994 08:49:37 GMT';
  const cases: [Record<string, string>, number][] = [
    [{ 'If-None-Match': etag }, 304],
    [{ 'If-None-Match': `W/${etag}` }, 304],
    [{ 'If-None-Match': '*' }, 304],
    [{ 'If-None-Match': `"x", ${etag}` }, 304],
    [{ 'If-None-Match': '"x"' }, 200],
    [{ 'If-None-Match': '"x"', 'If-Modified-Since': modified }, 200],
    [{ 'If-Modified-Since': modified }, 304],
    [{ 'If-Modified-Since': past }, 200],
    [{ 'If-Modified-Since': 'garbage' }, 200],
    [{ 'If-Match': etag }, 200],
    [{ 'If-Match': '*' }, 200],
    [{ 'If-Match': '"x"' }, 412],
    [{ 'If-Match': `W/${etag}` }, 412],
    [{ 'If-Match': etag, 'If-Unmodified-Since': past }, 200],
    [{ 'If-Match': '"x"', 'If-None-Match': etag }, 412],
    [{ 'If-Unmodified-Since': past }, 412],
    [{ 'If-Unmodified-Since': modified }, 200],
    [{ If: `([${etag}])` }, 200],
    [{ If: '(["x"])' }, 412],
  ];
  for (const [headers, expected] of cases) {
    for (const method of ['GET', 'HEAD'])
      t.equal(
        (await dav.ask(method, '/d/a.txt', { headers })).status,
        expected,
        `${method} ${JSON.stringify(headers)}`,
      );
  }
  t.equal((await dav.ask('HEAD', '/d/none', { headers: { 'If-Match': etag } })).status, 404, 'nothing to compare with');
  t.equal((await dav.ask('GET', '/d/a.txt', { headers: { 'If-None-Match': etag } })).headers.etag, etag);
});

t.test('a folder is a page of links', async (t) => {
  const dav = await served(t);
  await dav.ask('PUT', '/d/%3Cb%3E%26%22%23.txt', { body: 'x' });
  const { status, text, headers } = await dav.ask('GET', '/d');
  t.equal(status, 200);
  t.match(headers['content-type'], 'text/html');
  t.match(text, 'href="/d/a.txt"');
  t.match(text, '&lt;b&gt;&amp;"#.txt');
  t.match(text, 'href="/d/%3Cb%3E%26%22%23.txt"');
  t.notMatch(text, '<b>&');
  t.equal((await dav.ask('HEAD', '/d/')).status, 200);
  t.equal((await dav.ask('GET', '/')).status, 200);
  const linked = await DavServer.start(t, { statusPage: () => 'http://127.0.0.1:1/?a&b' });
  t.match((await linked.ask('GET', '/')).text, '<a href="http://127.0.0.1:1/?a&amp;b">');
  t.notMatch((await dav.ask('GET', '/')).text, 'Status of this computer');
});

t.test('a symbolic link reads as its target', async (t) => {
  const dav = await served(t);
  dav.fs.symlink(dav.fs.root, 'link', 'd/a.txt', background);
  const { status, text, headers } = await dav.ask('GET', '/link');
  t.match([status, text, headers['content-type']], [200, 'd/a.txt', 'inode/symlink']);
});

t.test('names are found in both Unicode forms, the exact one first', async (t) => {
  const dav = await DavServer.start(t, { fs: new MemoryFs() });
  const [nfc, nfd] = ['/é'.normalize('NFC'), '/é'.normalize('NFD')].map(encodeURI) as [string, string];
  await dav.ask('PUT', nfc, { body: 'c' });
  t.equal((await dav.ask('GET', nfd)).text, 'c');
  t.equal((await dav.ask('PUT', nfd, { body: 'again' })).status, 204, 'replaces what is there');
  t.equal((await dav.ask('GET', nfc)).text, 'again');
  t.equal((await dav.ask('MOVE', nfc, { headers: { Destination: nfd } })).status, 201, 'renamed to the other form');
  t.match((await dav.ask('GET', '/')).text, nfd);
  t.equal((await dav.ask('GET', nfc)).text, 'again');
  dav.fs.create(dav.fs.root, 'é'.normalize('NFC'), {}, { read: false, write: true }, background).close();
  t.equal((await dav.ask('GET', nfc)).text, '', 'exact');
  t.equal((await dav.ask('GET', nfd)).text, 'again', 'exact');
});

t.test('repeated reads return the current file', async (t) => {
  const dav = await served(t);
  const read = async (): Promise<string> => (await dav.ask('GET', '/d/a.txt')).text;
  for (let i = 0; i < 3; i++) t.equal(await read(), 'hello world');
  const before = (await dav.ask('HEAD', '/d/a.txt')).headers.etag;
  await dav.ask('PUT', '/d/a.txt', { body: 'other words' });
  for (let i = 0; i < 3; i++) t.equal(await read(), 'other words');
  const { status, headers } = await dav.ask('GET', '/d/a.txt');
  t.not(headers.etag, before);
  const asked = { 'If-None-Match': headers.etag ?? '' };
  t.equal(status, 200);
  t.equal((await dav.ask('GET', '/d/a.txt', { headers: asked })).status, 304);
  t.equal((await dav.ask('GET', '/d/a.txt', { headers: { Range: 'bytes=1-3' } })).text, 'the');
  await dav.ask('MOVE', '/d/a.txt', { headers: { Destination: '/d/b.html' } });
  const moved = await dav.ask('GET', '/d/b.html');
  t.match([moved.text, moved.headers['content-type']], ['other words', 'text/html']);
  t.equal((await dav.ask('GET', '/d/a.txt')).status, 404);
  await dav.ask('PUT', '/d/a.txt', { body: 'a new file.' });
  t.equal(await read(), 'a new file.');
});

t.test('a file that was read may become unreadable later', async (t) => {
  class Sealable extends MemoryFs {
    isSealed = false;

    override open(...args: Parameters<MemoryFs['open']>): FileHandle {
      if (this.isSealed) throw new FsError('EACCES', 'open', { reason: 'it is sealed' });
      return super.open(...args);
    }
  }
  const fs = new Sealable();
  const dav = await DavServer.start(t, { fs });
  await dav.ask('PUT', '/a.txt', { body: 'hello' });
  for (let i = 0; i < 2; i++) t.equal((await dav.ask('GET', '/a.txt')).text, 'hello');
  fs.isSealed = true;
  const refused = await dav.ask('GET', '/a.txt');
  t.equal(refused.status, 403);
  t.match(refused.text, 'it is sealed');
});
