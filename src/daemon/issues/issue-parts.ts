import { createHash } from 'node:crypto';
import type { NodeId } from '../../vfs/node.ts';
import type { OpenIssue } from '../control/wire.ts';

/** An issue with the node that it is about, if that can be renamed or resolved. */
export interface Found {
  readonly issue: OpenIssue;
  readonly node?: NodeId;
}

/** An id that stays the same as long as the issue is about the same thing: its kind, and some digits for what `key` names. */
export function issueId(kind: OpenIssue['kind'], key: string): string {
  return `${kind}-${createHash('sha256').update(`${kind}/${key}`).digest('hex').slice(0, 8)}`;
}

/** The text as one word of a POSIX shell. */
export function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
