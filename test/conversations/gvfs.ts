import type { Step } from './conversation.ts';

/** GNOME's gvfs: HEAD before PUT, both with `If-Match` on replacing; modification times by `X-OC-Mtime`; never a lock. */
const PROPS =
  '<?xml version="1.0" encoding="utf-8" ?><D:propfind xmlns:D="DAV:"><D:prop><D:creationdate/><D:displayname/><D:getcontentlength/><D:getcontenttype/><D:getetag/><D:getlastmodified/><D:resourcetype/></D:prop></D:propfind>';

const agent = { 'user-agent': 'gvfs/1.50.3', 'accept-language': 'en-us, en;q=0.9' };
const find = (depth: string) => ({ ...agent, depth, 'content-type': 'application/xml' });
const there = (status: number) => ({ Sync: status, Backup: 404, Archive: status });

export const gvfs: readonly Step[] = [
  { method: 'OPTIONS', path: '', headers: agent, status: 200, has: { dav: /1/ } },
  { method: 'PROPFIND', path: '', headers: find('1'), body: PROPS, status: 207, says: /displayname/ },
  { method: 'OPTIONS', path: '/', headers: agent, status: 200, has: { dav: /1/ } },
  { method: 'PROPFIND', path: '/', headers: find('1'), body: PROPS, status: 207, says: /Sync/ },
  { method: 'HEAD', path: 'notes.md', headers: agent, status: 404 },
  {
    method: 'PUT',
    path: 'notes.md',
    headers: { ...agent, 'x-oc-mtime': '1583226123', overwrite: 'F' },
    body: '# one\n',
    status: { Sync: 201, Backup: 403, Archive: 201 },
    has: { etag: /^"[^"]+"$/, 'x-oc-mtime': /accepted/ },
  },
  {
    method: 'PROPFIND',
    path: 'notes.md',
    headers: find('0'),
    body: PROPS,
    status: there(207),
    says: /Tue, 03 Mar 2020 09:02:03 GMT/,
  },
  {
    method: 'HEAD',
    path: 'notes.md',
    headers: { ...agent, 'if-match': '{etag}' },
    status: there(200),
    has: { etag: /^"/ },
  },
  {
    method: 'PUT',
    path: 'notes.md',
    headers: { ...agent, 'if-match': '{etag}' },
    body: '# two\n',
    status: { Sync: 204, Backup: 412, Archive: 204 },
    has: { etag: /^"/ },
  },
  { method: 'HEAD', path: 'notes.md', headers: { ...agent, 'if-match': '"of yesterday"' }, status: there(412) },
  {
    method: 'PUT',
    path: 'notes.md',
    headers: { ...agent, 'if-match': '"of yesterday"' },
    body: '# lost?\n',
    status: { Sync: 412, Backup: 412, Archive: 412 },
  },
  { method: 'GET', path: 'notes.md', headers: agent, status: there(200), says: /^# two\n$/ },
  {
    method: 'COPY',
    path: 'notes.md',
    headers: { ...agent, destination: '{folder}copy.md', overwrite: 'F', depth: 'infinity' },
    status: there(201),
  },
  {
    method: 'MOVE',
    path: 'copy.md',
    headers: { ...agent, destination: '{folder}notes.md', overwrite: 'F' },
    status: there(412),
  },
  {
    method: 'MOVE',
    path: 'copy.md',
    headers: { ...agent, destination: '{folder}notes.md', overwrite: 'T' },
    status: there(204),
  },
  { method: 'MKCOL', path: 'no/such/parent', headers: agent, status: 409 },
];
