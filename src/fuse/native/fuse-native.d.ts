/**
 * The parts of the package `fuse-native` 2.2 that are used here. It has no types of its own, and may not be installed.
 */
declare module 'fuse-native' {
  /** Called with 0 or a negated errno, and the result of the operation. */
  export type Answer<T = void> = (errno: number, value?: T) => void;

  /** Called with a number of bytes or a negated errno. */
  export type CountAnswer = (result: number) => void;

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
    getattr(path: string, answer: Answer<Stat>): void;
    readdir(path: string, answer: Answer<string[]>): void;
    readlink(path: string, answer: Answer<string>): void;
    statfs(path: string, answer: Answer<Statfs>): void;
    open(path: string, flags: number, answer: Answer<number>): void;
    /** The flags of open(2) are not passed. */
    create(path: string, mode: number, answer: Answer<number>): void;
    /** The buffer is only valid until `answer` is called. */
    read(path: string, fd: number, buffer: Buffer, length: number, position: number, answer: CountAnswer): void;
    write(path: string, fd: number, buffer: Buffer, length: number, position: number, answer: CountAnswer): void;
    flush(path: string, fd: number, answer: Answer): void;
    fsync(path: string, datasync: boolean, fd: number, answer: Answer): void;
    release(path: string, fd: number, answer: Answer): void;
    truncate(path: string, size: number, answer: Answer): void;
    ftruncate(path: string, fd: number, size: number, answer: Answer): void;
    /** Is called with the access time twice: the package loses the modification time. */
    utimens(path: string, atime: number, mtime: number, answer: Answer): void;
    chmod(path: string, mode: number, answer: Answer): void;
    chown(path: string, uid: number, gid: number, answer: Answer): void;
    mkdir(path: string, mode: number, answer: Answer): void;
    symlink(target: string, path: string, answer: Answer): void;
    unlink(path: string, answer: Answer): void;
    rmdir(path: string, answer: Answer): void;
    rename(from: string, to: string, answer: Answer): void;
    link(from: string, to: string, answer: Answer): void;
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
    mount(answer: (error: Error | null) => void): void;
    /** The command line of libfuse: '' or '-o' with options. */
    _fuseOptions(): string;
  }

  export default Fuse;
}
