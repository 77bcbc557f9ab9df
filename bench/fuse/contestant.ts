/** A mounted file system that is measured. */
export interface Mounted {
  /** An empty writable folder in it. */
  readonly dir: string;
  /** Another such folder, for files that are written once; absent if the file system has none. */
  readonly archive?: string;
  /** Stops and mounts again, so that nothing is in memory. With `empty`, cached content on the disk is removed, too. */
  restart(empty: boolean): Promise<void>;
  /** Puts a file into the store behind the file system, bypassing it. It must then appear in `dir` under this name. */
  supply(name: string, bytes: number): Promise<Supplied>;
  /** Resolves when the store has everything; absent if the disk is the store. */
  stored?(what: Stored): Promise<void>;
  /** Resident memory of the serving processes, bytes. */
  memory(): Promise<number>;
  stop(): Promise<void>;
}

/** The expected content of the store after a task. */
export interface Stored {
  /** Name below `dir` or `archive`. */
  readonly name: string;
  readonly archive: boolean;
  readonly files: number;
  readonly bytes: number;
}

export interface Supplied {
  /** Arguments for curl to get the same bytes from the store, if it serves HTTP. */
  readonly curl?: readonly string[];
}

export interface Contestant {
  /** Its name for `--peers`. */
  readonly id: string;
  readonly name: string;
  version(): Promise<string>;
  /** Most rounds in which it takes part. */
  readonly rounds?: number;
  /** Resolves to the reason if it cannot take part on this computer. */
  missing?(): Promise<string | undefined>;
  /** Starts it, with all of its data below `dir`, an existing empty folder. */
  start(dir: string): Promise<Mounted>;
}

/** Starts it. If that fails, everything that it has started is removed. */
export async function started<T extends Mounted>(mounted: T, start: () => Promise<void>): Promise<T> {
  try {
    await start();
    return mounted;
  } catch (error) {
    await mounted.stop();
    throw error;
  }
}
