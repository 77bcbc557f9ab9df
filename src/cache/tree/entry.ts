import { isDeepStrictEqual } from 'node:util';
import type { Attr, Kind, NodeId, Time, Xattrs } from '../../vfs/node.ts';

/**
 * A node in the catalog: the tree as this computer shows it, local changes applied. Stored under its parent's id and its
 * name, so a listing is one range and a rename touches one record.
 */
export interface Entry {
  readonly id: NodeId;
  readonly space: string;
  readonly parent: NodeId;
  readonly name: string;
  readonly kind: Kind;
  readonly size: number;
  readonly mode: number;
  readonly mtime: Time;
  readonly ctime: Time;
  readonly birthtime: Time;
  /** `Attr.version`: stays when the content reaches the cloud, whatever the cloud calls it. */
  readonly version: string;
  /** Of a file: the SHA-256 identity of the content; absent while nobody has hashed it. */
  readonly hash?: string;
  /** Of a file: a version of the cloud with this content; absent while the cloud does not have it. */
  readonly remote?: string;
  /** Of a file: the staged file that holds the content while the cloud does not have it. */
  readonly staged?: string;
  /** Of a symlink. */
  readonly target?: string;
  readonly xattrs?: Xattrs;
  /** The revision of the cloud that is shown here; 0 while the cloud has never seen the node. */
  readonly rev: number;
  /** Kept on this computer, never uploaded (the litter of operating systems). */
  readonly local?: true;
  /** The state that both sides last agreed on; present while intents for the node wait. `null`: the cloud knows no such node. */
  readonly base?: Base | null;
}

/** What the cloud had when this computer's changes began. */
export interface Base {
  readonly parent: NodeId;
  readonly name: string;
  /** The cloud's version of a file's content. */
  readonly version: string | null;
  readonly hash: string | null;
  readonly rev: number;
}

/** The key under which an entry is stored. Names have no `/`, so the parent ends at the first one. */
export function entryKey(parent: NodeId, name: string): string {
  return `${parent}/${name}`;
}

/** What doors see of an entry. */
export function attrOf(entry: Entry): Attr {
  const { id, parent, name, kind, size, mode, mtime, ctime, birthtime, version } = entry;
  return { id, parent, name, kind, size, mode, mtime, ctime, birthtime, version };
}

/**
 * The ctime of a change that is made at `at`: later than the one before, whatever the clocks say, so that no change stays
 * unseen by a program that compares.
 */
export function nextCtime({ ctime }: Pick<Entry, 'ctime'>, at: Time): Time {
  return Math.max(at, (Math.round(ctime * 1000) + 1) / 1000);
}

/** Whether programs that look at both see the same node with the same content and attributes, but for the ctime. */
export function looksSame(a: Entry, b: Entry): boolean {
  const place = a.id === b.id && a.parent === b.parent && a.name === b.name;
  const content = a.version === b.version && a.size === b.size && a.target === b.target;
  const attributes = a.mode === b.mode && a.mtime === b.mtime && a.birthtime === b.birthtime;
  return place && content && attributes && isDeepStrictEqual(a.xattrs ?? {}, b.xattrs ?? {});
}

/** True for an entry whose space is a branch of the drive made here (`/`, `/Backup`, …) and not one of the cloud's. */
export function isBranch(entry: Entry): boolean {
  return entry.space === FIXED;
}

/** The `space` of the folders that exist on this computer only, to hang the spaces into. */
export const FIXED = '.';
