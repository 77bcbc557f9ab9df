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
/** How often is looked whether the mount is still there, ms: the library tells nobody. */
const PACE = 1000;
/** How long the kernel may take to tell of files that were closed before the unmount, ms. */
const PATIENCE = 1000;

/**
 * The same as `FuseMount`, through the package `fuse-native` (libfuse 2, macFUSE): for systems where the kernel cannot
 * be spoken to directly. Weaker, see `docs/decisions/067-fuse-native.md`. Of the options `passthrough`, `xattr` and
 * `validity` mean nothing here.
 */
export class NativeMount {
  readonly dir: string;
  /** Resolves when the mount is over, whoever ended it; all handles are closed then. Never rejects. */
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
   * Mounts. Resolves when the kernel has sent its first request. A dead mount that was left on the folder is removed
   * first.
   * @throws FsError ENOTSUP with what to install; EPERM if the library cannot mount; EBUSY if a live mount is there
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
   * Resolves when the mount is over.
   * @param lazy Take it away from the tree at once even if somebody uses it.
   * @throws FsError EBUSY
   */
  async unmount({ lazy = false }: { readonly lazy?: boolean } = {}): Promise<void> {
    if (process.platform === 'darwin') await detachOnMac(this.dir, lazy);
    else await detach(this.dir, lazy);
    await this.#finish({ reason: 'unmounted' });
  }

  /** Ends the connection at once; who waits for an answer gets an error. For when nothing else helps. */
  async abort(): Promise<void> {
    const entry = process.platform === 'linux' ? await this.#entry() : undefined;
    const connection = entry?.device.split(':')[1];
    // Only root may, and only where fusectl is mounted.
    const file = `/sys/fs/fuse/connections/${connection}/abort`;
    if (connection !== undefined) await writeFile(file, '1').catch(() => {});
    await this.unmount({ lazy: true }).catch(() => {});
    await this.#finish({ reason: 'aborted' });
  }

  /** Nothing to wait for: the kernel was not told to remember anything. */
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
    await this.#operations.released(PATIENCE);
    this.#calls.close();
    await this.#operations.close();
  }
}

function refusal(dir: string, error: Error): FsError {
  const inUse = error.message === 'Mountpoint in use';
  const reason = inUse ? 'something is mounted there already' : `libfuse could not mount (${error.message})`;
  return new FsError(inUse ? 'EBUSY' : 'EPERM', 'mount', { subject: dir, reason, cause: error });
}

async function detachOnMac(dir: string, lazy: boolean): Promise<void> {
  const { code, errors } = await command('diskutil', ['unmount', ...(lazy ? ['force'] : []), dir]);
  if (code !== 0) throw new FsError('EBUSY', 'unmount', { subject: dir, reason: errors });
}
