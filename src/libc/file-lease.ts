import koffi, { type KoffiFunc } from 'koffi';

const F_SETLEASE = 1024;
const F_RDLCK = 0;
const F_WRLCK = 1;
const F_UNLCK = 2;
const F_SETSIG = 10;
/** Ignored unless a program asks for it. */
const SIGURG = 23;
const EAGAIN = 11;

/** Leases of open files, fcntl(2). Linux, 64 bit. */
export class FileLease {
  readonly #fcntl: KoffiFunc<(fd: number, command: number, argument: number) => number>;

  constructor() {
    this.#fcntl = koffi.load('libc.so.6').func('fcntl', 'int', ['int', 'int', 'long']);
  }

  /**
   * True if a file that is open for writing here is also open elsewhere, if only by a mapping that outlived its descriptor:
   * then, and only then, the kernel refuses a lease to a process that could have one. False where no leases are given.
   */
  isShared(fd: number): boolean {
    if (this.#fcntl(fd, F_SETLEASE, F_WRLCK) < 0) return koffi.errno() === EAGAIN;
    this.#fcntl(fd, F_SETLEASE, F_UNLCK);
    return false;
  }

  /**
   * Whether a file that is open for reading here is open for writing anywhere, or mapped so; undefined where no leases are given, as of
   * files of others. A program that opens it for writing in this very moment waits for that long.
   */
  isWritten(fd: number): boolean | undefined {
    // The signal for a lease that others want back would end the process.
    this.#fcntl(fd, F_SETSIG, SIGURG);
    if (this.#fcntl(fd, F_SETLEASE, F_RDLCK) < 0) return koffi.errno() === EAGAIN ? true : undefined;
    this.#fcntl(fd, F_SETLEASE, F_UNLCK);
    return false;
  }
}
