import { isMainThread } from 'node:worker_threads';
import koffi, { type KoffiFunc } from 'koffi';

const O_CLOEXEC = 0o2000000;
const F_GETFL = 3;
const F_SETFL = 4;
const O_NONBLOCK = 0o4000;
const POLLIN = 1;
/** `sizeof(struct pollfd)` */
const POLL_SIZE = 8;
const AF_UNIX = 1;
const SOCK_STREAM_CLOEXEC = 0o2000001;
const MSG_CMSG_CLOEXEC = 0x4000_0000;
const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;

/** Offsets in a buffer with a `struct msghdr`, followed by the parts that it points to. */
const MESSAGE = { iov: 56n, control: 72n, data: 96n, size: 104 } as const;

/** The calls that a connection to the kernel needs: its device, and descriptors that other processes hand over. Linux, 64 bit. */
export class Libc {
  readonly #read: KoffiFunc<(fd: number, into: Buffer, length: number) => number>;
  readonly #write: KoffiFunc<(fd: number, from: Buffer, length: number) => number>;
  readonly #poll: KoffiFunc<(requests: Buffer, count: number, timeout: number) => number>;
  readonly #fcntl: KoffiFunc<(fd: number, command: number, argument: number) => number>;
  readonly #ioctl: KoffiFunc<(fd: number, request: number, argument: Buffer) => number>;
  readonly #dup3: KoffiFunc<(from: number, to: number, flags: number) => number>;
  readonly #socketpair: KoffiFunc<(domain: number, type: number, protocol: number, pair: Buffer) => number>;
  readonly #recvmsg: KoffiFunc<(socket: number, message: Buffer, flags: number) => number>;

  constructor() {
    const lib = koffi.load('libc.so.6');
    this.#read = lib.func('read', 'long', ['int', 'void *', 'size_t']);
    this.#write = lib.func('write', 'long', ['int', 'void *', 'size_t']);
    this.#poll = lib.func('poll', 'int', ['void *', 'ulong', 'int']);
    this.#fcntl = lib.func('fcntl', 'int', ['int', 'int', 'long']);
    this.#ioctl = lib.func('ioctl', 'int', ['int', 'ulong', 'void *']);
    this.#dup3 = lib.func('dup3', 'int', ['int', 'int', 'int']);
    this.#socketpair = lib.func('socketpair', 'int', ['int', 'int', 'int', 'void *']);
    this.#recvmsg = lib.func('recvmsg', 'long', ['int', 'void *', 'int']);
  }

  /** Returns the number of bytes, or a negated errno. */
  read(fd: number, into: Buffer): number {
    const count = this.#read(fd, into, into.length);
    return count < 0 ? -koffi.errno() : count;
  }

  /** Returns the number of bytes, or a negated errno. */
  write(fd: number, from: Buffer, length: number): number {
    const count = this.#write(fd, from, length);
    return count < 0 ? -koffi.errno() : count;
  }

  /**
   * Resolves when the descriptor is readable or has failed, or after `timeout` milliseconds. Occupies a thread of
   * libuv's pool.
   */
  async poll(fd: number, timeout: number): Promise<void> {
    const request = pollFor(fd);
    await new Promise<void>((resolve) => this.#poll.async(request, 1, timeout, () => resolve()));
  }

  /**
   * Sleeps in this thread until one of the descriptors is readable or has failed, for at most `timeout` milliseconds.
   * @returns the number of them that are
   */
  sleep(requests: Buffer, timeout: number): number {
    return this.#poll(requests, requests.length / POLL_SIZE, timeout);
  }

  /**
   * The descriptor that is readable when the event loop of the main thread has something to do, except for its timers
   * and immediates. `undefined` in other threads, and where libuv's functions are not exported.
   */
  eventLoop(): number | undefined {
    if (!isMainThread) return undefined;
    try {
      const own = koffi.load(null);
      const loop = own.func('uv_default_loop', 'void *', []) as KoffiFunc<() => unknown>;
      const backend = own.func('uv_backend_fd', 'int', ['void *']) as KoffiFunc<(loop: unknown) => number>;
      const fd = backend(loop());
      return fd >= 0 ? fd : undefined;
    } catch {
      return undefined;
    }
  }

  setNonBlocking(fd: number): void {
    const flags = this.#fcntl(fd, F_GETFL, 0);
    if (flags < 0 || this.#fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) throw failure('fcntl');
  }

  /** Returns the result of the call, or a negated errno. */
  ioctl(fd: number, request: number, argument: Buffer): number {
    const answer = this.#ioctl(fd, request, argument);
    return answer < 0 ? -koffi.errno() : answer;
  }

  /** Makes the number `to` mean the same open file as `from`, and closes what it meant before, in one step. */
  replace(from: number, to: number): void {
    if (this.#dup3(from, to, O_CLOEXEC) < 0) throw failure('dup3');
  }

  /** Creates two connected Unix sockets that child processes do not inherit. */
  socketPair(): [number, number] {
    const pair = Buffer.alloc(8);
    if (this.#socketpair(AF_UNIX, SOCK_STREAM_CLOEXEC, 0, pair) < 0) throw failure('socketpair');
    return [pair.readInt32LE(0), pair.readInt32LE(4)];
  }

  /** Receives a descriptor that another process sends over the socket (SCM_RIGHTS). Waits in libuv's pool. */
  async receiveDescriptor(socket: number): Promise<number> {
    const message = Buffer.alloc(MESSAGE.size);
    const base = koffi.address(message);
    message.writeBigUInt64LE(base + MESSAGE.iov, 16);
    message.writeBigUInt64LE(1n, 24);
    message.writeBigUInt64LE(base + MESSAGE.control, 32);
    message.writeBigUInt64LE(24n, 40);
    message.writeBigUInt64LE(base + MESSAGE.data, Number(MESSAGE.iov));
    message.writeBigUInt64LE(8n, Number(MESSAGE.iov) + 8);
    const count = await new Promise<number>((resolve) => {
      this.#recvmsg.async(socket, message, MSG_CMSG_CLOEXEC, (_error, count) => resolve(count));
    });
    const control = message.subarray(Number(MESSAGE.control));
    const received = count >= 0 && control.readBigUInt64LE(0) === 20n;
    if (!received || control.readInt32LE(8) !== SOL_SOCKET || control.readInt32LE(12) !== SCM_RIGHTS) {
      throw new Error('no descriptor was received');
    }
    return control.readInt32LE(16);
  }
}

/** An array of `struct pollfd` that waits until one of the descriptors is readable. */
export function pollFor(...fds: number[]): Buffer {
  const requests = Buffer.alloc(fds.length * POLL_SIZE);
  for (const [i, fd] of fds.entries()) {
    requests.writeInt32LE(fd, i * POLL_SIZE);
    requests.writeInt16LE(POLLIN, i * POLL_SIZE + 4);
  }
  return requests;
}

function failure(call: string): Error {
  return new Error(`${call} failed: errno ${koffi.errno()}`);
}
