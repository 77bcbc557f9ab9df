import { writeFile } from 'node:fs/promises';
import type Fuse from 'fuse-native';
import { FsError } from '../../vfs/fs-error.ts';
import { command } from '../command.ts';
import { readMounts, type MountEntry } from '../mount-table.ts';
import type { Closed, FuseMountArgs } from '../mount.ts';
import { clearAndResolve, detach } from '../mounter.ts';
import { owner } from '../owner.ts';
import { Calls } from './calls.ts';
import { loadLibrary, type Library } from './library.ts';
import { mountOptions } from './mount-options.ts';
import { PathOperations } from './operations.ts';

const TIMEOUT = 120_000;
/** How often to check that the mount still exists, ms, as the library does not report its end. */
const PACE = 1000;
/** How long the kernel may take to report files that were closed before the unmount, ms. */
const RELEASE_TIMEOUT = 1000;

/**
 * Like `FuseMount`, but through the package `fuse-native` (libfuse 2, macFUSE), for systems where the kernel's protocol
 * cannot be used directly. It has limits, see `docs/decisions/067-fuse-native.md`. The options `passthrough`, `xattr`
 * and `validity` have no effect.
 */
export class NativeMount {
  readonly dir: string;
  /** Resolves when the mount has ended for any reason and all handles are closed. Never rejects. */
  readonly closed: Promise<Closed>;
  readonly #library: Library;
  readonly #fuse: Fuse;
  readonly #calls: Calls;
  readonly #operations: PathOperations;
  #end: (closed: Closed) => void = () => {};
  #watch: NodeJS.Timeout | undefined;
  #over: Promise<void> | undefined;

  private constructor(dir: string, library: Library, { fs, name, options = {}, log }: FuseMountArgs) {
    this.dir = dir;
    this.#library = library;
    this.#calls = new Calls(options.timeout ?? TIMEOUT);
    this.#operations = new PathOperations({ fs, owner: owner(options), calls: this.#calls, log });
    const line = mountOptions({ name, allowOther: options.allowOther ?? false, platform: process.platform });
    const Mountable = class extends library.Fuse {
      override _fuseOptions(): string {
        return line;
      }
    };
    this.#fuse = new Mountable(dir, this.#operations.table(), { timeout: false });
    this.closed = new Promise((resolve) => (this.#end = resolve));
  }

  /**
   * Mounts, and resolves when the kernel has sent its first request. A dead mount on the folder is removed first.
   * @throws FsError ENOTSUP with a reason that says what to install; EPERM if the library cannot mount; EBUSY if there
   * is a live mount
   */
  static async mount(args: FuseMountArgs): Promise<NativeMount> {
    const library = await loadLibrary(args.dir);
    const linux = process.platform === 'linux';
    const dir = linux ? await clearAndResolve(args.dir) : args.dir;
    const mount = new NativeMount(dir, library, args);
    await mount.#attach();
    if (linux) mount.#watchTable();
    return mount;
  }

  /**
   * Unmounts, and resolves when the mount has ended.
   * @param lazy detaches the mount at once, even if programs are using it
   * @throws FsError EBUSY if programs are using it and `lazy` is false
   */
  async unmount({ lazy = false }: { readonly lazy?: boolean } = {}): Promise<void> {
    if (process.platform === 'darwin') await detachOnMac(this.dir, lazy);
    else await detach(this.dir, lazy);
    await this.#finish({ reason: 'unmounted' });
  }

  /** Ends the connection at once; waiting callers get an error. A last resort. */
  async abort(): Promise<void> {
    const entry = process.platform === 'linux' ? await this.#entry() : undefined;
    const connection = entry?.device.split(':')[1];
    // Only root can do this, and only if fusectl is mounted.
    const file = `/sys/fs/fuse/connections/${connection}/abort`;
    if (connection !== undefined) await writeFile(file, '1').catch(() => {});
    await this.unmount({ lazy: true }).catch(() => {});
    await this.#finish({ reason: 'aborted' });
  }

  /** Resolves at once, as the kernel caches nothing that would need a notification. */
  async flushed(): Promise<void> {}

  async #attach(): Promise<void> {
    const attached = new Promise<void>((resolve, reject) => {
      this.#fuse.mount((error) => (error === null ? resolve() : reject(refusal(this.dir, error))));
    });
    try {
      await attached;
    } catch (error) {
      await this.#close();
      throw error;
    }
  }

  #watchTable(): void {
    const look = async (): Promise<void> => {
      if ((await this.#entry()) === undefined) await this.#finish({ reason: 'unmounted' });
    };
    this.#watch = setInterval(() => void look().catch(() => {}), PACE).unref();
  }

  async #entry(): Promise<MountEntry | undefined> {
    return (await readMounts()).findLast(({ dir, type }) => dir === this.dir && type.startsWith('fuse'));
  }

  async #finish(closed: Closed): Promise<void> {
    this.#over ??= this.#close().then(() => {
      this.#library.release(this.#fuse);
      this.#end(closed);
    });
    await this.#over;
  }

  async #close(): Promise<void> {
    clearInterval(this.#watch);
    await this.#operations.released(RELEASE_TIMEOUT);
    this.#calls.close();
    await this.#operations.close();
  }
}

function refusal(dir: string, error: Error): FsError {
  const inUse = error.message === 'Mountpoint in use';
  const reason = inUse
    ? 'a file system is already mounted there; unmount it, or name another folder'
    : `libfuse could not mount (${error.message})`;
  return new FsError(inUse ? 'EBUSY' : 'EPERM', 'mount', { subject: dir, reason, cause: error });
}

async function detachOnMac(dir: string, lazy: boolean): Promise<void> {
  const { code, errors } = await command('diskutil', ['unmount', ...(lazy ? ['force'] : []), dir]);
  if (code !== 0) throw new FsError('EBUSY', 'unmount', { subject: dir, reason: errors });
}
