import { withoutEvents } from './event-support.ts';
import type { FolderWatcher, WatchEnd, WatchFolder, WatchListener, WatchOptions } from './folder-watcher.ts';
import { InotifyWatcher } from './inotify-watcher.ts';
import { NativeWatcher } from './native-watcher.ts';

/** Watches a folder with what the system has; where that is nothing, the listener is told so at once. */
export const watchFolder: WatchFolder = (options, listener) => new ChosenWatcher(options, listener);

class ChosenWatcher implements FolderWatcher {
  readonly ready: Promise<void>;
  #watcher: FolderWatcher | undefined;
  #closed = false;

  constructor(options: WatchOptions, listener: WatchListener) {
    this.ready = this.#start(options, listener);
  }

  get blind(): string | undefined {
    return this.#watcher?.blind;
  }

  close(): void {
    this.#closed = true;
    this.#watcher?.close();
  }

  async #start(options: WatchOptions, listener: WatchListener): Promise<void> {
    const end = await this.#open(options, listener);
    if (end !== undefined && !this.#closed) listener.ended(end);
  }

  async #open(options: WatchOptions, listener: WatchListener): Promise<WatchEnd | undefined> {
    try {
      const kind = await withoutEvents(options.folder);
      if (kind !== undefined) return { why: 'unsupported', reason: `${kind} does not say what changes on it` };
      if (this.#closed) return undefined;
      const Watcher = process.platform === 'linux' ? InotifyWatcher : NativeWatcher;
      this.#watcher = new Watcher(options, listener);
      await this.#watcher.ready;
      return undefined;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return { why: code === 'ENOENT' ? 'gone' : 'unsupported', reason: message };
    }
  }
}
