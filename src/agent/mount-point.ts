import { readdir, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Type } from 'typebox';
import { clearDeadMount, openFuseDoor, prepareMountFolder, type FuseDoor } from '../mounts/fuse-door.ts';
import type { FileSystem } from '../vfs/file-system.ts';
import { FsError } from '../vfs/fs-error.ts';
import { checkFolder, type TakenFolder } from './backup/folder-check.ts';
import { readJson, writeJson } from './secrets.ts';
import type { Logger } from 'pino';

const MountFileSchema = Type.Object({ dir: Type.String({ minLength: 1 }) });

export interface MountPointOptions {
  readonly fs: FileSystem;
  /** Remembers where the drive is mounted, for whoever comes after a process that died. */
  readonly file: string;
  /** Folders that the drive can be mounted neither in nor around. */
  readonly taken: () => Promise<readonly TakenFolder[]>;
  readonly xattr: boolean;
  /** Called with the folder when the drive is mounted, with null when it is not any more. */
  readonly onChange: (dir: string | null) => void;
  readonly log: Logger;
}

/** Where the drive is mounted as a file system: nowhere, or in one folder. */
export class MountPoint {
  readonly #options: MountPointOptions;
  #door: FuseDoor | undefined;
  /** Mounting and unmounting take turns. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: MountPointOptions) {
    this.#options = options;
  }

  /** Null: not mounted. */
  get dir(): string | null {
    return this.#door?.dir ?? null;
  }

  /** Removes the dead mount that a process before this one left; answers its folder. Never throws. */
  async recover(): Promise<string | undefined> {
    const { file, log } = this.#options;
    try {
      const dir = (await readJson(file, MountFileSchema))?.dir;
      if (dir === undefined) return undefined;
      await clearDeadMount(dir);
      await rm(file, { force: true });
      return dir;
    } catch (error) {
      log.warn({ err: error }, 'a mount that was left behind could not be removed');
      return undefined;
    }
  }

  /**
   * Mounts the drive and answers the folder's real path. A folder that is missing is made.
   * @param options.filled The folder may have content, which the mount hides.
   * @throws EBUSY if it is mounted already; ENOTEMPTY; EINVAL if the folder is in one of the drive's own or around it;
   * else as `openFuseDoor`
   */
  mount(dir: string, { filled = false }: { readonly filled?: boolean } = {}): Promise<string> {
    return this.#next(() => this.#mount(resolve(dir), filled));
  }

  /**
   * Answers the folder.
   * @throws ENOENT if it is not mounted; EBUSY if somebody uses it and `lazy` is false
   */
  unmount({ lazy }: { readonly lazy: boolean }): Promise<string> {
    return this.#next(async () => {
      const door = this.#door;
      if (door === undefined) throw new FsError('ENOENT', 'unmount', { reason: 'the drive is not mounted' });
      await door.unmount({ lazy });
      await this.#over(door);
      return door.dir;
    });
  }

  /** Unmounts whatever the circumstances; who still has files open gets errors soon. Never throws. */
  async close(): Promise<void> {
    if (this.#door === undefined) return;
    const gone = this.unmount({ lazy: false }).catch(() => this.unmount({ lazy: true }));
    await gone.catch((error: unknown) => this.#options.log.error({ err: error }, 'the drive could not be unmounted'));
  }

  async #mount(dir: string, filled: boolean): Promise<string> {
    const { fs, xattr, file, taken, onChange, log } = this.#options;
    if (this.#door !== undefined) {
      const reason = `the drive is mounted on ${this.#door.dir}; \`fjord unmount\` ends that`;
      throw new FsError('EBUSY', 'mount', { subject: dir, reason });
    }
    await prepareMountFolder(dir);
    const path = await checkFolder(dir, await taken(), 'mount');
    if (!filled && (await readdir(path)).length > 0) {
      const reason = 'the folder is not empty; a mount would hide what is in it';
      throw new FsError('ENOTEMPTY', 'mount', { subject: dir, reason });
    }
    // Before there is anything to be cleaned up.
    await writeJson(file, { dir: path });
    const door = await openFuseDoor({ fs, dir: path, xattr, log });
    this.#door = door;
    log.info({ dir: door.dir }, 'the drive is mounted');
    onChange(door.dir);
    void this.#watch(door);
    return door.dir;
  }

  async #watch(door: FuseDoor): Promise<void> {
    const closed = await door.closed;
    if (closed.reason !== 'unmounted') this.#options.log.error({ dir: door.dir, ...closed }, 'the mount ended');
    await this.#over(door);
  }

  async #over(door: FuseDoor): Promise<void> {
    if (this.#door !== door) return;
    this.#door = undefined;
    this.#options.log.info({ dir: door.dir }, 'the drive is unmounted');
    this.#options.onChange(null);
    await rm(this.#options.file, { force: true });
  }

  #next<T>(run: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(run);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}
