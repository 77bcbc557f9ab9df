import type { Step } from './conversation.ts';

/**
 * Apple's webdavfs (macOS Finder): stat by four named properties; create = PUT of nothing, LOCK, PUT in chunks with an
 * untagged `If`, UNLOCK; rename without `Overwrite`; names decomposed; a `._` file beside each file.
 */
const STAT =
  '<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop><D:getlastmodified/><D:getcontentlength/><D:creationdate/><D:resourcetype/></D:prop></D:propfind>';
const QUOTA =
  '<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop><D:quota-available-bytes/><D:quota-used-bytes/><D:quota/><D:quotaused/></D:prop></D:propfind>';
const LOCK =
  '<?xml version="1.0" encoding="utf-8"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner><D:href>http://www.apple.com/webdav_fs/</D:href></D:owner></D:lockinfo>';

const agent = { 'user-agent': 'WebDAVFS/3.0.0 (03008000) Darwin/23.4.0 (arm64)', accept: '*/*' };
const stat = { ...agent, depth: '0', 'content-type': 'text/xml' };
const refused = { Sync: 201, Backup: 403, Archive: 201 };

const upload = (path: string, body: string): Step[] => [
  { method: 'PROPFIND', path, headers: stat, body: STAT, status: 404 },
  { method: 'PUT', path, headers: agent, status: refused },
  {
    method: 'PROPFIND',
    path,
    headers: stat,
    body: STAT,
    status: { Sync: 207, Backup: 404, Archive: 207 },
    says: /getcontentlength>0</,
  },
  {
    method: 'LOCK',
    path,
    headers: { ...agent, depth: '0', timeout: 'Second-600', 'content-type': 'text/xml' },
    body: LOCK,
    status: { Sync: 200, Backup: 403, Archive: 200 },
    has: { 'lock-token': /^<.+>$/ },
    says: /Second-600/,
  },
  {
    method: 'PUT',
    path,
    headers: { ...agent, if: '(<{token}>)', 'x-expected-entity-length': String(Buffer.byteLength(body)) },
    body,
    chunked: true,
    status: { Sync: 204, Backup: 412, Archive: 204 },
    has: { etag: /^"/, 'last-modified': /GMT$/ },
  },
  {
    method: 'UNLOCK',
    path,
    headers: { ...agent, 'lock-token': '<{token}>' },
    status: { Sync: 204, Backup: 409, Archive: 204 },
  },
];

export const finder: readonly Step[] = [
  { method: 'OPTIONS', path: '/', headers: agent, status: 200, has: { dav: /\b2\b/ } },
  { method: 'PROPFIND', path: '/', headers: stat, body: STAT, status: 207, says: /collection/ },
  { method: 'PROPFIND', path: '', headers: stat, body: STAT, status: 207, says: /collection/ },
  { method: 'PROPFIND', path: '', headers: stat, body: QUOTA, status: 207, says: /quota-available-bytes>\d+</ },
  { method: 'PROPFIND', path: '.metadata_never_index', headers: stat, body: STAT, status: 404 },
  ...upload('report.txt', 'first words\n'),
  ...upload('copy.txt', 'other words\n'),
  // A name in its decomposed form, looked up in the composed one.
  { method: 'PUT', path: 'cafe%CC%81.txt', headers: agent, body: 'au lait', status: refused },
  {
    method: 'GET',
    path: 'caf%C3%A9.txt',
    headers: agent,
    status: { Sync: 200, Backup: 404, Archive: 200 },
    says: /au lait/,
  },
  {
    method: 'GET',
    path: 'cafe%CC%81.txt',
    headers: { ...agent, range: 'bytes=3-6' },
    status: { Sync: 206, Backup: 404, Archive: 206 },
    says: /^lait$/,
  },
  // Litter is accepted where files may be created, and never uploaded.
  { method: 'PUT', path: '._report.txt', headers: agent, body: 'Mac OS X', status: refused },
  // Rename over an existing file, with no Overwrite header.
  {
    method: 'MOVE',
    path: 'copy.txt',
    headers: { ...agent, destination: '{folder}report.txt' },
    status: { Sync: 204, Backup: 404, Archive: 204 },
  },
  {
    method: 'GET',
    path: 'report.txt',
    headers: agent,
    status: { Sync: 200, Backup: 404, Archive: 200 },
    says: /^other words\n$/,
  },
  { method: 'MKCOL', path: 'untitled%20folder/', headers: agent, status: refused },
  {
    method: 'MOVE',
    path: 'untitled%20folder/',
    headers: { ...agent, destination: '{folder}Photos/' },
    status: { Sync: 201, Backup: 404, Archive: 201 },
  },
  {
    method: 'PROPFIND',
    path: 'Photos/',
    headers: { ...stat, depth: '1' },
    body: STAT,
    status: { Sync: 207, Backup: 404, Archive: 207 },
  },
  { method: 'DELETE', path: '._report.txt', headers: agent, status: { Sync: 204, Backup: 404, Archive: 204 } },
  { method: 'DELETE', path: 'report.txt', headers: agent, status: { Sync: 204, Backup: 404, Archive: 204 } },
];
