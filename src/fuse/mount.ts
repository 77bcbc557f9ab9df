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
import { Loans } from './loans.ts';
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
  /** Owner of everything; absent: who runs this process. */
  readonly uid?: number;
  readonly gid?: number;
  /** Other users may look in, too; modes decide. Default false. */
  readonly allowOther?: boolean;
  /** Serve extended attributes. Costs `ls -l` most of its speed. Default false. */
  readonly xattr?: boolean;
  /** The kernel reads and writes files that are here as a whole by itself, where it can. Default true. */
  readonly passthrough?: boolean;
  /** Milliseconds after which a request ends with `ETIMEDOUT`. Default 120,000. */
  readonly timeout?: number;
  /** Seconds for which the kernel believes what it was told, unless it hears of a change. Default one day. */
  readonly validity?: number;
  /** Nodes that the kernel may know before it is asked to forget some. Default 250,000. */
  readonly mostNodes?: number;
}

export interface FuseMountArgs {
  readonly fs: FileSystem;
  /** An existing folder. */
  readonly dir: string;
  /** What `df` shows as the device. */
  readonly name: string;
  readonly options?: FuseOptions;
  readonly log: FuseLog;
}

/** Why a mount is over. */
export type Closed =
  | { readonly reason: 'unmounted' }
  /** Somebody aborted the connection. */
  | { readonly reason: 'aborted' }
  /** This door could not go on. */
  | { readonly reason: 'failed'; readonly error: unknown };

const DAY = 86_400;
const TIMEOUT = 120_000;
const READY = 10_000;
/** About 75 MB of memory. */
const MOST_NODES = 250_000;
const PATIENCE = 3000;

/**
 * A file system mounted on a folder of this computer through the kernel's FUSE protocol. Linux only. The process that
 * serves it must not touch the folder by a synchronous call, nor start a program with a working folder in it: it would
 * wait for itself.
 */
export class FuseMount {
  readonly dir: string;
  /** Resolves when the mount is over, whoever ended it; all handles are closed then. Never rejects. */
  readonly closed: Promise<Closed>;
  readonly #device: Device;
  /** The number of the connection in the table of mounts. */
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
   * Mounts. Resolves when the kernel has agreed with us on the protocol. A dead mount that was left on the folder is
   * removed first.
   * @throws FsError EPERM with the reason of the system's mount command; EBUSY if a live FUSE file system is there
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
   * Resolves when the mount is over. Who still has files open then (only with `lazy`, or from another mount namespace)
   * gets a few seconds to close them, and errors after that.
   * @param lazy Take it away from the tree at once even if somebody uses it.
   * @throws FsError EBUSY
   */
  async unmount({ lazy = false }: { readonly lazy?: boolean } = {}): Promise<void> {
    await detach(this.dir, lazy);
    this.#detached = true;
    const timer = setTimeout(() => this.#disconnect(), PATIENCE);
    await this.closed;
    clearTimeout(timer);
  }

  /** Ends the connection at once; who waits for an answer gets an error. For when nothing else helps. */
  async abort(): Promise<void> {
    this.#disconnect();
    await this.closed;
  }

  /** How many nodes the kernel knows. */
  get nodes(): number {
    return this.#state.inodes.size;
  }

  /** Resolves when the kernel has heard of all changes up to now. */
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
      loans: new Loans(this.#device, options.passthrough ?? true),
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
    // Not before somebody waits for the first answer.
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
    throw new FsError('EIO', 'mount', { subject: this.dir, reason: 'the kernel and we do not agree on a protocol' });
  }

  /** An answer that the kernel refuses leaves somebody waiting for ever; so the whole connection ends. */
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
    this.#log.error({ err: error, dir: this.dir }, 'the mount cannot go on');
    this.#disconnect();
  }

  /**
   * Closing the device does not end the connection while a notification is being written: its thread may wait for a lock
   * that a request holds which is never answered.
   */
  #disconnect(): void {
    this.#device.close();
    if (this.#connection !== undefined) void abortConnection(this.#connection);
  }
}
