/** A file system under measurement, mounted. */
export interface Mounted {
  /** An empty writable folder in it. */
  readonly dir: string;
  /** Another one, for what is written once; absent: there is no such thing here. */
  readonly archive?: string;
  /** Ends and mounts again: nothing is in memory. With `empty`, no content is kept on the disk here either. */
  restart(empty: boolean): Promise<void>;
  /** Puts a file into the store behind the file system, and not through it. It is to be seen in `dir` by this name. */
  supply(name: string, bytes: number): Promise<Supplied>;
  /** Answers when the store has everything; absent: the disk is the store. */
  stored?(what: Stored): Promise<void>;
  /** Resident memory of who serves it, bytes. */
  memory(): Promise<number>;
  stop(): Promise<void>;
}

/** What the store is to hold when a work is over. */
export interface Stored {
  /** Name below `dir` or `archive`. */
  readonly name: string;
  readonly archive: boolean;
  readonly files: number;
  readonly bytes: number;
}

export interface Supplied {
  /** Arguments of curl for the same bytes from the store, where it can be asked over HTTP. */
  readonly curl?: readonly string[];
}

export interface Contestant {
  /** As people choose it by `--peers`. */
  readonly id: string;
  readonly name: string;
  version(): Promise<string>;
  /** At most this many rounds. */
  readonly rounds?: number;
  /** Why it cannot take part here. */
  missing?(): Promise<string | undefined>;
  /** Keeps everything below `dir`, an existing empty folder. */
  start(dir: string): Promise<Mounted>;
}

/** Starts it; if that fails, nothing of it stays. */
export async function started<T extends Mounted>(mounted: T, start: () => Promise<void>): Promise<T> {
  try {
    await start();
    return mounted;
  } catch (error) {
    await mounted.stop();
    throw error;
  }
}
