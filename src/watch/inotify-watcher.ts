import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import PQueue from 'p-queue';
import { IN, Inotify, type InotifyEvent } from '../libc/inotify.ts';
import { isCoded } from '../vfs/raw-name.ts';
import { withoutEvents } from './event-support.ts';
import type { ChangeStep, FolderWatcher, WatchEnd, WatchListener, WatchOptions } from './folder-watcher.ts';

const CHANGES =
  IN.MODIFY |
  IN.ATTRIB |
  IN.CLOSE_WRITE |
  IN.MOVED_FROM |
  IN.MOVED_TO |
  IN.CREATE |
  IN.DELETE |
  IN.DELETE_SELF |
  IN.MOVE_SELF;
const MASK = CHANGES | IN.ONLYDIR | IN.DONT_FOLLOW | IN.EXCL_UNLINK;

/** How often the queue is read, ms: a thread that waits for it would be one of the few that also read files. */
const PERIOD = 200;
/** The same for some time after something has changed, ms, and how long that is: people work for a while. */
const BUSY_PERIOD = 40;
const BUSY = 60_000;
/** Folders that are looked into at a time. */
const FOLDERS = 8;

/**
 * A watch on each folder of a tree, by inotify(7). A folder is watched before it is listed, and reported once more after
 * that if it is new: so nothing that appears in it is missed.
 */
export class InotifyWatcher implements FolderWatcher {
  readonly #options: WatchOptions;
  readonly #listener: WatchListener;
  readonly #inotify: Inotify;
  readonly #paths = new Map<number, string>();
  readonly #queue = new PQueue({ concurrency: FOLDERS });
  #timer: NodeJS.Timeout | undefined;
  #period = PERIOD;
  #changedAt = -Infinity;
  readonly ready: Promise<void>;
  #blind: string | undefined;
  #isReady = false;
  #closed = false;

  /** @throws Error with `code` EMFILE */
  constructor(options: WatchOptions, listener: WatchListener) {
    this.#options = options;
    this.#listener = listener;
    this.#inotify = new Inotify();
    this.#schedule(PERIOD);
    this.ready = this.#start();
  }

  get blind(): string | undefined {
    return this.#blind;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue.clear();
    clearInterval(this.#timer);
    this.#inotify.close();
    this.#paths.clear();
  }

  async #start(): Promise<void> {
    this.#grow('', undefined);
    await this.#queue.onIdle();
    this.#isReady = true;
  }

  /** Watches a folder and what is below it. */
  #grow(path: string, above: bigint | undefined): void {
    void this.#queue.add(async () => this.#watch(path, above).catch((error: unknown) => this.#lost(path, error)));
  }

  async #watch(path: string, above: bigint | undefined): Promise<void> {
    const folder = join(this.#options.folder, path);
    const { dev } = await lstat(folder, { bigint: true });
    if (above !== undefined && dev !== above && !(await this.#enters(path))) return;
    if (this.#closed) return;
    this.#paths.set(this.#inotify.add(folder, MASK), path);
    const entries = await readdir(folder, { withFileTypes: true });
    if (this.#closed) return;
    if (this.#isReady) this.#listener.changed(path, undefined);
    for (const entry of entries) {
      const below = path === '' ? entry.name : `${path}/${entry.name}`;
      if (!entry.isDirectory() || this.#options.skips(below)) continue;
      // Its path as text does not lead to it.
      if (entry.name.includes('\ufffd') || isCoded(entry.name)) this.#blind ??= below;
      else this.#grow(below, dev);
    }
  }

  /** Whether a folder on another file system is watched. */
  async #enters(path: string): Promise<boolean> {
    if (this.#options.oneFileSystem) return false;
    const kind = await withoutEvents(join(this.#options.folder, path));
    if (kind !== undefined) this.#blind ??= path;
    return kind === undefined;
  }

  #lost(path: string, error: unknown): void {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOSPC') {
      const reason =
        'the limit of watched folders is reached; `sysctl fs.inotify.max_user_watches=1048576`, as root, raises it';
      this.#end({ why: 'unsupported', reason });
    } else if (code === 'ENAMETOOLONG') this.#blind ??= path;
    else if (path === '') this.#end({ why: 'gone', reason: message });
    // Gone again, or closed to us: the scan reports what it cannot read.
    else if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'EACCES') {
      this.#end({ why: 'unsupported', reason: message });
    }
  }

  #schedule(period: number): void {
    clearInterval(this.#timer);
    this.#period = period;
    this.#timer = setInterval(() => this.#poll(), period).unref();
  }

  #poll(): void {
    const now = performance.now();
    if (this.#read()) this.#changedAt = now;
    if (this.#closed) return;
    const period = now - this.#changedAt < BUSY ? BUSY_PERIOD : PERIOD;
    if (period !== this.#period) this.#schedule(period);
  }

  /** @returns whether there was anything */
  #read(): boolean {
    for (let found = false; ; found = true) {
      if (this.#closed) return found;
      const events = this.#inotify.read();
      if (events.length === 0) return found;
      for (const event of events) if (!this.#closed) this.#take(event);
    }
  }

  #take({ watch, mask, name }: InotifyEvent): void {
    if ((mask & IN.Q_OVERFLOW) !== 0) {
      return this.#end({ why: 'overflow', reason: 'more changed at once than the system could queue' });
    }
    const folder = this.#paths.get(watch);
    if (folder === undefined) return;
    const ends = mask & (IN.DELETE_SELF | IN.MOVE_SELF | IN.UNMOUNT);
    if (folder === '' && ends !== 0)
      return this.#end({ why: 'gone', reason: 'the folder was moved, removed or unmounted' });
    if ((mask & IN.IGNORED) !== 0) this.#paths.delete(watch);
    // The folder above says the same with a name.
    if (name === '')
      return ends === 0 && (mask & IN.IGNORED) === 0 ? undefined : this.#listener.changed(folder, undefined);
    this.#listener.changed(folder, name, stepOf(mask));
    if ((mask & IN.ISDIR) === 0) return;
    const path = folder === '' ? name : `${folder}/${name}`;
    // Watches of what is removed end by themselves.
    if ((mask & IN.MOVED_FROM) !== 0) this.#forget(path);
    if ((mask & (IN.MOVED_TO | IN.CREATE)) !== 0 && !this.#options.skips(path)) this.#grow(path, undefined);
  }

  /** The folders are watched again where they appear, if they do. */
  #forget(path: string): void {
    for (const [watch, at] of this.#paths) {
      if (at !== path && !at.startsWith(`${path}/`)) continue;
      this.#paths.delete(watch);
      this.#inotify.remove(watch);
    }
  }

  #end(end: WatchEnd): void {
    if (this.#closed) return;
    this.close();
    this.#listener.ended(end);
  }
}

function stepOf(mask: number): ChangeStep | undefined {
  if ((mask & (IN.CLOSE_WRITE | IN.MOVED_TO | IN.ISDIR)) !== 0) return 'whole';
  return (mask & (IN.MODIFY | IN.CREATE)) !== 0 ? 'part' : undefined;
}
