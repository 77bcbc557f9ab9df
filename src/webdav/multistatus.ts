import type { MemberFailure } from './copy-tree.ts';
import { errorElement, wordsOf } from './failure.ts';
import type { Outcome } from './outcome.ts';
import { xml } from './outcome.ts';
import { hrefOf } from './path.ts';
import { STATUS_CODES } from 'node:http';
import { statusOf } from './status.ts';

export const MULTISTATUS_HEAD = '<?xml version="1.0" encoding="utf-8"?><D:multistatus xmlns:D="DAV:">';
export const MULTISTATUS_TAIL = '</D:multistatus>';

/** `HTTP/1.1 404 Not Found`, as it stands in a `DAV:status` element. */
export function statusLine(status: number): string {
  return `<D:status>HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}</D:status>`;
}

/** 207 for a tree of which some members failed (RFC 4918 sections 9.8.5 and 9.9.4). */
export function multistatus(failures: readonly MemberFailure[]): Outcome {
  const rows = failures.map(({ names, folder, error }) => {
    const status = statusLine(statusOf(error.code, 'COPY'));
    return `<D:response><D:href>${hrefOf(names, folder)}</D:href>${status}${errorElement(wordsOf(error), undefined, '')}</D:response>`;
  });
  return xml(207, MULTISTATUS_HEAD + rows.join('') + MULTISTATUS_TAIL);
}
