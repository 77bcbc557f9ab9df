import t from 'tap';
import { DavServer } from '../helpers/dav-server.ts';

const mkcol = (...properties: string[]): string =>
  `<D:mkcol xmlns:D="DAV:" xmlns:x="urn:x" xmlns:A="http://apache.org/dav/props/"><D:set><D:prop>${properties.join('')}</D:prop></D:set></D:mkcol>`;
const COLLECTION = '<D:resourcetype><D:collection/></D:resourcetype>';
const XML = { 'Content-Type': 'application/xml; charset=utf-8' };

t.test('extended MKCOL creates a folder with its properties', async (t) => {
  const dav = await DavServer.start(t);
  t.match((await dav.ask('OPTIONS', '/')).headers, { dav: /extended-mkcol/ });
  const modified = '<D:getlastmodified>Mon, 01 Jan 2024 12:00:00 GMT</D:getlastmodified>';
  const body = mkcol(COLLECTION, '<x:colour>red</x:colour>', modified);
  t.equal((await dav.ask('MKCOL', '/d/', { headers: XML, body })).status, 201);
  const { text } = await dav.ask('PROPFIND', '/d/', { headers: { Depth: '0' } });
  t.match(text, '<x:colour xmlns:x="urn:x">red</x:colour>');
  t.match(text, '<D:getlastmodified>Mon, 01 Jan 2024 12:00:00 GMT');
  t.equal((await dav.ask('MKCOL', '/d/', { headers: XML, body })).status, 405);
  t.equal((await dav.ask('MKCOL', '/no/d', { headers: XML, body })).status, 409);
  t.equal((await dav.ask('MKCOL', '/plain', { headers: XML, body: mkcol(COLLECTION) })).status, 201);
  t.equal((await dav.ask('MKCOL', '/bare', { headers: XML, body: '<mkcol xmlns="DAV:"/>' })).status, 201);
});

t.test('all or none', async (t) => {
  const dav = await DavServer.start(t);
  const ask = (...properties: string[]) => dav.ask('MKCOL', '/d', { headers: XML, body: mkcol(...properties) });
  const exists = async () => (await dav.ask('PROPFIND', '/d', { headers: { Depth: '0' } })).status === 207;

  const computed = await ask(COLLECTION, '<x:colour>red</x:colour>', '<D:getetag>"x"</D:getetag>');
  t.equal(computed.status, 424);
  t.match(computed.text, /^<\?xml.*<D:mkcol-response .*<\/D:mkcol-response>$/);
  t.match(
    computed.text,
    '<D:getetag/></D:prop><D:status>HTTP/1.1 403 Forbidden</D:status><D:error><D:cannot-modify-protected-property>',
  );
  t.match(computed.text, '<D:resourcetype/><colour xmlns="urn:x"/></D:prop><D:status>HTTP/1.1 424');

  const calendar = await ask('<D:resourcetype><D:collection/><x:calendar/></D:resourcetype>');
  t.equal(calendar.status, 424);
  t.match(calendar.text, 'HTTP/1.1 403 Forbidden</D:status><D:error><D:valid-resourcetype>');
  t.match((await ask(COLLECTION, '<D:getlastmodified>soon</D:getlastmodified>')).text, 'HTTP/1.1 409');
  t.match((await ask(COLLECTION, '<A:executable>T</A:executable>')).text, 'HTTP/1.1 409');
  t.notOk(await exists());
});

t.test('bodies that are not a DAV:mkcol', async (t) => {
  const dav = await DavServer.start(t);
  const status = async (body: string, type: string | undefined) =>
    (await dav.ask('MKCOL', '/d', { body, headers: type === undefined ? {} : { 'Content-Type': type } })).status;
  t.equal(await status('afafafaf', 'xzy-foo/bar-512'), 415);
  t.equal(await status(mkcol(COLLECTION), undefined), 415);
  t.equal(await status('<a/>', 'text/xml'), 400);
  t.equal(await status('<D:mkcol xmlns:D="DAV:"><D:set/></D:mkcol>', 'text/xml'), 400);
  t.equal(await status('<mkcol', 'text/xml'), 400);
  t.equal((await dav.ask('PROPFIND', '/d', { headers: { Depth: '0' } })).status, 404);
});
