import type { Step } from './conversation.ts';

/**
 * Windows' WebClient (Explorer): OPTIONS and PROPFIND on every ancestor, allprop without a body; PUT of nothing, LOCK,
 * PROPPATCH of Win32 times, HEAD, PUT, PROPPATCH, UNLOCK.
 */
const LOCK =
  '<?xml version="1.0" encoding="utf-8" ?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner><D:href>PC\\ann</D:href></D:owner></D:lockinfo>';
const times = (modified: string): string =>
  `<?xml version="1.0" encoding="utf-8" ?><D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop><Z:Win32CreationTime>Tue, 03 Mar 2020 10:00:00 GMT</Z:Win32CreationTime><Z:Win32LastAccessTime>${modified}</Z:Win32LastAccessTime><Z:Win32LastModifiedTime>${modified}</Z:Win32LastModifiedTime><Z:Win32FileAttributes>00000020</Z:Win32FileAttributes></D:prop></D:set></D:propertyupdate>`;

const agent = {
  'user-agent': 'Microsoft-WebDAV-MiniRedir/10.0.22631',
  translate: 'f',
  pragma: 'no-cache',
  'cache-control': 'no-cache',
};
const find = (depth: string) => ({ ...agent, depth });
const made = { Sync: 201, Backup: 403, Archive: 201 };
const there = (status: number) => ({ Sync: status, Backup: 404, Archive: status });
const changed = (status: number) => ({ Sync: status, Backup: 403, Archive: status });

export const explorer: readonly Step[] = [
  { method: 'OPTIONS', path: '/', headers: agent, status: 200, has: { dav: /\b1\b.*\b2\b/, 'ms-author-via': /DAV/ } },
  { method: 'PROPFIND', path: '/', headers: find('0'), status: 207, says: /collection/ },
  { method: 'OPTIONS', path: '', headers: agent, status: 200, has: { dav: /\b2\b/ } },
  { method: 'PROPFIND', path: '', headers: find('0'), status: 207, says: /collection/ },
  { method: 'PROPFIND', path: '', headers: find('1'), status: 207 },
  { method: 'PROPFIND', path: 'New%20Text.txt', headers: find('0'), status: 404 },
  { method: 'PUT', path: 'New%20Text.txt', headers: agent, status: made },
  {
    method: 'LOCK',
    path: 'New%20Text.txt',
    headers: { ...agent, timeout: 'Second-3600', 'content-type': 'text/xml; charset="utf-8"' },
    body: LOCK,
    status: changed(200),
    has: { 'lock-token': /^<.+>$/ },
  },
  {
    method: 'PROPPATCH',
    path: 'New%20Text.txt',
    headers: { ...agent, if: '(<{token}>)', 'content-type': 'text/xml; charset="utf-8"' },
    body: times('Wed, 04 Mar 2020 11:22:33 GMT'),
    status: there(207),
    says: /200 OK/,
  },
  { method: 'HEAD', path: 'New%20Text.txt', headers: agent, status: there(200), has: { 'content-length': /^0$/ } },
  {
    method: 'PUT',
    path: 'New%20Text.txt',
    headers: { ...agent, if: '(<{token}>)' },
    body: 'written in Windows\r\n',
    status: { Sync: 204, Backup: 412, Archive: 204 },
  },
  {
    method: 'PROPPATCH',
    path: 'New%20Text.txt',
    headers: { ...agent, if: '(<{token}>)', 'content-type': 'text/xml; charset="utf-8"' },
    body: times('Thu, 05 Mar 2020 01:02:03 GMT'),
    status: there(207),
    says: /200 OK/,
  },
  {
    method: 'UNLOCK',
    path: 'New%20Text.txt',
    headers: { ...agent, 'lock-token': '<{token}>' },
    status: { Sync: 204, Backup: 409, Archive: 204 },
  },
  {
    method: 'PROPFIND',
    path: 'New%20Text.txt',
    headers: find('0'),
    status: there(207),
    says: /Thu, 05 Mar 2020 01:02:03 GMT/,
  },
  { method: 'GET', path: 'New%20Text.txt', headers: agent, status: there(200), says: /^written in Windows\r\n$/ },
  { method: 'MKCOL', path: 'New%20folder', headers: agent, status: made },
  {
    method: 'PROPPATCH',
    path: 'New%20folder',
    headers: { ...agent, 'content-type': 'text/xml; charset="utf-8"' },
    body: times('Fri, 06 Mar 2020 01:02:03 GMT'),
    status: there(207),
    says: /200 OK/,
  },
  {
    method: 'MOVE',
    path: 'New%20folder',
    headers: { ...agent, destination: '{folder}Letters', overwrite: 'F' },
    status: there(201),
  },
  {
    method: 'MOVE',
    path: 'New%20Text.txt',
    headers: { ...agent, destination: '{folder}Letters/a.txt', overwrite: 'F' },
    status: there(201),
  },
  { method: 'DELETE', path: 'Letters/a.txt', headers: agent, status: there(204) },
  { method: 'DELETE', path: 'Letters', headers: agent, status: there(204) },
];
