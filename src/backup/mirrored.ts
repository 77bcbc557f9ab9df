import type { NodeRecord } from '../cloud/records.ts';
import type { Kind } from '../vfs/node.ts';
import type { SourceEntry } from './source-entry.ts';

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
  /** State of the source entry that this node is known to equal; absent after the index was lost. */
  readonly source?: SourceMark | undefined;
}

export type SourceMark = Pick<SourceEntry, 'signature' | 'inode' | 'disk'>;

export function mirroredOf(node: NodeRecord, source?: SourceMark): Mirrored {
  const { id, parent, name, kind, mode, mtime, birthtime, size, version, hash, target } = node;
  const mark = source && { signature: source.signature, inode: source.inode, disk: source.disk };
  return { id, parent, name, kind, mode, mtime, birthtime, size, version, hash, target, source: mark };
}
