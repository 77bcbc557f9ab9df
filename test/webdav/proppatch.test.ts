import t from 'tap';
import { background } from '../../src/vfs/context.ts';
import { DavServer, LOCK_EXCLUSIVE } from '../helpers/dav-server.ts';
import type { Answer } from '../helpers/dav-server.ts';

const update = (...parts: string[]): string =>
  `<D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:" xmlns:A="http://apache.org/dav/props/" xmlns:x="urn:x">${parts.join('')}</D:propertyupdate>`;
const set = (xml: string): string => `<D:set><D:prop>${xml}</D:prop></D:set>`;
const remove = (xml: string): string => `<D:remove><D:prop>${xml}</D:prop></D:remove>`;

async function served(t: Parameters<typeof DavServer.start>[0]): Promise<DavServer> {
  const dav = await DavServer.start(t);
  await dav.ask('PUT', '/a', { body: 'x' });
  await dav.ask('MKCOL', '/d');
  return dav;
}

const patch = (dav: DavServer, path: string, ...parts: string[]): Promise<Answer> =>
  dav.ask('PROPPATCH', path, { body: update(...parts) });

async function read(dav: DavServer, path: string, xml: string): Promise<string> {
  const body = `<D:propfind xmlns:D="DAV:" xmlns:x="urn:x" xmlns:A="http://apache.org/dav/props/" xmlns:Z="urn:schemas-microsoft-com:"><D:prop>${xml}</D:prop></D:propfind>`;
  const { text } = await dav.ask('PROPFIND', path, { headers: { Depth: '0' }, body });
  return /<D:prop>(.*?)<\/D:prop><D:status>HTTP\/1.1 200 OK/.exec(text)?.[1] ?? '404';
}

t.test('dead properties are stored unchanged', async (t) => {
  const dav = await served(t);
  const value = '<x:p xml:lang="nb"><y xmlns="urn:y" z="1">hei &amp; hå 😀</y></x:p>';
  const answer = await patch(dav, '/a', set(value));
  t.equal(answer.status, 207);
  t.match(answer.text, '<p xmlns="urn:x"/></D:prop><D:status>HTTP/1.1 200 OK');
  t.equal(
    await read(dav, '/a', '<x:p/>'),
    '<x:p xmlns:x="urn:x" xml:lang="nb"><y xmlns="urn:y" z="1">hei &amp; hå 😀</y></x:p>',
  );
  t.match((await dav.ask('PROPFIND', '/a', { headers: { Depth: '0' } })).text, 'hei &amp; hå', 'in allprop');
  const names = await dav.ask('PROPFIND', '/a', {
    headers: { Depth: '0' },
    body: '<propfind xmlns="DAV:"><propname/></propfind>',
  });
  t.match(names.text, '<p xmlns="urn:x"/>');
  const long = `<q xmlns="urn:${'long'.repeat(100)}">v</q>`;
  await patch(dav, '/a', set(long));
  t.equal(await read(dav, '/a', long.replace('>v</q>', '/>')), long, 'a name longer than the limit for attributes');
});

t.test('in document order, all or none', async (t) => {
  const dav = await served(t);
  await patch(dav, '/a', set('<x:p>1</x:p>'), remove('<x:p/>'), set('<x:p>2</x:p><x:q>3</x:q>'), remove('<x:q/>'));
  t.match(await read(dav, '/a', '<x:p/>'), '>2<');
  t.equal(await read(dav, '/a', '<x:q/>'), '404');
  const mixed = await patch(dav, '/a', set('<x:p>9</x:p>'), set('<D:getetag>"x"</D:getetag>'));
  t.match(
    mixed.text,
    '<D:prop><D:getetag/></D:prop><D:status>HTTP/1.1 403 Forbidden</D:status><D:error><D:cannot-modify-protected-property>',
  );
  t.match(mixed.text, '<p xmlns="urn:x"/></D:prop><D:status>HTTP/1.1 424');
  t.match(await read(dav, '/a', '<x:p/>'), '>2<', 'nothing was changed');
  t.match((await patch(dav, '/a', remove('<x:never/>'))).text, '200 OK', 'removing a missing property is no error');
  t.match((await patch(dav, '/a', set('<D:foo>x</D:foo>'))).text, '403 Forbidden');
  t.match((await patch(dav, '/a', remove('<D:getlastmodified/>'))).text, '403 Forbidden');
});

t.test('properties follow MOVE and COPY', async (t) => {
  const dav = await served(t);
  await patch(dav, '/a', set('<x:p>v</x:p>'));
  await patch(dav, '/d', set('<x:p>w</x:p>'));
  await dav.ask('COPY', '/a', { headers: { Destination: '/d/copy' } });
  await dav.ask('MOVE', '/a', { headers: { Destination: '/d/moved' } });
  await dav.ask('COPY', '/d', { headers: { Destination: '/e' } });
  for (const path of ['/d/copy', '/d/moved', '/e/copy', '/e/moved'])
    t.match(await read(dav, path, '<x:p/>'), '>v<', path);
  t.match(await read(dav, '/e', '<x:p/>'), '>w<');
});

t.test('times are set, by every property for them', async (t) => {
  const dav = await served(t);
  const http = 'Sun, 06 Nov 1994 08:49:37 GMT';
  const named: Record<string, string> = {
    '/1': `<D:getlastmodified>${http}</D:getlastmodified>`,
    '/2': `<Z:Win32LastModifiedTime>${http}</Z:Win32LastModifiedTime>`,
    '/3': '<D:lastmodified>784111777</D:lastmodified>',
  };
  for (const [path, xml] of Object.entries(named)) {
    await dav.ask('PUT', path, { body: 'x' });
    t.match((await patch(dav, path, set(xml))).text, '200 OK', xml);
    t.equal((await dav.ask('HEAD', path)).headers['last-modified'], http, xml);
  }
  await patch(dav, '/a', set('<D:creationdate>1994-11-06T08:49:37Z</D:creationdate>'));
  t.match(await read(dav, '/a', '<D:creationdate/>'), '1994-11-06T08:49:37Z');
  await patch(
    dav,
    '/d',
    set(`<Z:Win32CreationTime>${http}</Z:Win32CreationTime>`),
    set(`<Z:Win32LastModifiedTime>${http}</Z:Win32LastModifiedTime>`),
  );
  t.match(await read(dav, '/d', '<D:creationdate/>'), '1994-11-06T08:49:37Z', 'folders, too');
  t.match(await read(dav, '/d', '<Z:Win32LastModifiedTime/>'), http);
  t.match((await patch(dav, '/a', set('<D:getlastmodified>yesterday</D:getlastmodified>'))).text, '409 Conflict');
  for (const none of [
    'Mon, 01 Jan 1601 00:00:00 GMT',
    'Thu, 01 Jan 1970 00:00:00 GMT',
    'Fri, 01 Jan 3000 00:00:00 GMT',
  ]) {
    t.match(
      (await patch(dav, '/1', set(`<Z:Win32LastModifiedTime>${none}</Z:Win32LastModifiedTime>`))).text,
      '200 OK',
      none,
    );
    t.equal((await dav.ask('HEAD', '/1')).headers['last-modified'], http, 'accepted and ignored');
  }
});

t.test('Windows attributes, and Apache executable', async (t) => {
  const dav = await served(t);
  const windows = '<Z:Win32LastAccessTime>Sun, 06 Nov 1994 08:49:37 GMT</Z:Win32LastAccessTime>';
  t.match(
    (await patch(dav, '/a', set(`${windows}<Z:Win32FileAttributes>00000020</Z:Win32FileAttributes>`))).text,
    '200 OK',
  );
  const id = dav.fs.lookup(dav.fs.root, 'a', background).id;
  t.strictSame(dav.fs.xattrs(id, background), {}, 'values without information are not stored');
  await patch(dav, '/a', set('<Z:Win32FileAttributes>00000022</Z:Win32FileAttributes>'));
  t.match(await read(dav, '/a', '<Z:Win32FileAttributes/>'), '00000022');
  await patch(dav, '/a', set('<Z:Win32FileAttributes>00000080</Z:Win32FileAttributes>'));
  t.equal(await read(dav, '/a', '<Z:Win32FileAttributes/>'), '404');
  t.match(await read(dav, '/a', '<A:executable/>'), '>F<');
  await patch(dav, '/a', set('<A:executable>T</A:executable>'));
  t.equal(dav.fs.getattr(id, background).mode & 0o111, 0o111 & (dav.fs.getattr(id, background).mode >> 2));
  t.match(await read(dav, '/a', '<A:executable/>'), '>T<');
  await patch(dav, '/a', set('<A:executable>F</A:executable>'));
  t.equal(dav.fs.getattr(id, background).mode & 0o111, 0);
  t.match((await patch(dav, '/a', set('<A:executable>maybe</A:executable>'))).text, '409');
});

t.test('locks and bad bodies', async (t) => {
  const dav = await served(t);
  await dav.ask('LOCK', '/a', { body: LOCK_EXCLUSIVE });
  t.equal((await patch(dav, '/a', set('<x:p>1</x:p>'))).status, 423);
  t.equal(
    (await patch(dav, '/a', set('<Z:Win32FileAttributes>0</Z:Win32FileAttributes>'))).status,
    207,
    'as Office does',
  );
  for (const body of [
    '',
    '<a/>',
    '<D:propertyupdate xmlns:D="DAV:"/>',
    update('<D:set/>'),
    update(set('')),
    update(set('<x:p>')),
    'x',
  ]) {
    t.equal((await dav.ask('PROPPATCH', '/d', { body })).status, 400, body);
  }
  t.equal((await patch(dav, '/none', set('<x:p>1</x:p>'))).status, 404);
});
