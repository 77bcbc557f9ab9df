import t from 'tap';
import { background } from '../../src/vfs/context.ts';
import { FsError } from '../../src/vfs/fs-error.ts';
import type { Attr } from '../../src/vfs/node.ts';
import { DavServer } from '../helpers/dav-server.ts';
import { MemoryFs } from '../helpers/memory-fs.ts';

/** Two mounts: renames between `/one` and `/two` are refused, and nodes named `secret` cannot be copied. */
class TwoMounts extends MemoryFs {
  override rename(...args: Parameters<MemoryFs['rename']>): ReturnType<MemoryFs['rename']> {
    const [from, to] = args;
    if (this.#mount(from.parent) !== this.#mount(to.parent)) throw new FsError('EXDEV', 'rename');
    return super.rename(...args);
  }

  override copy(...args: Parameters<MemoryFs['copy']>): ReturnType<MemoryFs['copy']> {
    if (this.getattr(args[0], background).name === 'secret') {
      throw new FsError('EACCES', 'copy', { reason: 'This one stays where it is.' });
    }
    return super.copy(...args);
  }

  #mount(id: string): string {
    const attr = this.getattr(id, background);
    return attr.parent === this.root ? attr.name : this.#mount(attr.parent);
  }
}

async function served(t: Parameters<typeof DavServer.start>[0], fs = new MemoryFs()): Promise<DavServer> {
  const dav = await DavServer.start(t, { fs });
  for (const path of ['/one', '/two', '/one/d', '/one/d/sub']) await dav.ask('MKCOL', path);
  await dav.ask('PUT', '/one/d/a', { body: 'a' });
  await dav.ask('PUT', '/one/d/sub/b', { body: 'b' });
  await dav.ask('PUT', '/one/f', { body: 'f' });
  return dav;
}

const to = (dav: DavServer, method: string, path: string, destination: string, headers: Record<string, string> = {}) =>
  dav.ask(method, path, { headers: { Destination: destination, ...headers } });

const text = async (dav: DavServer, path: string): Promise<string | number> => {
  const answer = await dav.ask('GET', path);
  return answer.status === 200 ? answer.text : answer.status;
};

t.test('MKCOL', async (t) => {
  const dav = await served(t);
  t.equal((await dav.ask('MKCOL', '/new/')).status, 201);
  t.equal((await dav.ask('MKCOL', '/new')).status, 405);
  t.equal((await dav.ask('MKCOL', '/one/f')).status, 405);
  t.equal((await dav.ask('MKCOL', '/')).status, 405);
  t.equal((await dav.ask('MKCOL', '/no/new')).status, 409);
  t.equal((await dav.ask('MKCOL', '/one/f/new')).status, 409);
  t.equal((await dav.ask('MKCOL', '/x', { body: '<a/>' })).status, 415);
});

t.test('DELETE', async (t) => {
  const dav = await served(t);
  t.equal((await dav.ask('DELETE', '/one/d', { headers: { Depth: '0' } })).status, 400);
  t.equal((await dav.ask('DELETE', '/one/f', { headers: { 'If-Match': '"x"' } })).status, 412);
  t.equal((await dav.ask('DELETE', '/one/d/')).status, 204);
  t.equal(await text(dav, '/one/d/a'), 404);
  t.equal((await dav.ask('DELETE', '/one/d')).status, 404);
  t.equal((await dav.ask('DELETE', '/')).status, 403);
  t.match(await dav.raw('DELETE /one/#f HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'), /^HTTP\/1.1 400/);
  t.equal(await text(dav, '/one/f'), 'f');
});

t.test('COPY', async (t) => {
  const dav = await served(t);
  t.equal((await to(dav, 'COPY', '/one/f', '/two/f')).status, 201);
  t.equal(
    (await to(dav, 'COPY', '/one/d/a', `http://localhost:${dav.port}/two/f`)).status,
    204,
    'Overwrite is T by default',
  );
  t.equal(await text(dav, '/two/f'), 'a');
  t.equal((await to(dav, 'COPY', '/one/f', '/two/f', { Overwrite: 'F' })).status, 412);
  t.equal((await to(dav, 'COPY', '/one/f', '/two/f', { Overwrite: 'maybe' })).status, 400);
  t.equal((await to(dav, 'COPY', '/one/d/', '/two/d/')).status, 201);
  t.equal(await text(dav, '/two/d/sub/b'), 'b');
  t.equal((await to(dav, 'COPY', '/one/d', '/two/shallow', { Depth: '0' })).status, 201);
  t.equal(await text(dav, '/two/shallow/a'), 404);
  t.equal((await to(dav, 'COPY', '/one/d', '/two/x', { Depth: '1' })).status, 400);
  t.equal((await to(dav, 'COPY', '/one/f', '/two/g', { Depth: 'infinity' })).status, 201);
  t.equal((await to(dav, 'COPY', '/one/f', '/two/d')).status, 204, 'a file replaces a folder');
  t.equal(await text(dav, '/two/d'), 'f');
  t.equal((await to(dav, 'COPY', '/one/d', '/two/f')).status, 204, 'and a folder replaces a file');
  t.equal(await text(dav, '/two/f/a'), 'a');
  t.equal((await to(dav, 'COPY', '/one/f', '/two/h', { 'If-Match': '"x"' })).status, 412);
});

t.test('destinations', async (t) => {
  const dav = await served(t);
  const status = async (destination: string): Promise<number> => (await to(dav, 'COPY', '/one/f', destination)).status;
  t.equal((await dav.ask('COPY', '/one/f')).status, 400);
  t.equal(await status('http://elsewhere.example/x'), 502);
  t.equal(await status('http://localhost:1/x'), 502, 'another port');
  t.equal(await status(`http://127.0.0.1:${dav.port}/n1`), 201, 'another name of the same');
  t.equal(await status(`https://[::1]:${dav.port}/n2`), 201);
  t.equal(await status('x'), 400);
  t.equal(await status('/%zz'), 400);
  t.equal(await status('/a/../b'), 400);
  t.equal(await status('/no/such'), 409);
  t.equal(await status('/one/f'), 403, 'itself');
  t.equal(await status('/'), 403);
  t.equal(await status(`/${'x'.repeat(256)}`), 414);
  t.equal((await to(dav, 'COPY', '/one/d', '/one/d/sub/c')).status, 403, 'into itself');
  t.equal((await to(dav, 'MOVE', '/one/d', '/one/d/c')).status, 403);
  t.equal((await to(dav, 'MOVE', '/one/d/sub', '/one/d')).status, 403, 'over its own parent');
  t.equal((await to(dav, 'COPY', '/one/none', '/x')).status, 404);
  t.equal((await to(dav, 'MOVE', '/', '/x')).status, 403);
  t.equal(await text(dav, '/one/d/sub/b'), 'b', 'nothing was lost');
});

t.test('MOVE', async (t) => {
  const dav = await served(t);
  const id = (path: string): Attr =>
    path
      .split('/')
      .reduce((at: Attr, name) => dav.fs.lookup(at.id, name, background), dav.fs.getattr(dav.fs.root, background));
  const before = id('one/f').id;
  t.equal((await to(dav, 'MOVE', '/one/f', '/one/g')).status, 201);
  t.equal(id('one/g').id, before, 'the same node');
  t.equal((await to(dav, 'MOVE', '/one/g', '/one/d/a')).status, 204, 'no Overwrite: as Finder does');
  t.equal(await text(dav, '/one/d/a'), 'f');
  await dav.ask('PUT', '/one/g', { body: 'g' });
  t.equal((await to(dav, 'MOVE', '/one/g', '/one/d/a', { Overwrite: 'F' })).status, 412);
  t.equal((await to(dav, 'MOVE', '/one/g', '/one/d')).status, 204, 'a file replaces a folder that is not empty');
  t.equal(await text(dav, '/one/d'), 'g');
  await dav.ask('MKCOL', '/one/e');
  await dav.ask('PUT', '/one/e/x', { body: 'x' });
  t.equal(
    (await to(dav, 'MOVE', '/one/e', '/one/d', { Depth: 'infinity' })).status,
    204,
    'and a folder replaces a file',
  );
  t.equal(await text(dav, '/one/d/x'), 'x');
  t.equal((await to(dav, 'MOVE', '/one/d', '/one/z', { Depth: '0' })).status, 400);
  await dav.ask('MKCOL', '/one/full');
  await dav.ask('PUT', '/one/full/y', { body: 'y' });
  t.equal((await to(dav, 'MOVE', '/one/d', '/one/full')).status, 204, 'both not empty');
  t.equal(await text(dav, '/one/full/x'), 'x');
  t.equal(await text(dav, '/one/full/y'), 404);
});

t.test('MOVE between mounts is refused with a reason, and changes nothing', async (t) => {
  const dav = await served(t, new TwoMounts());
  await dav.ask('PUT', '/two/f', { body: 'old' });
  for (const [from, destination] of [
    ['/one/d', '/two/d'],
    ['/one/f', '/two/g'],
    ['/one/f', '/two/f'],
    ['/one/d', '/two/f'],
  ] as const) {
    const refused = await to(dav, 'MOVE', from, destination);
    t.equal(refused.status, 403, `${from} to ${destination}`);
    t.match(refused.text, /different mounts; copy the file, then delete the original/, 'in words');
  }
  t.equal(await text(dav, '/one/d/sub/b'), 'b');
  t.equal(await text(dav, '/one/f'), 'f');
  t.equal(await text(dav, '/two/f'), 'old');
  t.equal((await dav.ask('PROPFIND', '/two/d', { headers: { Depth: '0' } })).status, 404);
  t.equal((await dav.ask('PROPFIND', '/two/g', { headers: { Depth: '0' } })).status, 404);
});

t.test('failing members are named, the others copied', async (t) => {
  const dav = await served(t, new TwoMounts());
  await dav.ask('PUT', '/one/d/sub/secret', { body: 's' });
  const copied = await to(dav, 'COPY', '/one/d', '/two/d');
  t.equal(copied.status, 207);
  t.match(copied.text, '<D:href>/two/d/sub/secret</D:href><D:status>HTTP/1.1 403 Forbidden</D:status>');
  t.match(copied.text, 'This one stays where it is.');
  t.equal(copied.text.match(/<D:response>/g)?.length, 1);
  t.equal(await text(dav, '/two/d/sub/b'), 'b');
  t.equal((await to(dav, 'COPY', '/one/d/sub/secret', '/two/s')).status, 403);
});
