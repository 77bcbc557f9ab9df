import { connect } from 'node:net';
import type { Socket } from 'node:net';
import t from 'tap';
import { background } from '../../src/vfs/context.ts';
import type { FileHandle } from '../../src/vfs/file-system.ts';
import { FsError } from '../../src/vfs/fs-error.ts';
import type { Log } from '../../src/webdav/log.ts';
import { DavServer, rawHead } from '../helpers/dav-server.ts';
import { MemoryFs } from '../helpers/memory-fs.ts';

async function alive(t: Parameters<typeof DavServer.start>[0], dav: DavServer): Promise<void> {
  t.equal((await dav.ask('PROPFIND', '/', { headers: { Depth: '0' } })).status, 207, 'the server keeps running');
}

const line = (answer: string): string => answer.slice(0, answer.indexOf('\r\n'));

t.test('invalid addresses', async (t) => {
  const dav = await DavServer.start(t);
  const bad: Record<string, RegExp> = {
    '/%': /400/,
    '/%C3%28': /400/,
    '/a%00b': /400/,
    '/a%0ab': /404/,
    '/../etc/passwd': /400/,
    '/%2e%2e/etc/passwd': /400/,
    '/a%2Fb': /400/,
    '/a#b': /400/,
    a: /400/,
    '*': /400/,
    [`/${'a'.repeat(256)}`]: /414/,
    [`/${'a'.repeat(255)}`]: /404/,
    ['/abcdefg'.repeat(512)]: /414/,
    [`/${'a'.repeat(100_000)}`]: /431/,
    'http://evil.example/': /421/,
    'http://localhost/': /200/,
  };
  for (const [target, expected] of Object.entries(bad))
    t.match(line(await dav.raw(rawHead(`GET ${target}`))), expected, target.slice(0, 60));
  await alive(t, dav);
});

t.test('compressed bodies are not stored as content', async (t) => {
  const dav = await DavServer.start(t);
  for (const method of ['PUT', 'PROPFIND']) {
    t.equal((await dav.ask(method, '/', { body: 'x', headers: { 'Content-Encoding': 'gzip' } })).status, 415, method);
  }
});

t.test('what is not HTTP', async (t) => {
  const dav = await DavServer.start(t, { limits: { headDeadline: 500 } });
  const bad: [string, RegExp][] = [
    ['\0\0\0\0\r\n\r\n', /400/],
    ['GET / HTTP/9.9\r\n\r\n', /400/],
    ['GET / HTTP/1.1\r\n\r\n', /400/],
    ['FOO / HTTP/1.1\r\nHost: localhost\r\n\r\n', /400/],
    ['GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n', /400/],
    ['PUT /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n', /400/],
    ['PUT /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', /400/],
    [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, /431/],
    ['GET / HTTP/1.1\r\nHost: loc', /408/],
  ];
  for (const [text, expected] of bad) t.match(await dav.raw(text), expected, JSON.stringify(text.slice(0, 60)));
  t.match(await dav.raw('GET / HTTP/1.0\r\n\r\n'), /200 OK/, 'HTTP/1.0 needs no Host');
  await alive(t, dav);
});

t.test('methods', async (t) => {
  const dav = await DavServer.start(t);
  for (const method of ['POST', 'PATCH', 'TRACE', 'REPORT', 'SEARCH']) {
    const { status, headers } = await dav.ask(method, '/');
    t.equal(status, 405, method);
    t.match(headers.allow, 'PROPFIND');
  }
});

t.test('invalid headers', async (t) => {
  const dav = await DavServer.start(t);
  await dav.ask('PUT', '/a', { body: 'x' });
  const headers = [
    'If: ((((',
    'If: ()',
    'Destination: /%zz',
    'Depth: ∞',
    'Range: bytes=9-1',
    'Lock-Token: <',
    'Timeout: x',
    'If-Match: """',
  ];
  headers.push(
    'Overwrite: X',
    'X-OC-Mtime: NaN',
    'If-Modified-Since: x',
    'If-Range: ',
    'Content-Range: x',
    'Authorization: Digest =',
  );
  for (const method of ['GET', 'PUT', 'DELETE', 'MKCOL', 'COPY', 'MOVE', 'PROPFIND', 'PROPPATCH', 'LOCK', 'UNLOCK']) {
    for (const header of headers) {
      const first = line(await dav.raw(rawHead(`${method} /nothing/here`, header, 'Content-Length: 0')));
      t.match(first, /^HTTP\/1.1 (?!5)\d\d\d/, `${method} ${header}`);
    }
  }
  await alive(t, dav);
});

/** Counts open handles and drafts. */
class CountingFs extends MemoryFs {
  open_ = 0;

  override open(...args: Parameters<MemoryFs['open']>): FileHandle {
    const handle = super.open(...args);
    this.open_++;
    let closed = false;
    return {
      node: handle.node,
      attr: (context) => handle.attr(context),
      read: (into, position, context) => handle.read(into, position, context),
      write: (data, position, context) => handle.write(data, position, context),
      truncate: (size, context) => handle.truncate(size, context),
      sync: (context) => handle.sync(context),
      close: () => {
        if (!closed) this.open_--;
        closed = true;
        return handle.close();
      },
    };
  }
}

t.test('clients that disconnect leave nothing open', async (t) => {
  const fs = new CountingFs();
  const dav = await DavServer.start(t, { fs });
  await dav.ask('PUT', '/big', { body: Buffer.alloc(20_000_000) });
  const sockets: Socket[] = [];
  for (let i = 0; i < 5; i++) {
    const socket = connect(dav.port, '127.0.0.1');
    sockets.push(socket);
    socket.write(rawHead('GET /big'));
    await new Promise<void>((resolve) => socket.once('data', () => resolve()));
    socket.pause();
  }
  t.ok(fs.open_ > 0, 'streams are in progress');
  for (const socket of sockets) socket.destroy();
  while (fs.open_ > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  t.pass('all were closed');
  for (const path of ['/big', '/big?x']) {
    await dav.ask('GET', path, { headers: { 'If-Match': '"no"' } });
    await dav.ask('HEAD', path);
    await dav.ask('GET', path, { headers: { Range: 'bytes=99999999-' } });
    await dav.ask('GET', path, { headers: { Range: 'bytes=0-1,3-4' } });
  }
  t.equal(fs.open_, 0);
});

t.test('a client that reads nothing is disconnected', async (t) => {
  const fs = new CountingFs();
  const dav = await DavServer.start(t, { fs, limits: { sendIdle: 200 } });
  await dav.ask('PUT', '/big', { body: Buffer.alloc(20_000_000) });
  const socket = connect(dav.port, '127.0.0.1');
  socket.on('error', () => {});
  t.teardown(() => socket.destroy());
  socket.write(rawHead('GET /big'));
  await new Promise<void>((resolve) => socket.once('data', () => resolve()));
  socket.pause();
  while (fs.open_ > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  await alive(t, dav);
});

t.test('every error of the drive gets a response, and is logged once', async (t) => {
  class BrokenFs extends MemoryFs {
    error: Error | undefined;

    override lookup(...args: Parameters<MemoryFs['lookup']>): ReturnType<MemoryFs['lookup']> {
      if (this.error !== undefined) throw this.error;
      return super.lookup(...args);
    }
  }
  const fs = new BrokenFs();
  const logged: string[] = [];
  const note = (fields: object, message: string): void => void ('err' in fields && logged.push(message));
  const log: Log = { debug: note, info: note, warn: note, error: note };
  const dav = await DavServer.start(t, { fs, log });
  const cases: [Error, number][] = [
    [new TypeError('secret detail'), 500],
    [new FsError('EROFS', 'x', { reason: 'Backups are written by the backup alone.' }), 403],
    [new FsError('EAGAIN', 'x'), 503],
    [new FsError('ENOSPC', 'x'), 507],
  ];
  for (const [error, expected] of cases) {
    fs.error = error;
    logged.length = 0;
    const answer = await dav.ask('GET', '/a');
    t.equal(answer.status, expected, String(error));
    t.equal(logged.length, 1);
    t.notMatch(answer.text, 'secret');
    if (error instanceof FsError && error.reason !== undefined) t.match(answer.text, error.reason);
  }
});

t.test('a file that shrinks while it is sent aborts the response', async (t) => {
  class ShrinkingFs extends MemoryFs {
    override open(...args: Parameters<MemoryFs['open']>): FileHandle {
      const handle = super.open(...args);
      const read = handle.read.bind(handle);
      handle.read = (into, position, context) => (position > 1_000_000 ? 0 : read(into, position, context));
      return handle;
    }
  }
  const dav = await DavServer.start(t, { fs: new ShrinkingFs() });
  await dav.ask('PUT', '/big', { body: Buffer.alloc(5_000_000) });
  await t.rejects(dav.ask('GET', '/big'));
  await alive(t, dav);
});

t.test('pipelined requests get their responses in order', async (t) => {
  const dav = await DavServer.start(t);
  await dav.ask('PUT', '/a', { body: 'one' });
  const head = (target: string): string => `GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
  const answer = await dav.raw(head('/a') + head('/b') + rawHead('GET /a'));
  t.strictSame(answer.match(/HTTP\/1.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 404', 'HTTP/1.1 200']);
});

t.test('when the server closes, requests in progress are finished, and connections are not kept', async (t) => {
  const dav = await DavServer.start(t);
  const idle = connect(dav.port, '127.0.0.1');
  idle.on('error', () => {});
  const socket = connect(dav.port, '127.0.0.1');
  socket.write(`PUT /late HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n`);
  await new Promise<void>((resolve) => socket.once('data', () => resolve()));
  const closed = dav.server.close();
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk.toString()));
  const ended = new Promise((resolve) => socket.on('close', resolve));
  socket.write('late');
  await Promise.all([closed, ended]);
  t.match(answer, 'HTTP/1.1 201');
  t.match(answer, /Connection: close/i);
  t.equal(dav.fs.lookup(dav.fs.root, 'late', background).size, 4);
});
