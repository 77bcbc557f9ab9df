import { readdir, realpath, rm, rmdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import PQueue from 'p-queue';
import type { Logger } from 'pino';
import { Type } from 'typebox';
import {
  clearDeadMount,
  endMountsOf,
  openFuseDoor,
  prepareMountFolder,
  type FuseDoor,
} from '../mounts/doors/fuse-door.ts';
import type { FileSystem } from '../vfs/file-system.ts';
import { asFsError, FsError } from '../vfs/fs-error.ts';
import { checkMountPlace, type TakenFolder } from '../backup/folder-check.ts';
import { describeEnd, endOf } from './mount-end.ts';
import type { MountRequest } from './mount-request.ts';
import { readJson, writeJson } from './secrets.ts';

const MountFileSchema = Type.Object({ dir: Type.String({ minLength: 1 }) });

/** First and longest delay before the drive is mounted again, ms. */
const [FIRST, LONGEST] = [250, 60_000];
/** A mount that lasted this long, ms, resets the delay. */
const LASTING = 60_000;

/** Why the drive is not mounted although it should be. */
export interface MountProblem {
  readonly dir: string;
  readonly reason: string;
}

export interface MountState {
  /** The mount point; null: not mounted. */
  readonly dir: string | null;
  readonly problem: MountProblem | undefined;
  /** The request for the gateway that replaces this one; null: do not mount; undefined: use the settings. */
  readonly wish: MountRequest | null | undefined;
}

export interface MountPointOptions {
  readonly fs: FileSystem;
  /** Path of the file that records the mount point, for the process after a crash. */
  readonly file: string;
  /** The source of the mount in the system's mount table: the data folder. */
  readonly source: string;
  /** Folders that must neither contain nor be inside the mount point. */
  readonly taken: () => Promise<readonly TakenFolder[]>;
  readonly onChange: (state: MountState) => void;
  /** One line for the person at the terminal. */
  readonly say: (text: string) => void;
  readonly log: Logger;
}

/**
 * The drive's mount point: none, or one folder. If the mount ends for any reason other than being unmounted, the drive
 * is mounted again, after a growing delay.
 */
export class MountPoint {
  readonly #options: MountPointOptions;
  #door: FuseDoor | undefined;
  #wish: MountRequest | null | undefined;
  #problem: MountProblem | undefined;
  /** The folder of a mount that ended. The drive may be mounted on it again even if it is no longer empty. */
  #left: string | undefined;
  /** Detached mounts that programs are still using. */
  readonly #strays = new Set<FuseDoor>();
  #delay = FIRST;
  #closing = false;
  /** Mounting and unmounting take turns. */
  readonly #turns = new PQueue({ concurrency: 1 });

  constructor(options: MountPointOptions) {
    this.#options = options;
  }

  get state(): MountState {
    return { dir: this.#door?.dir ?? null, problem: this.#problem, wish: this.#wish };
  }

  /**
   * Removes a dead mount that an earlier process left, then mounts if requested. A failure is printed and kept as the
   * problem. Never throws.
   */
  async start(wish: MountRequest | undefined): Promise<void> {
    await this.#recover();
    if (wish === undefined) return;
    try {
      await this.mount(wish);
    } catch (error) {
      const { log, say } = this.#options;
      const { reason } = this.#failed(wish, error);
      log.warn({ dir: wish.dir, err: error }, 'the drive could not be mounted');
      if (wish.asked)
        say(`THE DRIVE IS NOT MOUNTED on ${wish.dir}: ${reason}; \`fjord mount ${wish.dir}\` tries again`);
      else say(`the drive is not mounted on ${wish.dir}: ${reason}; it can be reached by WebDAV`);
    }
  }

  /**
   * Mounts the drive, and resolves to the folder's real path. The folder is created if it is missing.
   * @throws EBUSY if it is already mounted; ENOTEMPTY; EINVAL if the folder is inside a taken one or contains one; what
   * `openFuseDoor` throws
   */
  mount(wish: MountRequest): Promise<string> {
    return this.#turns.add(async () => this.#mount(wish));
  }

  /**
   * Unmounts, and resolves to the folder.
   * @throws ENOENT if it is not mounted; EBUSY if programs are using it and `lazy` is false
   */
  unmount({ lazy }: { readonly lazy: boolean }): Promise<string> {
    return this.#turns.add(async () => {
      const door = this.#door;
      const dir = door?.dir ?? this.#wish?.dir;
      if (dir === undefined) throw new FsError('ENOENT', 'unmount', { reason: 'the drive is not mounted' });
      this.#door = undefined;
      try {
        await door?.unmount({ lazy });
      } catch (error) {
        this.#door = door;
        throw error;
      }
      await this.#over(undefined);
      this.#options.log.info({ dir }, 'the drive is unmounted');
      return dir;
    });
  }

  /** Unmounts in any case; programs that still have files open will get errors. Never throws. */
  async close(): Promise<void> {
    const { log } = this.#options;
    // From now on this gateway mounts nothing; the reported request stays, for the gateway that replaces it.
    this.#closing = true;
    this.#wish = null;
    await this.#turns.onIdle();
    if (this.#door !== undefined) {
      const gone = this.unmount({ lazy: false }).catch(() => this.unmount({ lazy: true }));
      await gone.catch((error: unknown) => log.error({ err: error }, 'the drive could not be unmounted'));
    }
    await Promise.all(Array.from(this.#strays, (stray) => stray.abort()));
  }

  async #recover(): Promise<void> {
    const { file, source, log } = this.#options;
    // Only this gateway serves the data folder, so every other mount of it is dead.
    await endMountsOf(source);
    try {
      const dir = (await readJson(file, MountFileSchema))?.dir;
      if (dir === undefined) return;
      await clearDeadMount(dir);
      await rm(file, { force: true });
      this.#left = dir;
    } catch (error) {
      log.warn({ err: error }, 'the mount of an earlier process could not be removed');
    }
  }

  async #mount(wish: MountRequest): Promise<string> {
    const { fs, file, source, taken, log } = this.#options;
    if (this.#door !== undefined) {
      const reason = `the drive is already mounted on ${this.#door.dir}; \`fjord unmount\` unmounts it`;
      throw new FsError('EBUSY', 'mount', { subject: wish.dir, reason });
    }
    // Accessing a mount whose process is dead would fail or block.
    await clearDeadMount(wish.dir);
    await checkMountPlace(wish.dir, await taken());
    const made = await prepareMountFolder(wish.dir, wish.options);
    try {
      const path = await realpath(wish.dir);
      if (path !== this.#left) await refuseFilled(path);
      // Recorded before mounting, so that the mount can be removed after a crash.
      await writeJson(file, { dir: path });
      const door = await openFuseDoor({ ...wish.options, fs, dir: path, source, log });
      this.#is(door, { ...wish, dir: path });
      return path;
    } catch (error) {
      await rm(file, { force: true });
      if (made) await rmdir(wish.dir).catch(() => undefined);
      throw asFsError(error, 'mount', wish.dir);
    }
  }

  #is(door: FuseDoor, wish: MountRequest): void {
    this.#door = door;
    this.#wish = wish;
    this.#problem = undefined;
    this.#options.log.info({ dir: door.dir }, 'the drive is mounted');
    this.#changed();
    void this.#watch(door, wish);
  }

  async #watch(door: FuseDoor, wish: MountRequest): Promise<void> {
    const since = performance.now();
    const end = await endOf(door);
    await this.#turns.onIdle();
    if (this.#door !== door) return;
    const { log, say } = this.#options;
    const how = `the mount on ${door.dir} ${describeEnd(end)}`;
    log.warn({ dir: door.dir, ...end }, 'the mount ended');
    this.#door = undefined;
    this.#left = door.dir;
    const problem = { dir: door.dir, reason: describeEnd(end) };
    if (end.reason === 'unmounted') {
      say(`${how}; \`fjord mount ${door.dir}\` mounts it again`);
      return this.#over(problem);
    }
    say(`${how}; it will be mounted again soon`);
    if (end.reason === 'vanished') this.#follow(door);
    this.#problem = problem;
    this.#changed();
    if (performance.now() - since > LASTING) this.#delay = FIRST;
    await this.#again(wish);
  }

  async #again(wish: MountRequest): Promise<void> {
    while (this.#wish === wish) {
      await sleep(this.#delay, undefined, { ref: false });
      this.#delay = Math.min(this.#delay * 2, LONGEST);
      try {
        await this.#turns.add(async () => (this.#wish === wish ? this.#mount(wish) : undefined));
      } catch (error) {
        this.#options.log.warn({ dir: wish.dir, err: error }, 'the drive could not be mounted again');
        this.#failed(wish, error);
      }
    }
  }

  #follow(stray: FuseDoor): void {
    this.#strays.add(stray);
    void stray.closed.then(() => this.#strays.delete(stray));
  }

  /** Records that the drive is not to be mounted any more. */
  async #over(problem: MountProblem | undefined): Promise<void> {
    this.#wish = null;
    this.#problem = problem;
    this.#changed();
    await rm(this.#options.file, { force: true });
  }

  #failed({ dir }: MountRequest, error: unknown): MountProblem {
    const { reason, message } = asFsError(error, 'mount');
    this.#problem = { dir, reason: reason ?? message };
    this.#changed();
    return this.#problem;
  }

  #changed(): void {
    if (!this.#closing) this.#options.onChange(this.state);
  }
}

async function refuseFilled(path: string): Promise<void> {
  if ((await readdir(path)).length === 0) return;
  const reason = 'the folder is not empty, and a mount would hide its content; name an empty one';
  throw new FsError('ENOTEMPTY', 'mount', { subject: path, reason });
}
