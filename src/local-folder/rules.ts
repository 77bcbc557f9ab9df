import ignore, { type Ignore } from 'ignore';
import { isLitter, isScratch } from '../vfs/name.ts';
import { isCoded } from '../vfs/raw-name.ts';
import { HIDDEN } from './hidden-folder.ts';

/** The file in the top folder with patterns of what is not synced, as in `.gitignore`. */
export const IGNORE_FILE = '.fjordignore';

export interface Selection {
  /** Patterns as in `.gitignore`. */
  readonly exclude?: readonly string[] | undefined;
  /** Folders below the top, with '/'; nothing else is synced, if there are any. */
  readonly only?: readonly string[] | undefined;
}

/** What is left out, on both sides alike. Paths are relative to the top, not ''. */
export class SyncRules {
  readonly #patterns: Ignore;
  readonly #only: readonly string[];

  /** @param ignored the text of `.fjordignore` */
  constructor({ exclude = [], only = [] }: Selection, ignored: string) {
    this.#patterns = ignore()
      .add([...exclude])
      .add(ignored);
    this.#only = only;
  }

  skips(path: string, isFolder: boolean): boolean {
    const name = path.slice(path.lastIndexOf('/') + 1);
    if (path === HIDDEN || isLitter(name) || isScratch(name)) return true;
    if (path !== IGNORE_FILE && !this.#isChosen(path, isFolder)) return true;
    return this.#patterns.ignores(isFolder ? `${path}/` : path);
  }

  /** Whether a path or a folder above it is left out. */
  skipsBelow(path: string, isFolder: boolean): boolean {
    const names = path.split('/');
    return names.some((_, i) => this.skips(names.slice(0, i + 1).join('/'), isFolder || i < names.length - 1));
  }

  #isChosen(path: string, isFolder: boolean): boolean {
    if (this.#only.length === 0) return true;
    return this.#only.some((one) => {
      return path === one || path.startsWith(`${one}/`) || (isFolder && one.startsWith(`${path}/`));
    });
  }
}

/** Why a name of the local disk cannot be one of the drive; undefined if it can. */
export function nameProblem(name: string): string | undefined {
  return isCoded(name) ? 'its name is not UTF-8; rename it' : undefined;
}
