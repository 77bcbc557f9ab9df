import type { Step } from './conversation.ts';

/** Microsoft Office: LOCK to edit, the new content under a temporary name, MOVE over the document; `~$` owner file. */
const LOCK =
  '<?xml version="1.0" encoding="utf-8" ?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner><D:href>ann</D:href></D:owner></D:lockinfo>';
const agent = { 'user-agent': 'Microsoft Office Word 2019', 'x-office-major-version': '16' };
const made = { Sync: 201, Backup: 403, Archive: 201 };
const there = (status: number) => ({ Sync: status, Backup: 404, Archive: status });

export const office: readonly Step[] = [
  { method: 'OPTIONS', path: '', headers: agent, status: 200, has: { dav: /2/, 'ms-author-via': /DAV/ } },
  { method: 'HEAD', path: '', headers: agent, status: 200 },
  { method: 'PUT', path: 'Thesis.docx', headers: agent, body: 'first draft', status: made },
  {
    method: 'LOCK',
    path: 'Thesis.docx',
    headers: { ...agent, timeout: 'Second-3600', 'content-type': 'text/xml' },
    body: LOCK,
    status: { Sync: 200, Backup: 403, Archive: 200 },
    has: { 'lock-token': /^<.+>$/ },
  },
  { method: 'PUT', path: '~%24Thesis.docx', headers: agent, body: 'ann', status: made },
  {
    method: 'PUT',
    path: 'Thesis.docx',
    headers: agent,
    body: 'stolen',
    status: { Sync: 423, Backup: 403, Archive: 423 },
  },
  // The lock is refreshed while the user types.
  {
    method: 'LOCK',
    path: 'Thesis.docx',
    headers: { ...agent, timeout: 'Second-3600', if: '(<{token}>)' },
    status: { Sync: 200, Backup: 412, Archive: 200 },
    says: /activelock/,
  },
  { method: 'PUT', path: 'AB12.tmp', headers: agent, body: 'second draft', status: made },
  {
    method: 'MOVE',
    path: 'AB12.tmp',
    headers: { ...agent, destination: '{folder}Thesis.docx', overwrite: 'T', if: '<{folder}Thesis.docx> (<{token}>)' },
    status: there(204),
  },
  { method: 'GET', path: 'Thesis.docx', headers: agent, status: there(200), says: /^second draft$/ },
  {
    method: 'UNLOCK',
    path: 'Thesis.docx',
    headers: { ...agent, 'lock-token': '<{token}>' },
    status: { Sync: 204, Backup: 409, Archive: 204 },
  },
  { method: 'DELETE', path: '~%24Thesis.docx', headers: agent, status: there(204) },
];
