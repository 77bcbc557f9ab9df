import { closeSync, openSync, write } from 'node:fs';
import { ECONNABORTED, EAGAIN, EINTR, ENODEV, ENOENT, EPERM } from './errno.ts';
import { FileLease } from '../libc/file-lease.ts';
import { type Libc, pollFor } from './libc.ts';
import type { BackingRegistry } from './passthrough.ts';
import { BackingMap } from './wire/structs.ts';

/** Longest wait for a request, ms, so that the process can end even if nothing happens. */
const WAIT = 500;

/** `FUSE_DEV_IOC_BACKING_OPEN` and `…_CLOSE`. */
const BACKING_OPEN = 0x4010_e501;
const BACKING_CLOSE = 0x4004_e502;

export type Received =
  /** A request of `length` bytes. */
  | { readonly what: 'request'; readonly length: number }
  /** There is no request. */
  | { readonly what: 'nothing' }
  /** The connection has ended: it was unmounted or aborted. */
  | { readonly what: 'end'; readonly errno: number };

const nothing: Received = { what: 'nothing' };

/** The connection of a mount to the kernel: an open, non-blocking `/dev/fuse`. */
export class Device implements BackingRegistry {
  readonly #libc: Libc;
  readonly #lease = new FileLease();
  readonly #fd: number;
  /** What `nap` waits for: the connection and the event loop. */
  readonly #sleepers: Buffer | undefined;
  #open = true;
  /** Number of calls in other threads that are using the descriptor. */
  #users = 0;

  constructor(libc: Libc, fd: number) {
    this.#libc = libc;
    this.#fd = fd;
    const loop = libc.eventLoop();
    this.#sleepers = loop === undefined ? undefined : pollFor(fd, loop);
  }

  /** Reads a request if there is one. Never waits. */
  receive(into: Buffer): Received {
    if (!this.#open) return { what: 'end', errno: ECONNABORTED };
    const count = this.#libc.read(this.#fd, into);
    if (count > 0) return { what: 'request', length: count };
    const errno = -count;
    if (errno === EAGAIN) return nothing;
    // ENOENT: the request was withdrawn between the wake-up and the read. EPERM: not mounted yet.
    if (errno === ENOENT || errno === EINTR || errno === EPERM) return nothing;
    return { what: 'end', errno };
  }

  /** Resolves when there may be a request, the connection has ended, or some time has passed. */
  async wait(): Promise<void> {
    await this.#use(() => this.#libc.poll(this.#fd, WAIT));
  }

  /**
   * Sleeps in the calling thread until there may be a request, the connection has ended, the event loop has something to
   * do, or `ms` milliseconds have passed. Timers and immediates do not end it, so `ms` is to be small.
   * @returns false, at once, where it is not known what the event loop waits for
   */
  nap(ms: number): boolean {
    if (!this.#open || this.#sleepers === undefined) return false;
    this.#libc.sleep(this.#sleepers, ms);
    return true;
  }

  /** Sends a response. It is no error if the caller no longer waits for it (interrupted, unmounted). */
  reply(from: Buffer, length: number): void {
    if (!this.#open) return;
    const count = this.#libc.write(this.#fd, from, length);
    if (count >= 0 || [-ENOENT, -ENODEV, -ECONNABORTED, -EPERM].includes(count)) return;
    throw new Error(`the kernel refused a response of ${length} bytes: errno ${-count}`);
  }

  /**
   * Sends a notification. Runs in libuv's pool, because the kernel may make the writer wait for a page or a folder
   * whose request only the serving thread can end. It is no error if the kernel does not know the node.
   */
  async notify(message: Buffer): Promise<void> {
    await this.#use(() => new Promise((resolve) => write(this.#fd, message, () => resolve())));
  }

  /** `BackingRegistry.register` */
  register(fd: number): number | undefined {
    if (!this.#open) return undefined;
    const map = Buffer.alloc(BackingMap.size);
    BackingMap.encode({ fd }, map, 0);
    const id = this.#libc.ioctl(this.#fd, BACKING_OPEN, map);
    return id > 0 ? id : undefined;
  }

  /** `BackingRegistry.unregister` */
  unregister(id: number): void {
    if (!this.#open) return;
    const number = Buffer.alloc(4);
    number.writeInt32LE(id);
    this.#libc.ioctl(this.#fd, BACKING_CLOSE, number);
  }

  /** `BackingRegistry.isShared` */
  isShared(fd: number): boolean {
    return this.#lease.isShared(fd);
  }

  /**
   * Ends the connection: waiting callers get `ECONNABORTED`, later ones `ENOTCONN`. The descriptor's number is released
   * only when no other thread can be using it. Idempotent.
   */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    const none = openSync('/dev/null', 'r+');
    this.#libc.replace(none, this.#fd);
    closeSync(none);
    if (this.#users === 0) closeSync(this.#fd);
  }

  async #use(run: () => Promise<void>): Promise<void> {
    if (!this.#open) return;
    this.#users++;
    await run();
    this.#users--;
    if (!this.#open && this.#users === 0) closeSync(this.#fd);
  }
}
