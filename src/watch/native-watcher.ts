import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { FolderWatcher, WatchListener, WatchOptions } from './folder-watcher.ts';

/** A tree watched by one call of the system: FSEvents on macOS, ReadDirectoryChangesW on Windows. */
export class NativeWatcher implements FolderWatcher {
  readonly ready = Promise.resolve();
  readonly blind = undefined;
  readonly #watcher: FSWatcher;

  /** @throws errors of `fs.watch` */
  constructor({ folder }: WatchOptions, { changed, ended }: WatchListener) {
    this.#watcher = watch(folder, { recursive: true, persistent: false }, (_event, name) => {
      if (name === null) {
        this.close();
        return ended({ why: 'overflow', reason: 'more changed at once than the system could queue' });
      }
      const path = name.replaceAll('\\', '/');
      const above = dirname(path);
      changed(above === '.' ? '' : above, basename(path));
    });
    this.#watcher.on('error', (error) => {
      this.close();
      ended({ why: 'gone', reason: error.message });
    });
  }

  close(): void {
    this.#watcher.close();
  }
}
