/** Why there are no (more) events. What happened since the last one is not known: the folder has to be scanned. */
export interface WatchEnd {
  /**
   * - `overflow`: more happened at once than the system could queue; a new watch can be started
   * - `gone`: the folder was moved, removed or unmounted
   * - `unsupported`: its file system has no events, or the system has no more watches
   */
  readonly why: 'overflow' | 'gone' | 'unsupported';
  /** For a person. */
  readonly reason: string;
}

/** `whole`: a program has closed the file that it wrote, or it came by a rename, or is a folder; `part`: a program writes it. */
export type ChangeStep = 'whole' | 'part';

export interface WatchListener {
  /**
   * Something is new, different or gone at a name of a folder; without a name anything in the folder may be.
   * @param folder relative to the watched one, '' for itself @param step absent: not known, or neither
   */
  readonly changed: (folder: string, name: string | undefined, step?: ChangeStep) => void;
  /** Called once, unless it was closed before. */
  readonly ended: (end: WatchEnd) => void;
}

/** Watches a folder and all below it. What happens after `ready` is reported; a few hundred ms late, and perhaps twice. */
export interface FolderWatcher {
  readonly ready: Promise<void>;
  /** A folder below that has no events, as it is on another file system. Known when it is ready. */
  readonly blind: string | undefined;
  /** Idempotent. */
  close(): void;
}

export interface WatchOptions {
  /** An absolute path, all links resolved. */
  readonly folder: string;
  /** Folders that need no watch; paths relative to `folder`. */
  readonly skips: (path: string) => boolean;
  /** Folders on other file systems need none. */
  readonly oneFileSystem: boolean;
}

export type WatchFolder = (options: WatchOptions, listener: WatchListener) => FolderWatcher;
