import type { MemberFailure } from '../vfs/copy-tree.ts';
import { errorElement, wordsOf } from './failure.ts';
import type { Outcome } from './outcome.ts';
import { xml } from './outcome.ts';
import { hrefOf } from './path.ts';
import { STATUS_CODES } from 'node:http';
import { statusOf } from './status.ts';

export const MULTISTATUS_HEAD = '<?xml version="1.0" encoding="utf-8"?><D:multistatus xmlns:D="DAV:">';
export const MULTISTATUS_TAIL = '</D:multistatus>';

/** A `DAV:status` element with a status line such as `HTTP/1.1 404 Not Found`. */
export function statusLine(status: number): string {
  return `<D:status>HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}</D:status>`;
}

/**
 * A 207 for a tree of which some members failed (RFC 4918 sections 9.8.5 and 9.9.4). `kept` is a destination that was
 * therefore not replaced.
 */
export function multistatus(
  failures: readonly MemberFailure[],
  kept?: { readonly names: readonly string[]; readonly folder: boolean },
): Outcome {
  const rows = failures.map(({ names, folder, error }) => {
    return row(names, folder, statusOf(error.code, 'COPY'), wordsOf(error));
  });
  if (kept !== undefined) {
    rows.push(row(kept.names, kept.folder, 424, 'It was not replaced, because the copy is incomplete.'));
  }
  return xml(207, MULTISTATUS_HEAD + rows.join('') + MULTISTATUS_TAIL);
}

function row(names: readonly string[], folder: boolean, status: number, message: string): string {
  const error = errorElement(message, undefined, '');
  return `<D:response><D:href>${hrefOf(names, folder)}</D:href>${statusLine(status)}${error}</D:response>`;
}
