import type { NodeRecord, XattrRecord } from '../cloud/records.ts';
import type { Kind } from '../vfs/node.ts';
import { posixText, type PosixText } from './posix-text.ts';
import type { SourceMark } from './source-entry.ts';

/** A node of the mirror, as recorded in the index. */
export interface Mirrored {
  readonly id: string;
  readonly parent: string;
  readonly name: string;
  readonly kind: Kind;
  readonly mode: number;
  readonly mtime: number;
  readonly birthtime: number;
  readonly size: number;
  readonly version: string | null;
  readonly hash: string | null;
  readonly target?: string | undefined;
  /** Undefined if it was mirrored by a program that did not keep them. */
  readonly posix?: PosixText | undefined;
  readonly xattrs?: XattrRecord | undefined;
  /** State of the source entry that this node is known to equal; absent after the index was lost. */
  readonly source?: SourceMark | undefined;
}

const PARTS = [
  ...(['parent', 'name', 'kind', 'version', 'hash', 'size', 'target'] as const),
  ...(['mode', 'mtime', 'birthtime', 'posix'] as const),
];

export function mirroredOf(node: NodeRecord, source?: SourceMark): Mirrored {
  const { id, parent, name, kind, mode, mtime, birthtime, size, version, hash, target, xattrs } = node;
  const posix = node.posix && posixText(node.posix);
  const look = { mode, mtime, birthtime, posix, xattrs };
  return { id, parent, name, kind, ...look, size, version, hash, target, source: source && markOf(source) };
}

export function markOf({ signature, inode, disk, mounted, fault }: SourceMark): SourceMark {
  return { signature, inode, disk, mounted, fault };
}

/** Whether two states of a node are alike, whatever is known of the source. */
export function isSameNode(a: Mirrored, b: Mirrored): boolean {
  const same = PARTS.every((part) => a[part] === b[part]);
  const [one, other] = [a.xattrs ?? {}, b.xattrs ?? {}];
  const names = Object.keys(one);
  return same && names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
}
