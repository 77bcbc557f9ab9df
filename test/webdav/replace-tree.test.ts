import t from 'tap';
import { background } from '../../src/vfs/context.ts';
import { FsError } from '../../src/vfs/fs-error.ts';
import type { Code } from '../../src/vfs/fs-error.ts';
import { DavServer, LOCK_EXCLUSIVE, tokenOf } from '../helpers/dav-server.ts';
import { MemoryFs } from '../helpers/memory-fs.ts';

/** Fails to copy the given names. */
class FailingFs extends MemoryFs {
  readonly failing = new Map<string, Code>();
  readonly copied: string[] = [];
  /** Called before each copy. */
  meanwhile: (name: string) => void = () => undefined;

  override copy(...args: Parameters<MemoryFs['copy']>): ReturnType<MemoryFs['copy']> {
    const { name } = this.getattr(args[0], background);
    this.meanwhile(name);
    const code = this.failing.get(name);
    if (code !== undefined) throw new FsError(code, 'copy', { subject: name });
    this.copied.push(name);
    return super.copy(...args);
  }
}

interface Site {
  readonly dav: DavServer;
  readonly fs: FailingFs;
  readonly copy: (from: string, to: string, headers?: Record<string, string>) => ReturnType<DavServer['ask']>;
  readonly text: (path: string) => Promise<string | number>;
  /** Names in a folder. */
  readonly names: (path: string) => Promise<string[]>;
}

async function site(t: Parameters<typeof DavServer.start>[0]): Promise<Site> {
  const fs = new FailingFs();
  const dav = await DavServer.start(t, { fs });
  for (const path of ['/new', '/new/sub', '/old', '/old/sub']) await dav.ask('MKCOL', path);
  for (const path of ['/new/a', '/new/sub/b', '/new/z']) await dav.ask('PUT', path, { body: 'new' });
  for (const path of ['/old/a', '/old/sub/x', '/file']) await dav.ask('PUT', path, { body: 'old' });
  return {
    dav,
    fs,
    copy: (from, to, headers = {}) => dav.ask('COPY', from, { headers: { Destination: to, ...headers } }),
    text: async (path) => {
      const answer = await dav.ask('GET', path);
      return answer.status === 200 ? answer.text : answer.status;
    },
    names: async (path) => {
      const { text } = await dav.ask('PROPFIND', path, { headers: { Depth: '1' } });
      return [...text.matchAll(/<D:href>([^<]*)</g)].map(([, href]) => href ?? '').slice(1);
    },
  };
}

t.test('a copy over a folder replaces it only once the copy is complete', async (t) => {
  const { fs, copy, text, names } = await site(t);
  const seen: (string | undefined)[] = [];
  const { root } = fs;
  fs.meanwhile = () => {
    const old = fs.lookup(root, 'old', background);
    seen.push(fs.readdir(old.id, { limit: 1 }, background).entries[0]?.name);
  };
  t.equal((await copy('/new/', '/old/')).status, 204);
  t.strictSame(new Set(seen), new Set(['a']), 'the old folder was there all the time');
  t.equal(seen.length, 5);
  t.equal(await text('/old/a'), 'new');
  t.equal(await text('/old/sub/b'), 'new');
  t.equal(await text('/old/sub/x'), 404);
  t.strictSame(await names('/'), ['/file', '/new/', '/old/'], 'and nothing is left over');
});

for (const code of ['EDQUOT', 'EACCES', 'ENOSPC'] as const) {
  t.test(`a copy of which one member fails (${code}) leaves the destination unchanged`, async (t) => {
    const { fs, copy, text, names } = await site(t);
    fs.failing.set('b', code);
    const answer = await copy('/new', '/old');
    t.equal(answer.status, 207);
    const status = code === 'EACCES' ? 403 : 507;
    t.match(answer.text, `<D:href>/old/sub/b</D:href><D:status>HTTP/1.1 ${status}`);
    t.match(answer.text, '<D:href>/old/</D:href><D:status>HTTP/1.1 424', 'says that it was not replaced');
    t.equal(await text('/old/a'), 'old');
    t.equal(await text('/old/sub/x'), 'old');
    t.strictSame(await names('/'), ['/file', '/new/', '/old/'], 'no partial copy is left over');
    t.equal((await copy('/new', '/file')).status, 207, 'a folder over a file');
    t.equal(await text('/file'), 'old');
    fs.failing.clear();
    t.equal((await copy('/new', '/file')).status, 204);
    t.equal(await text('/file/sub/b'), 'new');
  });
}

t.test('a file over a folder, or over a file, that cannot be copied', async (t) => {
  const { fs, copy, text, names } = await site(t);
  fs.failing.set('z', 'EDQUOT');
  t.equal((await copy('/new/z', '/old')).status, 507);
  t.equal((await copy('/new/z', '/file')).status, 507);
  t.equal(await text('/old/sub/x'), 'old');
  t.equal(await text('/file'), 'old');
  t.strictSame(await names('/'), ['/file', '/new/', '/old/']);
});

t.test('a client that disconnects in the middle loses nothing', async (t) => {
  const { dav, fs, text, names } = await site(t);
  let dropped: () => void = () => undefined;
  fs.meanwhile = (name) => {
    if (name === 'b') dropped();
  };
  const gone = new AbortController();
  dropped = () => gone.abort();
  const url = `http://127.0.0.1:${dav.port}/new`;
  await t.rejects(fetch(url, { method: 'COPY', headers: { Destination: '/old' }, signal: gone.signal }));
  // Completely or not at all: the server may have finished before it noticed the disconnect.
  await until(async () => (await names('/')).join() === '/file,/new/,/old/');
  const now = [await text('/old/a'), await text('/old/sub/x'), await text('/old/sub/b')];
  t.ok(now.join() === 'old,old,404' || now.join() === 'new,404,new', now.join());
});

t.test('locked members are named, and nothing is changed partially', async (t) => {
  const { dav, copy, text } = await site(t);
  const lock = async (path: string) => tokenOf(await dav.ask('LOCK', path, { body: LOCK_EXCLUSIVE }));
  const inner = await lock('/old/sub/x');
  const other = await lock('/old/a');
  const refused = [
    await dav.ask('DELETE', '/old'),
    await copy('/new', '/old'),
    await dav.ask('MOVE', '/old', { headers: { Destination: '/moved' } }),
    await dav.ask('MOVE', '/new', { headers: { Destination: '/old' } }),
  ];
  for (const answer of refused) {
    t.equal(answer.status, 423);
    t.match(answer.text, /<D:lock-token-submitted>.*<D:href>\/old\/sub\/x<\/D:href>.*<\/D:lock-token-submitted>/);
    t.match(answer.text, '<D:href>/old/a</D:href>');
  }
  t.equal(await text('/old/sub/x'), 'old');
  t.equal(await text('/old/a'), 'old');
  t.equal(await text('/new/sub/b'), 'new');
  const one = await dav.ask('DELETE', '/old', { headers: { If: `</old/a> (<${other}>)` } });
  t.equal(one.status, 423, 'one token of two');
  t.match(one.text, '<D:href>/old/sub/x</D:href>');
  t.notMatch(one.text, '<D:href>/old/a</D:href>');
  const both = `</old/a> (<${other}>) </old/sub/x> (<${inner}>)`;
  t.equal((await dav.ask('DELETE', '/old', { headers: { If: both } })).status, 204);
  t.equal((await dav.ask('PUT', '/old', { body: 'free' })).status, 201, 'and the locks are removed with it');
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; !(await holds());) {
    if (Date.now() > end) throw new Error('it does not come true');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
