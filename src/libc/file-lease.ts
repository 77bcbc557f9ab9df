import koffi, { type KoffiFunc } from 'koffi';

const F_SETLEASE = 1024;
const F_WRLCK = 1;
const F_UNLCK = 2;
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
}
