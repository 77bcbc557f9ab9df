import { isDeepStrictEqual } from 'node:util';
import type { Attr, Kind, NodeId, Time, Xattrs } from '../../vfs/node.ts';

/**
 * A node in the catalog, as this computer shows it, with local changes applied. It is stored under its parent's id and
 * its name, so a listing is one range and a rename changes one record.
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
  /** `Attr.version`, which stays the same when the content reaches the cloud. */
  readonly version: string;
  /** Of a file: the SHA-256 identity of the content; absent until it has been hashed. */
  readonly hash?: string;
  /** Of a file: a version in the cloud with this content; absent while the cloud does not have it. */
  readonly remote?: string;
  /** Of a file: the staged file with the content, while the cloud does not have it. */
  readonly staged?: string;
  /** The target of a symlink. */
  readonly target?: string;
  readonly xattrs?: Xattrs;
  /** Of a folder under which a shared space is shown: that space, to which what is in it belongs. */
  readonly mount?: string;
  /** The cloud's revision of the node; 0 if the cloud has never had it. */
  readonly rev: number;
  /** Kept on this computer and never uploaded (files that operating systems leave behind). */
  readonly local?: true;
  /**
   * The last state that both sides agreed on; present while intents for the node are pending. `null`: the cloud has no
   * such node.
   */
  readonly base?: Base | null;
}

/** The cloud's state of a node when this computer's changes began. */
export interface Base {
  /** The space, if the node has been moved to another one here. */
  readonly space?: string;
  readonly parent: NodeId;
  readonly name: string;
  /** The cloud's version of a file's content. */
  readonly version: string | null;
  readonly hash: string | null;
  readonly rev: number;
  /** Absent in what older versions of Fjord have stored. */
  readonly attributes?: Pick<Entry, 'mode' | 'mtime' | 'birthtime' | 'xattrs'>;
}

/** The key under which an entry is stored. Names have no `/`, so the parent ends at the first one. */
export function entryKey(parent: NodeId, name: string): string {
  return `${parent}/${name}`;
}

/** The attributes of an entry as doors see them. */
export function attrOf(entry: Entry): Attr {
  const { id, parent, name, kind, size, mode, mtime, ctime, birthtime, version } = entry;
  return { id, parent, name, kind, size, mode, mtime, ctime, birthtime, version };
}

/** The attributes that a base has. */
export function agreedAttributes({
  mode,
  mtime,
  birthtime,
  xattrs,
}: Pick<Entry, 'mode' | 'mtime' | 'birthtime' | 'xattrs'>) {
  return { mode, mtime, birthtime, ...(xattrs === undefined ? {} : { xattrs }) };
}

/**
 * The ctime of a change made at `at`. It is always later than the previous one, even if the clock goes back, so that
 * programs that compare ctimes notice every change.
 */
export function nextCtime({ ctime }: Pick<Entry, 'ctime'>, at: Time): Time {
  return Math.max(at, (Math.round(ctime * 1000) + 1) / 1000);
}

/** Whether programs see no difference between the entries except the ctime. */
export function looksSame(a: Entry, b: Entry): boolean {
  const place = a.id === b.id && a.parent === b.parent && a.name === b.name;
  const content = a.version === b.version && a.size === b.size && a.target === b.target;
  const attributes = a.mode === b.mode && a.mtime === b.mtime && a.birthtime === b.birthtime;
  return place && content && attributes && isDeepStrictEqual(a.xattrs ?? {}, b.xattrs ?? {});
}

/** True for a folder that exists only on this computer (`/`, `/Backup`, …), and is not in a space of the cloud. */
export function isBranch(entry: Entry): boolean {
  return entry.space === FIXED;
}

/** The `space` of folders that exist only on this computer, to which spaces are attached. */
export const FIXED = '.';

/** The space that the children of a folder belong to. */
export function innerSpace({ mount, space }: Pick<Entry, 'mount' | 'space'>): string {
  return mount ?? space;
}

/** The space that the cloud has a node in, as far as is known here: another one than the entry's while a move to that waits. */
export function agreedSpace({ base, space }: Pick<Entry, 'base' | 'space'>): string {
  return base?.space ?? space;
}
