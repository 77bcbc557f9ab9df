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

/** Waits before a mount that ended is tried again, ms: the first, and the longest. */
const [FIRST, LONGEST] = [250, 60_000];
/** A mount that lasted this long, ms, ended for a reason of its own. */
const LASTING = 60_000;

/** Why the drive is not mounted where it was to be. */
export interface MountProblem {
  readonly dir: string;
  readonly reason: string;
}

export interface MountState {
  /** Null: not mounted. */
  readonly dir: string | null;
  readonly problem: MountProblem | undefined;
  /** What a gateway that comes after this one is to do; null: not mount; undefined: what the settings say. */
  readonly wish: MountRequest | null | undefined;
}

export interface MountPointOptions {
  readonly fs: FileSystem;
  /** Remembers where the drive is mounted, for whoever comes after a process that died. */
  readonly file: string;
  /** What the mount names as its source: the data folder. */
  readonly source: string;
  /** Folders that the drive can be mounted neither in nor around. */
  readonly taken: () => Promise<readonly TakenFolder[]>;
  readonly onChange: (state: MountState) => void;
  /** One line for the person at the terminal. */
  readonly say: (text: string) => void;
  readonly log: Logger;
}

/**
 * Where the drive is mounted as a file system: nowhere, or in one folder. A mount that ends for another reason than that
 * somebody unmounted it is made again, sooner or later.
 */
export class MountPoint {
  readonly #options: MountPointOptions;
  #door: FuseDoor | undefined;
  #wish: MountRequest | null | undefined;
  #problem: MountProblem | undefined;
  /** The folder of a mount that ended; whatever got into it since may be hidden again. */
  #left: string | undefined;
  /** Mounts that are gone from the tree, but not for programs that used them. */
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
   * Removes the dead mount that a process before this one left, then mounts if that is wished. That it cannot be done
   * is told and kept as the problem. Never throws.
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
   * Mounts the drive and answers the folder's real path. A folder that is missing is made.
   * @throws EBUSY if it is mounted already; ENOTEMPTY; EINVAL if the folder is in one of the drive's own or around it;
   * else as `openFuseDoor`
   */
  mount(wish: MountRequest): Promise<string> {
    return this.#turns.add(async () => this.#mount(wish));
  }

  /**
   * Answers the folder.
   * @throws ENOENT if it is not mounted; EBUSY if somebody uses it and `lazy` is false
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

  /** Unmounts whatever the circumstances; who still has files open gets errors soon. Never throws. */
  async close(): Promise<void> {
    const { log } = this.#options;
    // The next gateway is to do what this one did; nothing is mounted again by this one.
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
    // There is one gateway for a data folder: this one.
    await endMountsOf(source);
    try {
      const dir = (await readJson(file, MountFileSchema))?.dir;
      if (dir === undefined) return;
      await clearDeadMount(dir);
      await rm(file, { force: true });
      this.#left = dir;
    } catch (error) {
      log.warn({ err: error }, 'a mount that was left behind could not be removed');
    }
  }

  async #mount(wish: MountRequest): Promise<string> {
    const { fs, file, source, taken, log } = this.#options;
    if (this.#door !== undefined) {
      const reason = `the drive is mounted on ${this.#door.dir}; \`fjord unmount\` ends that`;
      throw new FsError('EBUSY', 'mount', { subject: wish.dir, reason });
    }
    // Not to be looked at while nobody serves it.
    await clearDeadMount(wish.dir);
    await checkMountPlace(wish.dir, await taken());
    const made = await prepareMountFolder(wish.dir, wish.options);
    try {
      const path = await realpath(wish.dir);
      if (path !== this.#left) await refuseFilled(path);
      // Before there is anything to be cleaned up.
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
    say(`${how}; it is mounted again soon`);
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

  /** Nobody wants the mount any more. */
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
  const reason = 'the folder is not empty; a mount would hide what is in it';
  throw new FsError('ENOTEMPTY', 'mount', { subject: path, reason });
}
