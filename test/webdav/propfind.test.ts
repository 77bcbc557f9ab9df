import t from 'tap';
import { background } from '../../src/vfs/context.ts';
import type { Attr } from '../../src/vfs/node.ts';
import { textOf, elementsOf } from '../../src/webdav/xml/element.ts';
import type { XmlElement } from '../../src/webdav/xml/element.ts';
import { XmlReader } from '../../src/webdav/xml/reader.ts';
import { DavServer, LOCK_EXCLUSIVE } from '../helpers/dav-server.ts';
import type { Answer } from '../helpers/dav-server.ts';
import { MemoryFs } from '../helpers/memory-fs.ts';

/** href → status → property (Clark name) → text. */
type Rows = Record<string, Record<string, Record<string, string>>>;

function rowsOf({ text }: Answer): Rows {
  const reader = new XmlReader();
  reader.write(Buffer.from(text));
  const rows: Rows = {};
  for (const response of elementsOf(reader.end() as XmlElement)) {
    const [href, ...propstats] = elementsOf(response);
    const row: Rows[string] = {};
    for (const propstat of propstats) {
      const [prop, status] = elementsOf(propstat) as [XmlElement, XmlElement];
      const code = textOf(status).split(' ')[1] ?? '';
      row[code] = Object.fromEntries(elementsOf(prop).map((p) => [`{${p.namespace}}${p.name}`, textOf(p)]));
    }
    rows[textOf(href as XmlElement)] = row;
  }
  return rows;
}

const named = (...names: string[]): string =>
  `<propfind xmlns="DAV:"><prop>${names.map((n) => `<${n}/>`).join('')}</prop></propfind>`;

async function served(t: Parameters<typeof DavServer.start>[0]): Promise<DavServer> {
  const dav = await DavServer.start(t);
  await dav.ask('MKCOL', '/d');
  await dav.ask('MKCOL', '/d/sub');
  await dav.ask('PUT', '/d/a%20%26%20%23%3F%25%3B.txt', { body: 'hello' });
  return dav;
}

const find = (dav: DavServer, path: string, depth: string, body?: string, more = {}) =>
  dav.ask('PROPFIND', path, { headers: { Depth: depth, ...more }, ...(body !== undefined && { body }) });

t.test('allprop is lean', async (t) => {
  const dav = await served(t);
  const answer = await find(dav, '/d', '1');
  t.equal(answer.status, 207);
  const rows = rowsOf(answer);
  t.strictSame(Object.keys(rows), ['/d/', '/d/a%20%26%20%23%3F%25%3B.txt', '/d/sub/']);
  const file = rows['/d/a%20%26%20%23%3F%25%3B.txt']?.['200'] ?? {};
  const names = [
    'resourcetype',
    'creationdate',
    'getlastmodified',
    'getcontentlength',
    'getetag',
    'getcontenttype',
    'displayname',
  ];
  t.strictSame(
    Object.keys(file),
    names.map((name) => `{DAV:}${name}`),
  );
  t.equal(file['{DAV:}displayname'], 'a & #?%;.txt');
  t.equal(file['{DAV:}getcontentlength'], '5');
  t.match(file['{DAV:}creationdate'], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  t.match(file['{DAV:}getlastmodified'], / GMT$/);
  t.equal(rows['/d/sub/']?.['200']?.['{DAV:}getcontentlength'], undefined);
  t.notMatch(answer.text, '404');
});

t.test('named properties, and missing ones', async (t) => {
  const dav = await served(t);
  const body =
    '<propfind xmlns="DAV:" xmlns:x="urn:x"><prop><getcontentlength/><x:y/><source/><resourcetype/><n xmlns=""/></prop></propfind>';
  const row = rowsOf(await find(dav, '/d', '0', body))['/d/'];
  t.strictSame(Object.keys(row?.['200'] ?? {}), ['{DAV:}resourcetype']);
  t.strictSame(Object.keys(row?.['404'] ?? {}), ['{DAV:}getcontentlength', '{urn:x}y', '{DAV:}source', '{}n']);
  const minimal = await find(dav, '/d', '0', body, { Prefer: 'return=minimal' });
  t.strictSame(Object.keys(rowsOf(minimal)['/d/'] ?? {}), ['200']);
  t.strictSame(Object.keys(rowsOf(await find(dav, '/d', '0', body, { Brief: 't' }))['/d/'] ?? {}), ['200']);
});

t.test('propname and include', async (t) => {
  const dav = await served(t);
  const names =
    rowsOf(await find(dav, '/d/sub', '0', '<propfind xmlns="DAV:"><propname/></propfind>'))['/d/sub/']?.['200'] ?? {};
  t.ok('{DAV:}supportedlock' in names && '{DAV:}resourcetype' in names);
  t.notOk('{DAV:}getcontentlength' in names);
  t.strictSame(Object.values(names).filter(Boolean), [], 'no values');
  const body = '<propfind xmlns="DAV:"><allprop/><include><supportedlock/><nonesuch/></include></propfind>';
  const both = rowsOf(await find(dav, '/d/sub', '0', body))['/d/sub/'];
  t.ok('{DAV:}supportedlock' in (both?.['200'] ?? {}) && '{DAV:}creationdate' in (both?.['200'] ?? {}));
  t.strictSame(Object.keys(both?.['404'] ?? {}), ['{DAV:}nonesuch']);
});

t.test('depths', async (t) => {
  const dav = await served(t);
  const infinite = await find(dav, '/d', 'infinity');
  t.equal(infinite.status, 403);
  t.match(infinite.text, '<D:propfind-finite-depth');
  t.equal((await dav.ask('PROPFIND', '/d')).status, 403, 'no Depth means infinity');
  t.equal((await find(dav, '/d', '2')).status, 400);
  t.equal((await find(dav, '/d/a%20%26%20%23%3F%25%3B.txt', 'infinity')).status, 207, 'a file has no members');
  t.equal((await find(dav, '/', '0')).status, 207);
  t.equal((await find(dav, '/none', '0')).status, 404);
});

t.test('bad bodies', async (t) => {
  const dav = await served(t);
  const bad = [
    '<propfind xmlns="DAV:">',
    '<a/>',
    'x',
    '<propfind xmlns="DAV:"/>',
    '<propfind xmlns="DAV:"><allprop/><propname/></propfind>',
  ];
  bad.push(
    '<D:propfind xmlns:D="DAV:"><D:prop><x:y xmlns:x=""/></D:prop></D:propfind>',
    '<!DOCTYPE a><propfind xmlns="DAV:"><allprop/></propfind>',
  );
  for (const body of bad) t.equal((await find(dav, '/d', '0', body)).status, 400, body);
  const big = `<propfind xmlns="DAV:"><!--${'x'.repeat(10 * 1024 * 1024)}--><allprop/></propfind>`;
  t.equal((await find(dav, '/d', '0', big)).status, 413, '10 MiB');
  t.equal((await find(dav, '/d', '0', big, { 'Transfer-Encoding': 'chunked' })).status, 413, '10 MiB, not announced');
  const bomb = `<propfind xmlns="DAV:"><prop>${'<a/>'.repeat(30_000)}</prop></propfind>`;
  t.equal((await find(dav, '/d', '0', bomb)).status, 413);
  t.equal((await find(dav, '/d', '0', named('getetag'))).status, 207, 'and the server keeps running');
});

t.test('quota is sent only if named, and not to macOS versions that stall', async (t) => {
  const dav = await served(t);
  const body = named('quota-available-bytes', 'quota-used-bytes');
  t.notMatch((await find(dav, '/', '0')).text, 'quota');
  const told = rowsOf(await find(dav, '/', '0', body))['/']?.['200'] ?? {};
  t.match(Object.values(told), [/^\d+$/, /^\d+$/]);
  const ask = async (agent: string): Promise<boolean> =>
    '200' in (rowsOf(await find(dav, '/', '0', body, { 'User-Agent': agent }))['/'] ?? {});
  t.equal(await ask('WebDAVFS/3.0.0 (03008000) Darwin/24.3.0 (arm64)'), true);
  t.equal(await ask('WebDAVFS/3.0.0 (03008000) Darwin/24.4.0 (arm64)'), false);
  t.equal(await ask('WebDAVFS/3.0.0 (03008000) Darwin/25.0.0 (arm64)'), false);
  t.equal(await ask('davfs2/1.6.1 neon/0.32.2'), true);
  const never = await DavServer.start(t, { quota: 'never' });
  t.notOk('200' in (rowsOf(await find(never, '/', '0', body))['/'] ?? {}));
  const always = await DavServer.start(t, { quota: 'named' });
  const mac = { 'User-Agent': 'WebDAVFS/3.0.0 (03008000) Darwin/25.0.0 (arm64)' };
  t.ok('200' in (rowsOf(await find(always, '/', '0', body, mac))['/'] ?? {}));
});

t.test('lockdiscovery lists locks, also for children of a locked folder', async (t) => {
  const dav = await served(t);
  await dav.ask('LOCK', '/d/', { body: LOCK_EXCLUSIVE });
  const answer = await find(dav, '/d/', '1', named('lockdiscovery'));
  t.equal(answer.text.match(/<D:activelock>/g)?.length, 3);
  t.match(answer.text, '<D:lockroot><D:href>/d/</D:href></D:lockroot>');
  t.match(answer.text, '<D:owner><D:href xmlns:D="DAV:">me</D:href></D:owner>');
  t.match((await find(dav, '/d/', '0')).text, '<D:activelock>', 'in allprop if there is one');
  t.notMatch((await find(dav, '/', '0')).text, 'lockdiscovery');
});

t.test('names that XML cannot contain do not break the listing', async (t) => {
  const dav = await DavServer.start(t);
  for (const name of ['bell\u0007', 'é', '😀', 'a<b>&"c"', '\ufffe'])
    await dav.fs.create(dav.fs.root, name, {}, { read: false, write: true }, background).close();
  const rows = rowsOf(await find(dav, '/', '1', named('displayname')));
  const names = Object.values(rows).map((row) => row['200']?.['{DAV:}displayname']);
  t.strictSame(names, ['', 'a<b>&"c"', 'bell', 'é', undefined, '😀']);
});

/** Serves a listing page by page, and records how far it was read. */
class CountingFs extends MemoryFs {
  served = 0;
  listed = 0;

  override readdir(...args: Parameters<MemoryFs['readdir']>): ReturnType<MemoryFs['readdir']> {
    const [folder, { after, limit }] = args;
    const start = after === undefined ? 0 : Number(after.slice(1)) + 1;
    const template = super.getattr(folder, background);
    const count = Math.min(limit, this.listed - start);
    this.served = start + count;
    const entry = (i: number): Attr => ({ ...template, id: `n${i}`, kind: 'file', name: `f${i}` });
    return { entries: Array.from({ length: count }, (_, i) => entry(start + i)), more: start + count < this.listed };
  }
}

t.test('a client that does not read pauses the listing, so memory does not depend on its length', async (t) => {
  const fs = new CountingFs();
  fs.listed = 1_000_000;
  const dav = await DavServer.start(t, { fs });
  const { connect } = await import('node:net');
  const socket = connect(dav.port, '127.0.0.1');
  socket.pause();
  t.teardown(() => socket.destroy());
  socket.write(
    `PROPFIND / HTTP/1.1\r\nHost: localhost\r\nDepth: 1\r\nContent-Length: ${named('getetag').length}\r\n\r\n${named('getetag')}`,
  );
  let before = -1;
  while (before !== fs.served || fs.served === 0) {
    before = fs.served;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  t.ok(fs.served < 500_000, `${fs.served} rows were read`);
});

t.test('a listing of 50,000 is complete', async (t) => {
  const fs = new CountingFs();
  fs.listed = 50_000;
  const dav = await DavServer.start(t, { fs });
  const { text } = await find(dav, '/', '1', named('getcontentlength'));
  t.equal(text.match(/<D:response>/g)?.length, 50_001);
  t.match(text.slice(-40), '</D:multistatus>');
});

t.test('a failure in the middle aborts the response, so that no client takes a part for the whole', async (t) => {
  class FailingFs extends CountingFs {
    override readdir(...args: Parameters<MemoryFs['readdir']>): ReturnType<MemoryFs['readdir']> {
      if (args[1].after !== undefined) throw new Error('the disk is on fire');
      return super.readdir(...args);
    }
  }
  const fs = new FailingFs();
  fs.listed = 5000;
  const dav = await DavServer.start(t, { fs });
  await t.rejects(find(dav, '/', '1', named('getetag')));
  t.equal((await find(dav, '/', '0', named('getetag'))).status, 207, 'and the server keeps running');
});

t.test('where the content of a file is, is a live property of Fjord', async (t) => {
  class FactualFs extends MemoryFs {
    facts(): Readonly<Record<string, string>> {
      return { availability: 'pinned', pinned: 'yes', version: '1' };
    }
  }
  const dav = await DavServer.start(t, { fs: new FactualFs() });
  await dav.ask('PUT', '/a', { body: 'x' });
  const body =
    '<propfind xmlns="DAV:"><prop><availability xmlns="urn:fjord:dav"/><none xmlns="urn:fjord:dav"/></prop></propfind>';
  t.match(rowsOf(await find(dav, '/a', '0', body))['/a'], {
    200: { '{urn:fjord:dav}availability': 'pinned' },
    404: { '{urn:fjord:dav}none': '' },
  });
  t.notMatch((await find(dav, '/a', '0')).text, /availability/, 'clients would store what allprop has');
  t.match((await find(dav, '/a', '0', '<propfind xmlns="DAV:"><propname/></propfind>')).text, /availability/);
  const set =
    '<propertyupdate xmlns="DAV:"><set><prop><availability xmlns="urn:fjord:dav">x</availability></prop></set></propertyupdate>';
  t.match((await dav.ask('PROPPATCH', '/a', { body: set })).text, /403 Forbidden/);
});
