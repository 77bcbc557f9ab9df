import type { Attributes, NodeRecord, PosixRecord, SpaceKind, XattrRecord } from '../../cloud/records.ts';
import { nanoseconds, type EntryAttributes, type TreeEntry } from './tree-entry.ts';

/** Namespaces of extended attributes that are for files; the drive has others of its own. */
const LINUX = /^(user|security|trusted|system)\./;
const USER = /^user\./;

/** A node with what is needed to write it. */
export type TreeNode = Pick<
  NodeRecord,
  'id' | 'parent' | 'name' | 'kind' | 'mode' | 'mtime' | 'size' | 'version' | 'hash' | 'target' | 'xattrs' | 'posix'
>;

/** Where a node is in the tree that is written. */
export interface EntryPlace {
  readonly depth: number;
  readonly path: string;
  /** Of the space that it comes from. */
  readonly space: SpaceKind;
}

export function entryOf(node: TreeNode, { depth, path, space }: EntryPlace): TreeEntry {
  const posix = space === 'backup' ? node.posix : undefined;
  return {
    depth,
    path,
    name: bytesOf(posix?.name) ?? node.name,
    kind: node.kind,
    size: node.kind === 'file' ? node.size : 0,
    version: node.version ?? node.id,
    hash: node.hash ?? undefined,
    target: bytesOf(posix?.target) ?? node.target,
    attributes: attributesOf(node, space),
    link: posix?.link,
  };
}

/** Owners, ACLs and what only the system may set are taken from mirrors alone, which a backup agent has read from a disk. */
export function attributesOf(
  node: Pick<Attributes, 'mode' | 'mtime' | 'xattrs' | 'posix'>,
  space: SpaceKind,
): EntryAttributes {
  const { mode, mtime, xattrs } = node;
  const posix = space === 'backup' ? node.posix : undefined;
  return {
    mode,
    mtime: exactTime(mtime, posix),
    owner: posix && { uid: posix.uid, gid: posix.gid, user: posix.user, group: posix.group },
    xattrs: xattrs && chosen(xattrs, space === 'backup' ? LINUX : USER),
  };
}

function exactTime(mtime: number, posix: PosixRecord | undefined): bigint {
  const exact = posix?.mtimeNs;
  return exact !== undefined && Number(exact) / 1e6 === mtime ? BigInt(exact) : nanoseconds(mtime);
}

function chosen(xattrs: XattrRecord, names: RegExp): XattrRecord {
  return Object.fromEntries(Object.entries(xattrs).filter(([name]) => names.test(name)));
}

function bytesOf(base64: string | undefined): Buffer | undefined {
  return base64 === undefined ? undefined : Buffer.from(base64, 'base64');
}
