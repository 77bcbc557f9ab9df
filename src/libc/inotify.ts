import koffi, { type KoffiFunc } from 'koffi';
import { closeSync, readSync } from 'node:fs';
import { constants } from 'node:os';
import { readableName } from '../vfs/raw-name.ts';

/** Flags of `<sys/inotify.h>`. */
export const IN = {
  MODIFY: 0x2,
  ATTRIB: 0x4,
  CLOSE_WRITE: 0x8,
  MOVED_FROM: 0x40,
  MOVED_TO: 0x80,
  CREATE: 0x100,
  DELETE: 0x200,
  DELETE_SELF: 0x400,
  MOVE_SELF: 0x800,
  UNMOUNT: 0x2000,
  Q_OVERFLOW: 0x4000,
  IGNORED: 0x8000,
  ONLYDIR: 0x0100_0000,
  DONT_FOLLOW: 0x0200_0000,
  EXCL_UNLINK: 0x0400_0000,
  ISDIR: 0x4000_0000,
} as const;

/** One record of the queue; see inotify(7). */
export interface InotifyEvent {
  /** -1 if it is about the queue itself. */
  readonly watch: number;
  readonly mask: number;
  /** Of the entry in the watched folder, in its readable form (`vfs/raw-name.ts`); '' if it is about the folder. */
  readonly name: string;
}

const NONBLOCK = 0o4000;
const CLOEXEC = 0o2_000_000;
const HEADER = 16;
const BUFFER = 256 * 1024;

/** An inotify instance of Linux. */
export class Inotify {
  readonly #add: KoffiFunc<(fd: number, path: string, mask: number) => number>;
  readonly #remove: KoffiFunc<(fd: number, watch: number) => number>;
  readonly #fd: number;
  readonly #buffer = Buffer.allocUnsafe(BUFFER);

  /** @throws Error with `code` EMFILE if the user has too many instances */
  constructor() {
    const libc = koffi.load('libc.so.6');
    this.#add = libc.func('inotify_add_watch', 'int', ['int', 'str', 'uint32']);
    this.#remove = libc.func('inotify_rm_watch', 'int', ['int', 'int']);
    const init = libc.func('inotify_init1', 'int', ['int']) as KoffiFunc<(flags: number) => number>;
    this.#fd = init(NONBLOCK | CLOEXEC);
    if (this.#fd < 0) throw failure('inotify_init1');
  }

  /**
   * Watches a folder; one that is watched already keeps its number. Looks the path up, so it may wait for a disk.
   * @throws Error with `code`: ENOSPC beyond `fs.inotify.max_user_watches`, ENOENT, ENOTDIR, EACCES, ENOMEM
   */
  add(path: string, mask: number): number {
    const watch = this.#add(this.#fd, path, mask);
    if (watch < 0) throw failure('inotify_add_watch');
    return watch;
  }

  /** Records of it that are queued already still come. */
  remove(watch: number): void {
    this.#remove(this.#fd, watch);
  }

  /** What has happened, the oldest first, without waiting; some hundreds of records at a time. */
  read(): InotifyEvent[] {
    try {
      return parse(this.#buffer.subarray(0, readSync(this.#fd, this.#buffer, 0, BUFFER, null)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return [];
      throw error;
    }
  }

  /** Frees all watches. */
  close(): void {
    closeSync(this.#fd);
  }
}

function parse(bytes: Buffer): InotifyEvent[] {
  const events: InotifyEvent[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32LE(at + 12);
    const padded = bytes.subarray(at + HEADER, at + HEADER + length);
    const end = padded.indexOf(0);
    const name = readableName(padded.subarray(0, end < 0 ? length : end));
    events.push({ watch: bytes.readInt32LE(at), mask: bytes.readUInt32LE(at + 4), name });
    at += HEADER + length;
  }
  return events;
}

function failure(call: string): NodeJS.ErrnoException {
  const errno = koffi.errno();
  const code = Object.entries(constants.errno).find(([, number]) => number === errno)?.[0] ?? 'EIO';
  return Object.assign(new Error(`${call}: ${code}`), { code });
}
