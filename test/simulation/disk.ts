import { constants } from 'node:fs';
import { posix } from 'node:path';
import type { Random } from './random.ts';
import { Rows } from './rows.ts';

/** A regular file: its content, and what would be left of it after a power loss now. */
interface Inode {
  data: Buffer;
  size: number;
  links: number;
  /** When it was last written, ms since 1970. */
  modified: number;
  /** As of its last sync; `undefined` before the first. */
  synced: Buffer | undefined;
}

interface OpenFile {
  readonly disk: SimulatedDisk;
  readonly inode: Inode;
}

/** First descriptor of simulated disks, far above those of the system. */
const FIRST_FD = 1 << 20;
const BLOCK = 4096;
/** Bytes that are free on a disk that is not full. */
export const ROOM = 2 ** 40;

/**
 * A disk in memory below one path, with the databases on it: the part of a file system that Fjord's cache uses. All
 * operations are synchronous. `copy` returns the disk as left by a process that crashes at this moment.
 */
export class SimulatedDisk {
  readonly root: string;
  readonly #folders = new Map<string, Map<string, Inode>>();
  readonly #databases = new Map<string, Rows>();
  /** Number of free bytes; files do not grow while there are none. */
  free = ROOM;
  /** Called before every change of the disk. */
  changing: () => void = () => undefined;

  constructor(root: string) {
    this.root = root;
    this.#folders.set(root, new Map());
  }

  /** The disk for the next process after this one was killed. */
  copy(root: string): SimulatedDisk {
    const disk = new SimulatedDisk(root);
    const inodes = new Map<Inode, Inode>();
    for (const [path, names] of this.#folders) {
      const copies = new Map<string, Inode>();
      for (const [name, inode] of names) {
        let copy = inodes.get(inode);
        if (copy === undefined) inodes.set(inode, (copy = { ...inode, data: Buffer.from(inode.data) }));
        copies.set(name, copy);
      }
      disk.#folders.set(disk.#moved(path, this.root), copies);
    }
    for (const [path, rows] of this.#databases) disk.#databases.set(disk.#moved(path, this.root), rows.copy());
    return disk;
  }

  /**
   * Removes from a copy what a power loss may destroy: in each file any changes since its last sync, in each database
   * batches after the last sync.
   */
  losePower(random: Random): void {
    const lost = new Set<Inode>();
    for (const names of this.#folders.values()) {
      for (const [name, inode] of names) {
        if (inode.synced === undefined && random.chance(0.5)) names.delete(name);
        if (lost.has(inode)) continue;
        lost.add(inode);
        if (random.chance(0.5)) continue;
        const kept = inode.synced ?? Buffer.alloc(0);
        const size = kept.length + random.below(Math.max(0, inode.size - kept.length) + 1);
        const data = Buffer.alloc(size);
        inode.data.copy(data, 0, 0, Math.min(size, inode.size));
        if (inode.size < kept.length) kept.copy(data);
        inode.data = data;
        inode.size = size;
      }
    }
    for (const rows of this.#databases.values()) rows.losePower(random);
  }

  database(path: string): Rows {
    let rows = this.#databases.get(path);
    if (rows === undefined) this.#databases.set(path, (rows = new Rows()));
    return rows;
  }

  /** The names in a folder, with the sizes of the files. */
  list(path: string): Map<string, number> {
    return new Map(Array.from(this.#folders.get(path) ?? [], ([name, { size }]) => [name, size]));
  }

  bytes(path: string): Buffer | undefined {
    const inode = this.#find(path);
    return inode === undefined ? undefined : Buffer.from(inode.data.subarray(0, inode.size));
  }

  open(path: string, flags: number): number {
    let inode = this.#find(path);
    if (inode !== undefined && (flags & constants.O_EXCL) !== 0) throw failure('EEXIST', 'open', path);
    if (inode === undefined) {
      if ((flags & constants.O_CREAT) === 0) {
        if (this.#folders.has(path)) return openFiles.add({ disk: this, inode: newInode() });
        throw failure('ENOENT', 'open', path);
      }
      this.changing();
      inode = newInode();
      inode.links = 1;
      this.#names(path, 'open').set(posix.basename(path), inode);
    }
    if ((flags & constants.O_TRUNC) !== 0) inode.size = 0;
    return openFiles.add({ disk: this, inode });
  }

  mkdir(path: string): void {
    if (this.#folders.has(path)) return;
    const parent = posix.dirname(path);
    if (parent !== '/') this.mkdir(parent);
    this.changing();
    this.#folders.set(path, new Map());
  }

  readdir(path: string): string[] {
    const names = this.#folders.get(path);
    if (names === undefined) throw failure('ENOENT', 'scandir', path);
    const folders = [...this.#folders.keys()].filter((other) => other !== path && posix.dirname(other) === path);
    return [...names.keys(), ...folders.map((folder) => posix.basename(folder))];
  }

  exists(path: string): boolean {
    return this.#folders.has(path) || this.#find(path) !== undefined;
  }

  stat(path: string): { size: number; blocks: number; mtimeMs: number } {
    const inode = this.#find(path);
    if (inode === undefined) throw failure('ENOENT', 'stat', path);
    const { size, modified: mtimeMs } = inode;
    return { size, blocks: Math.ceil(size / BLOCK) * (BLOCK / 512), mtimeMs };
  }

  unlink(path: string): void {
    const names = this.#names(path, 'unlink');
    const inode = names.get(posix.basename(path));
    if (inode === undefined) throw failure('ENOENT', 'unlink', path);
    this.changing();
    names.delete(posix.basename(path));
    inode.links--;
  }

  link(from: string, to: string): void {
    const inode = this.#find(from);
    if (inode === undefined) throw failure('ENOENT', 'link', from);
    const names = this.#names(to, 'link');
    if (names.has(posix.basename(to))) throw failure('EEXIST', 'link', to);
    this.changing();
    names.set(posix.basename(to), inode);
    inode.links++;
  }

  rename(from: string, to: string): void {
    const inode = this.#find(from);
    if (inode === undefined) throw failure('ENOENT', 'rename', from);
    const names = this.#names(to, 'rename');
    this.changing();
    names.set(posix.basename(to), inode);
    this.#names(from, 'rename').delete(posix.basename(from));
  }

  copyFile(from: string, to: string): void {
    const data = this.bytes(from);
    if (data === undefined) throw failure('ENOENT', 'copyfile', from);
    const fd = this.open(to, constants.O_RDWR | constants.O_CREAT);
    openFiles.truncate(fd, 0);
    openFiles.write(fd, data, 0);
    openFiles.close(fd);
  }

  #find(path: string): Inode | undefined {
    return this.#folders.get(posix.dirname(path))?.get(posix.basename(path));
  }

  #names(path: string, call: string): Map<string, Inode> {
    const names = this.#folders.get(posix.dirname(path));
    if (names === undefined) throw failure('ENOENT', call, path);
    return names;
  }

  #moved(path: string, from: string): string {
    return this.root + path.slice(from.length);
  }
}

/** The descriptors of all simulated disks. */
class OpenFiles {
  readonly #files = new Map<number, OpenFile>();
  #next = FIRST_FD;

  add(file: OpenFile): number {
    this.#files.set(this.#next, file);
    return this.#next++;
  }

  /** The open descriptors of one disk, except those of removed files, which are released when garbage is collected. */
  count(disk: SimulatedDisk): number {
    return [...this.#files.values()].filter((file) => file.disk === disk && file.inode.links > 0).length;
  }

  /** Closes all descriptors that an ended world has left open. */
  clear(): void {
    this.#files.clear();
    this.#next = FIRST_FD;
  }

  has(fd: number): boolean {
    return fd >= FIRST_FD;
  }

  close(fd: number): void {
    if (!this.#files.delete(fd)) throw failure('EBADF', 'close');
  }

  size(fd: number): number {
    return this.#inode(fd, 'fstat').size;
  }

  read(fd: number, into: Uint8Array, position: number): number {
    const { data, size } = this.#inode(fd, 'read');
    const end = Math.min(size, position + into.length);
    if (position >= end) return 0;
    into.set(data.subarray(position, end));
    return end - position;
  }

  write(fd: number, from: Uint8Array, position: number): number {
    const inode = this.#inode(fd, 'write');
    const disk = this.#files.get(fd)?.disk;
    if (disk?.free === 0 && position + from.length > inode.size) throw failure('ENOSPC', 'write');
    disk?.changing();
    reserve(inode, position + from.length);
    inode.data.set(from, position);
    inode.size = Math.max(inode.size, position + from.length);
    inode.modified = Date.now();
    return from.length;
  }

  truncate(fd: number, size: number): void {
    const inode = this.#inode(fd, 'ftruncate');
    this.#files.get(fd)?.disk.changing();
    if (size > inode.size) reserve(inode, size);
    else inode.data.fill(0, size, inode.size);
    inode.size = size;
    inode.modified = Date.now();
  }

  sync(fd: number): void {
    const inode = this.#inode(fd, 'fdatasync');
    inode.synced = Buffer.from(inode.data.subarray(0, inode.size));
  }

  #inode(fd: number, call: string): Inode {
    const file = this.#files.get(fd);
    if (file === undefined) throw failure('EBADF', call);
    return file.inode;
  }
}

export const openFiles = new OpenFiles();

function newInode(): Inode {
  return { data: Buffer.alloc(0), size: 0, links: 0, modified: Date.now(), synced: undefined };
}

function reserve(inode: Inode, size: number): void {
  if (size <= inode.data.length) return;
  const data = Buffer.alloc(Math.max(256, size, 2 * inode.data.length));
  inode.data.copy(data, 0, 0, inode.size);
  inode.data = data;
}

/** An error as Node's own: those have no stack either, and collecting it would take longer than the rest of the call. */
function failure(code: string, syscall: string, path = ''): Error {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  const error = new Error(`${code}: ${syscall} '${path}'`);
  Error.stackTraceLimit = stackTraceLimit;
  return Object.assign(error, { code, syscall, path });
}
