import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lchownSync,
  lstatSync,
  openSync,
  type BigIntStats,
} from 'node:fs';
import { dirname } from 'node:path';
import { FileTimes } from '../../libc/file-times.ts';
import { UserIds } from '../../libc/user-ids.ts';
import { XattrWriter } from '../../libc/xattr-writer.ts';
import type { EntryAttributes, EntryOwner } from './tree-entry.ts';

/** Extended attributes that a file gets from the folder that it is made in. */
const INHERITED = ['system.posix_acl_access', 'system.posix_acl_default'];

export interface AttributeWriterOptions {
  /** Whether the folder to write into hands ACLs on. */
  readonly inherits: boolean;
}

/** Gives files, folders and symlinks their attributes. What the system does not permit is counted. */
export class AttributeWriter {
  readonly #options: AttributeWriterOptions;
  readonly #times = new FileTimes();
  readonly #xattrs = new XattrWriter();
  readonly #ids = new UserIds();
  readonly #isRoot = process.getuid?.() === 0;
  readonly #groups = new Set(process.getgroups?.() ?? []);
  /** What could not be set, and how often. */
  readonly refused = new Map<string, number>();

  constructor(options: AttributeWriterOptions) {
    this.#options = options;
  }

  /**
   * In this order: chown(2) clears bits of the mode and capabilities, chmod(2) changes an ACL, and all of them the time.
   * @param path a path of it that no symlink can have taken
   * @param fd of a file or folder; undefined for a symlink
   * @throws errors of chmod and utimensat
   */
  apply(path: string | Buffer, fd: number | undefined, attributes: EntryAttributes): void {
    if (attributes.owner) this.#chown(path, fd, attributes.owner);
    if (fd !== undefined) fchmodSync(fd, attributes.mode);
    this.#setXattrs(path, attributes.xattrs ?? {});
    this.#times.setExact(path, attributes.mtime);
  }

  /** Sets them where an existing file or symlink looks as if it had others. The time is set last, so it tells. */
  settle(path: string | Buffer, kind: 'file' | 'symlink', attributes: EntryAttributes, now: BigIntStats): void {
    const sameMode = kind === 'symlink' || (Number(now.mode) & 0o7777) === attributes.mode;
    if (sameMode && now.mtimeNs === attributes.mtime) return;
    if (kind === 'symlink') return this.apply(path, undefined, attributes);
    const fd = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
    try {
      this.apply(path, fd, attributes);
    } finally {
      closeSync(fd);
    }
  }

  #chown(path: string | Buffer, fd: number | undefined, owner: EntryOwner): void {
    const now = fd === undefined ? lstatSync(path) : fstatSync(fd);
    const wanted = { uid: this.#id('user', owner.user, owner.uid), gid: this.#id('group', owner.group, owner.gid) };
    const uid = wanted.uid ?? now.uid;
    const gid = wanted.gid ?? now.gid;
    const may = { uid: this.#isRoot ? uid : now.uid, gid: this.#isRoot || this.#groups.has(gid) ? gid : now.gid };
    if (may.uid !== uid || may.gid !== gid) this.#refuse('owner or group (only root may set all of them)');
    if (may.uid === now.uid && may.gid === now.gid) return;
    try {
      if (fd === undefined) lchownSync(path, may.uid, may.gid);
      else fchownSync(fd, may.uid, may.gid);
    } catch (error) {
      this.#refuse(`owner or group (${(error as NodeJS.ErrnoException).code})`);
    }
  }

  /** The name counts where it is known; else the number. */
  #id(kind: 'user' | 'group', name: string | undefined, id: number | undefined): number | undefined {
    return (name === undefined ? undefined : this.#ids.idOf(kind, name)) ?? id;
  }

  #setXattrs(path: string | Buffer, xattrs: Readonly<Record<string, string>>): void {
    for (const [name, value] of Object.entries(xattrs)) {
      const code = this.#xattrs.set(path, name, Buffer.from(value, 'base64'));
      if (code !== undefined) this.#refuse(`extended attribute ${name} (${code})`);
    }
    if (!this.#options.inherits) return;
    for (const name of INHERITED) if (!(name in xattrs)) this.#xattrs.remove(path, name);
  }

  #refuse(what: string): void {
    this.refused.set(what, (this.refused.get(what) ?? 0) + 1);
  }
}

/** Whether what is made in the folder, or in the one above if there is none yet, gets an ACL of its own. */
export function handsOnAcl(folder: string): boolean {
  const isThere = lstatSync(folder, { throwIfNoEntry: false }) !== undefined;
  return new XattrWriter().has(`${isThere ? folder : dirname(folder)}/.`, 'system.posix_acl_default');
}
