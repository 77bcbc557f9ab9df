/**
 * The parts of the package `fuse-native` 2.2 that are used here. It has no types of its own, and may not be installed.
 */
declare module 'fuse-native' {
  /** Called with 0 or a negated errno, and the result of the operation. */
  export type Callback<T = void> = (errno: number, value?: T) => void;

  /** Called with a number of bytes or a negated errno. */
  export type CountCallback = (result: number) => void;

  export interface Stat {
    readonly mode: number;
    readonly size: number;
    readonly uid: number;
    readonly gid: number;
    readonly nlink: number;
    /** Units of 512 bytes. */
    readonly blocks: number;
    readonly blksize: number;
    /** Milliseconds. */
    readonly atime: number;
    readonly mtime: number;
    readonly ctime: number;
  }

  /** Each number is passed as 32 bits. */
  export interface Statfs {
    readonly bsize: number;
    readonly frsize: number;
    readonly blocks: number;
    readonly bfree: number;
    readonly bavail: number;
    readonly files: number;
    readonly ffree: number;
    readonly favail: number;
    readonly namemax: number;
  }

  /** Missing operations are not supported. Paths begin at the root of the mount. */
  export interface Operations {
    getattr(path: string, callback: Callback<Stat>): void;
    readdir(path: string, callback: Callback<string[]>): void;
    readlink(path: string, callback: Callback<string>): void;
    statfs(path: string, callback: Callback<Statfs>): void;
    open(path: string, flags: number, callback: Callback<number>): void;
    /** The flags of open(2) are not passed. */
    create(path: string, mode: number, callback: Callback<number>): void;
    /** The buffer is only valid until `callback` is called. */
    read(path: string, fd: number, buffer: Buffer, length: number, position: number, callback: CountCallback): void;
    write(path: string, fd: number, buffer: Buffer, length: number, position: number, callback: CountCallback): void;
    flush(path: string, fd: number, callback: Callback): void;
    fsync(path: string, datasync: boolean, fd: number, callback: Callback): void;
    release(path: string, fd: number, callback: Callback): void;
    truncate(path: string, size: number, callback: Callback): void;
    ftruncate(path: string, fd: number, size: number, callback: Callback): void;
    /** Is called with the access time twice: the package loses the modification time. */
    utimens(path: string, atime: number, mtime: number, callback: Callback): void;
    chmod(path: string, mode: number, callback: Callback): void;
    chown(path: string, uid: number, gid: number, callback: Callback): void;
    mkdir(path: string, mode: number, callback: Callback): void;
    symlink(target: string, path: string, callback: Callback): void;
    unlink(path: string, callback: Callback): void;
    rmdir(path: string, callback: Callback): void;
    rename(from: string, to: string, callback: Callback): void;
    link(from: string, to: string, callback: Callback): void;
  }

  export interface Options {
    /** False: no time limit for operations. */
    readonly timeout?: false | number;
  }

  class Fuse {
    /** Memory that libfuse works with. */
    readonly _thread: Buffer | null;
    readonly mnt: string;
    constructor(mnt: string, operations: Operations, options?: Options);
    /** Calls back when the kernel has sent its first request. */
    mount(callback: (error: Error | null) => void): void;
    /** The command line of libfuse: '' or '-o' with options. */
    _fuseOptions(): string;
  }

  export default Fuse;
}
