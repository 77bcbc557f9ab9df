import t, { type Test } from 'tap';
import { background } from '../../../src/vfs/context.ts';
import { LibraryServer } from '../../../src/webdav/adapter/library-server.ts';
import { MemoryFs } from '../../helpers/memory-fs.ts';

const authorization = `Basic ${Buffer.from('ann:sécret+/').toString('base64')}`;

async function start(t: Test): Promise<{ url: string; fs: MemoryFs; errors: unknown[] }> {
  const errors: unknown[] = [];
  const fs = new MemoryFs();
  const server = new LibraryServer({ fs, user: 'ann', password: 'sécret+/', onError: (error) => errors.push(error) });
  await server.listen({ port: 0 });
  t.teardown(() => server.close());
  return { url: server.url, fs, errors };
}

t.test('a drive is served through webdav-server', async (t) => {
  const { url, fs } = await start(t);
  const call = (method: string, path: string, init: RequestInit = {}) =>
    fetch(url + path, { ...init, method, headers: { authorization, ...init.headers } });

  t.equal((await call('MKCOL', 'folder')).status, 201);
  t.equal((await call('PUT', 'folder/a.txt', { body: 'one' })).status, 201);
  t.equal(await (await call('GET', 'folder/a.txt')).text(), 'one');
  t.equal((await call('PUT', 'folder/a.txt', { body: 'second' })).status, 200);
  t.equal(await (await call('GET', 'folder/a.txt')).text(), 'second');

  const listing = await (await call('PROPFIND', 'folder/', { headers: { depth: '1' } })).text();
  t.match(listing, 'a.txt');
  t.match(listing, /getcontentlength>6</);

  const to = (name: string) => ({ headers: { destination: `${url}folder/${name}`, overwrite: 'T' } });
  t.equal((await call('COPY', 'folder/a.txt', to('b.txt'))).status, 201);
  t.equal((await call('MOVE', 'folder/a.txt', to('b.txt'))).status, 204);
  t.equal((await call('GET', 'folder/a.txt')).status, 404);
  t.equal(await (await call('GET', 'folder/b.txt')).text(), 'second');
  t.equal((await call('DELETE', 'folder')).status, 200);
  await t.rejects(async () => fs.lookup(fs.root, 'folder', background), { code: 'ENOENT' });
});

t.test('properties are stored with the node', async (t) => {
  const { url } = await start(t);
  const call = (method: string, path: string, body?: string, headers = {}) =>
    fetch(url + path, { method, headers: { authorization, ...headers }, ...(body === undefined ? {} : { body }) });
  await call('PUT', 'a', 'x');
  const patch = '<propertyupdate xmlns="DAV:"><set><prop><c xmlns="urn:x">red</c></prop></set></propertyupdate>';
  t.equal((await call('PROPPATCH', 'a', patch)).status, 207);
  t.equal((await call('MOVE', 'a', undefined, { destination: `${url}b`, overwrite: 'T' })).status, 201);
  t.match(await (await call('PROPFIND', 'b', undefined, { depth: '0' })).text(), 'red');
});

t.test('requests without the password, from another host or from a web page are refused', async (t) => {
  const { url } = await start(t);
  t.equal((await fetch(url)).status, 401);
  t.equal((await fetch(url, { headers: { authorization: `Basic ${btoa('ann:wrong')}` } })).status, 401);
  t.equal((await fetch(url, { headers: { authorization, origin: 'http://evil.example' } })).status, 403);
  t.equal((await fetch(`${url}a`, { method: 'POST', headers: { authorization }, body: 'x' })).status, 501);
});

t.test('requests that end a bare webdav-server get a response', async (t) => {
  const { url, errors } = await start(t);
  const call = (method: string, path: string, headers = {}) =>
    fetch(url + path, { method, headers: { authorization, ...headers } });
  t.equal((await call('GET', '%')).status, 400);
  t.equal((await call('COPY', 'a', { destination: '/%zz' })).status, 400);
  t.equal((await call('MKCOL', 'new', { if: '(<opaquelocktoken:none>)' })).status, 500);
  t.equal(errors.length, 1, 'the error was reported');
  t.equal((await call('PROPFIND', '', { depth: '0' })).status, 207, 'and the server keeps running');
});
