import { FsError } from '../vfs/fs-error.ts';
import type { FileSystem } from '../vfs/file-system.ts';
import { Buffers } from './buffers.ts';
import { CarryOver } from './carry-over.ts';
import { Coherence } from './coherence.ts';
import { abortConnection } from './connection.ts';
import { Cursors } from './cursors.ts';
import { Device } from './device.ts';
import { ECONNABORTED, ENODEV } from './errno.ts';
import { InodeTable } from './inode-table.ts';
import { Libc } from './libc.ts';
import type { FuseLog } from './log.ts';
import { Passthrough } from './passthrough.ts';
import { Loop, PACE } from './loop.ts';
import { readMounts } from './mount-table.ts';
import { attach, clearAndResolve, detach, enlargeReadAhead } from './mounter.ts';
import { Notifier } from './notifier.ts';
import { OpenFiles } from './open-files.ts';
import { Pruning } from './pruning.ts';
import { owner } from './owner.ts';
import { FRAME, Session } from './session.ts';
import type { State } from './state.ts';

export interface FuseOptions {
  /** Owner of all nodes; absent: the user of this process. */
  readonly uid?: number;
  readonly gid?: number;
  /** Whether other users can access the mount, as permitted by file modes. Default false. */
  readonly allowOther?: boolean;
  /** Whether to serve extended attributes, which makes `ls -l` much slower. Default false. */
  readonly xattr?: boolean;
  /** Whether the kernel may read and write completely cached files directly. Default true. */
  readonly passthrough?: boolean;
  /** Milliseconds after which a request ends with `ETIMEDOUT` or `EIO`. Default 120,000. */
  readonly timeout?: number;
  /**
   * How long the kernel may cache names and attributes, in seconds, unless it is notified of a change. Default one day.
   */
  readonly validity?: number;
  /** Number of nodes beyond which the kernel is asked to forget some. Default 250,000. */
  readonly mostNodes?: number;
}

export interface FuseMountArgs {
  readonly fs: FileSystem;
  /** An existing folder. */
  readonly dir: string;
  /** The source of the mount, which `df` shows as the device. */
  readonly name: string;
  readonly options?: FuseOptions;
  readonly log: FuseLog;
}

/** Why a mount is over. */
export type Closed =
  | { readonly reason: 'unmounted' }
  /** The connection was aborted by another process. */
  | { readonly reason: 'aborted' }
  /** The server failed. */
  | { readonly reason: 'failed'; readonly error: unknown };

const DAY = 86_400;
const TIMEOUT = 120_000;
const READY = 10_000;
/** Uses about 75 MB of memory. */
const MOST_NODES = 250_000;
const CLOSE_TIMEOUT = 3000;

/**
 * A file system that is mounted on a folder through the kernel's FUSE protocol. Linux only. The process that serves it
 * must not access the folder with synchronous calls, nor start a program with its working folder inside: it would wait
 * for itself.
 */
export class FuseMount {
  readonly dir: string;
  /** Resolves when the mount has ended for any reason and all handles are closed. Never rejects. */
  readonly closed: Promise<Closed>;
  readonly #device: Device;
  /** The number of the connection in the mount table. */
  #connection: string | undefined;
  readonly #state: State;
  readonly #session: Session;
  readonly #notifier: Notifier;
  readonly #log: FuseLog;
  #failure: { readonly error: unknown } | undefined;
  #detached = false;
  #ready: () => void = () => {};

  private constructor(device: Device, dir: string, { fs, options = {}, log }: FuseMountArgs) {
    this.dir = dir;
    this.#device = device;
    this.#log = log;
    this.#notifier = new Notifier((message) => device.notify(message));
    this.#state = this.#makeState(fs, options);
    const reply = (from: Buffer, length: number): void => this.#reply(from, length);
    this.#session = new Session(this.#state, { reply, log, timeout: options.timeout ?? TIMEOUT });
    this.closed = this.#serve();
  }

  /**
   * Mounts, and resolves when the protocol has been negotiated with the kernel. A dead mount on the folder is removed
   * first.
   * @throws FsError EPERM with the message of the system's mount command; EBUSY if a live FUSE file system is mounted
   * there
   */
  static async mount(args: FuseMountArgs): Promise<FuseMount> {
    const { name, options = {} } = args;
    const wanted = await clearAndResolve(args.dir);
    const { uid, gid } = owner(options);
    const libc = new Libc();
    const fd = await attach(libc, { dir: wanted, name, uid, gid, allowOther: options.allowOther ?? false });
    const mount = new FuseMount(new Device(libc, fd), wanted, args);
    const numbered = readMounts().then((all) => {
      mount.#connection = all.findLast(({ dir }) => dir === wanted)?.device;
    });
    await Promise.all([numbered, mount.#negotiated()]);
    await enlargeReadAhead(wanted);
    return mount;
  }

  /**
   * Unmounts, and resolves when the mount has ended. Programs that still have files open (possible with `lazy`, or in
   * another mount namespace) have a few seconds to close them, and then get errors.
   * @param lazy detaches the mount at once, even if programs are using it
   * @throws FsError EBUSY if programs are using it and `lazy` is false
   */
  async unmount({ lazy = false }: { readonly lazy?: boolean } = {}): Promise<void> {
    await detach(this.dir, lazy);
    this.#detached = true;
    const timer = setTimeout(() => this.#disconnect(), CLOSE_TIMEOUT);
    await this.closed;
    clearTimeout(timer);
  }

  /** Ends the connection at once; waiting callers get an error. A last resort. */
  async abort(): Promise<void> {
    this.#disconnect();
    await this.closed;
  }

  /** The number of nodes that the kernel knows. */
  get nodes(): number {
    return this.#state.inodes.size;
  }

  /** Resolves when the kernel has been notified of all changes up to now. */
  async flushed(): Promise<void> {
    await this.#notifier.flushed();
  }

  #makeState(fs: FileSystem, options: FuseOptions): State {
    const inodes: InodeTable = new InodeTable(fs.root, () => pruning.added());
    const pruning = new Pruning(inodes, this.#notifier, options.mostNodes ?? MOST_NODES);
    return {
      fs,
      inodes,
      files: new OpenFiles(inodes),
      passthrough: new Passthrough(this.#device, options.passthrough ?? true),
      carryOver: new CarryOver(),
      cursors: new Cursors(fs),
      coherence: new Coherence(fs, inodes, this.#notifier),
      how: { ...owner(options), validity: options.validity ?? DAY },
      xattr: options.xattr ?? false,
      negotiated: undefined,
      interrupt: (unique) => this.#session.interrupt(unique),
      now: Date.now,
    };
  }

  async #serve(): Promise<Closed> {
    // Starts only after the caller has attached its handlers.
    await Promise.resolve();
    const stop = this.#state.coherence.start();
    let errno = ECONNABORTED;
    try {
      errno = await new Loop(this.#device, this.#session, new Buffers(FRAME), PACE).run();
    } catch (error) {
      this.#fail(error);
    }
    stop();
    this.#session.close();
    this.#device.close();
    await this.#closeFiles();
    const over = errno === ENODEV || this.#detached;
    if (!over) await detach(this.dir, true).catch(() => {});
    if (this.#failure !== undefined) return { reason: 'failed', error: this.#failure.error };
    return { reason: over ? 'unmounted' : 'aborted' };
  }

  async #closeFiles(): Promise<void> {
    for (const { handle } of this.#state.files.drain()) {
      try {
        await handle.close();
      } catch (error) {
        this.#log.error({ err: error }, 'a file could not be closed');
      }
    }
  }

  async #negotiated(): Promise<void> {
    const ready = new Promise<void>((resolve) => (this.#ready = resolve));
    const timer = setTimeout(() => this.#disconnect(), READY);
    const ended = await Promise.race([ready, this.closed]);
    clearTimeout(timer);
    if (ended === undefined) return;
    throw new FsError('EIO', 'mount', {
      subject: this.dir,
      reason: 'the FUSE protocol of this kernel is not supported; Linux 5.4 or later is needed',
    });
  }

  /** Sends a response. If the kernel refuses it, a caller would wait forever, so the connection is ended. */
  #reply(from: Buffer, length: number): void {
    try {
      this.#device.reply(from, length);
      if (this.#state.negotiated !== undefined) this.#ready();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#log.error({ err: error, dir: this.dir }, 'the mount has failed');
    this.#disconnect();
  }

  /**
   * Ends the connection through the kernel's control file system. Closing the device is not enough while a notification
   * is being written: its thread may wait for a lock held by a request that will never be answered.
   */
  #disconnect(): void {
    this.#device.close();
    if (this.#connection !== undefined) void abortConnection(this.#connection);
  }
}
