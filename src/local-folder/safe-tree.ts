import { fstatSync, lstatSync, type BigIntStats } from 'node:fs';
import { isSafeName, OpenFolder } from '../backup/restore/open-folder.ts';

/**
 * Leads to what is below a folder, component by component, as openat(2) does: no symlink is followed, whoever puts one there and
 * whenever, and no other file system is entered.
 */
export class SafeTree {
  readonly #folder: string;
  /** Device and inode that the folder must have, once they are known. */
  #identity: string | undefined;

  /** @param folder absolute; symlinks that lead to it are followed */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** From now on the folder has to be the one that is there now. @throws errors of node:fs */
  bind(): void {
    const top = OpenFolder.top(this.#folder);
    try {
      this.#identity = identityOf(top);
    } finally {
      top.close();
    }
  }

  /** Calls `use` with the open folder that a path is in, and the path's last name. @throws ESTALE if the folder is another one; EXDEV; errors of node:fs */
  at<T>(path: string, use: (folder: OpenFolder, name: string) => T): T {
    const names = path.split('/');
    const last = names.pop() ?? '';
    if (!isSafeName(last)) throw failure('EINVAL', path);
    return this.within(names, (folder) => use(folder, last));
  }

  /** Calls `use` with an open folder; `[]` is the top. */
  within<T>(names: readonly string[], use: (folder: OpenFolder) => T): T {
    let open = OpenFolder.top(this.#folder);
    try {
      if (this.#identity !== undefined && identityOf(open) !== this.#identity) throw failure('ESTALE', this.#folder);
      const { dev } = fstatSync(open.fd);
      for (const name of names) {
        if (!isSafeName(name)) throw failure('EINVAL', names.join('/'));
        const next = open.child(name);
        open.close();
        open = next;
        if (fstatSync(open.fd).dev !== dev) throw failure('EXDEV', names.join('/'));
      }
      return use(open);
    } finally {
      open.close();
    }
  }
}

/** @returns undefined if nothing is there */
export function statOf(folder: OpenFolder, name: string): BigIntStats | undefined {
  return lstatSync(folder.at(name), { bigint: true, throwIfNoEntry: false });
}

export function failure(code: string, subject: string): Error {
  return Object.assign(new Error(`${code}: ${subject}`), { code });
}

function identityOf({ fd }: OpenFolder): string {
  const { dev, ino } = fstatSync(fd, { bigint: true });
  return `${dev}:${ino}`;
}
