import { lstatSync, type BigIntStats } from 'node:fs';
import { XATTRS_MAX } from '../cloud/limits.ts';
import { ExtendedAttributes } from '../libc/extended-attributes.ts';
import { UserNames } from '../libc/user-names.ts';
import { LAST_TIME } from '../vfs/node.ts';
import { hasVanished, XATTRS_UNREAD, type SourceAttributes } from './source-entry.ts';
import type { RawForms, SourcePath } from './source-paths.ts';

/** Extended attributes that are the state of something else, as those of network file systems, are not the file's own. */
const KEPT = /^(?:user|trusted|security)\.|^system\.posix_acl_(?:access|default)$/;
/** What the cloud takes for the name of a user or group. */
const USER_NAME = /^[^\0:/]{1,255}$/;
/** Bytes of the name of one. */
const LONGEST_NAME = 255;
const TOO_LARGE = `its extended attributes take more than ${XATTRS_MAX / 1024} KiB and are not kept`;

/** Says what entries of one source folder have besides names and content. */
export class Describer {
  readonly #names = new UserNames();
  readonly #xattrs = new ExtendedAttributes();
  readonly #folder: string;
  #disk: bigint | undefined;

  /** @param folder of the source: inodes of its own disk are known by their numbers alone */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Without extended attributes. */
  attributes(stats: BigIntStats, raw: RawForms = {}): SourceAttributes {
    return {
      mode: Number(stats.mode) & 0o7777,
      mtime: timeOf(stats.mtimeNs),
      // Some file systems do not keep it.
      birthtime: timeOf(stats.birthtimeNs > 0n ? stats.birthtimeNs : stats.mtimeNs),
      signature: signatureOf(stats),
      ...identityOf(stats),
      posix: this.#posix(stats, raw),
    };
  }

  /** The extended attributes of a node, a symlink not followed. @throws errors of the system calls */
  ofPath(path: SourcePath): Pick<SourceAttributes, 'xattrs' | 'fault'> {
    return this.#kept(() => this.#xattrs.ofPath(path));
  }

  /** Of an open file. @throws errors of the system calls */
  ofFile(fd: number): Pick<SourceAttributes, 'xattrs' | 'fault'> {
    return this.#kept(() => this.#xattrs.ofFile(fd));
  }

  #kept(read: () => Map<string, Buffer>): Pick<SourceAttributes, 'xattrs' | 'fault'> {
    const xattrs: Record<string, string> = {};
    let total = 0;
    try {
      for (const [name, value] of read()) {
        if (!KEPT.test(name) || Buffer.byteLength(name) > LONGEST_NAME) continue;
        total += Buffer.byteLength(name) + value.length;
        xattrs[name] = value.toString('base64');
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (hasVanished({ code })) throw error;
      if (code === 'E2BIG') return { xattrs: {}, fault: TOO_LARGE };
      // File systems that serve none do not all say so by the error that is meant for it: those of rclone do of folders alone.
      return this.#xattrs.areServed(this.#folder) ? { fault: XATTRS_UNREAD } : { xattrs: {} };
    }
    return total > XATTRS_MAX ? { xattrs: {}, fault: TOO_LARGE } : { xattrs };
  }

  /** As `posixText` would make it of a record, but for every entry of every run. */
  #posix(stats: BigIntStats, { name = '', target = '' }: RawForms): string {
    const [uid, gid] = [Number(stats.uid), Number(stats.gid)];
    const user = known(this.#names.user(uid));
    const group = known(this.#names.group(gid));
    const mtimeNs = isTime(stats.mtimeNs) ? String(stats.mtimeNs) : '';
    const link = stats.nlink > 1n && stats.isFile() ? this.#link(stats) : '';
    return `1:${uid}:${gid}:${user}:${group}:${mtimeNs}:${link}:${name}:${target}`;
  }

  #link({ dev, ino, birthtimeNs }: BigIntStats): string {
    this.#disk ??= lstatSync(this.#folder, { bigint: true }).dev;
    return dev === this.#disk ? `${ino}.${birthtimeNs}` : `${dev}-${ino}.${birthtimeNs}`;
  }
}

function known(name: string | undefined): string {
  return name !== undefined && USER_NAME.test(name) ? name : '';
}

/** By what a file or folder is known again wherever it is moved on its disk. */
export function identityOf({ ino, birthtimeNs, dev }: BigIntStats): Pick<SourceAttributes, 'inode' | 'disk'> {
  return { inode: `${ino}.${birthtimeNs}`, disk: String(dev) };
}

export function signatureOf(stats: BigIntStats): string {
  return `${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}:${stats.ino}`;
}

/** Whether two states have the same signature, without the texts. */
export function isSame(one: BigIntStats, other: BigIntStats): boolean {
  const times = one.mtimeNs === other.mtimeNs && one.ctimeNs === other.ctimeNs;
  return times && one.size === other.size && one.ino === other.ino;
}

/** Some file systems have times that are no dates any more, which the cloud refuses. */
function timeOf(ns: bigint): number {
  return Math.min(Math.max(Number(ns) / 1e6, -LAST_TIME), LAST_TIME);
}

function isTime(ns: bigint): boolean {
  return Math.abs(Number(ns)) / 1e6 <= LAST_TIME;
}
