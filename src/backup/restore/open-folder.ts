import { closeSync, constants, fchmodSync, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { withLongPath } from '../../libc/long-path.ts';

const FLAGS = constants.O_RDONLY | (constants.O_DIRECTORY ?? 0);
/** Write and search for the owner: without them nothing can be put into a folder. */
const FILLABLE = 0o300;

/**
 * A folder that is held open. What is in it is named relative to the descriptor, as by openat(2): neither a symlink that appears
 * in its path nor the length of that path matters. Elsewhere than on Linux names are relative to the path.
 */
export class OpenFolder {
  readonly fd: number;
  readonly #base: string;

  private constructor(fd: number, path: string) {
    this.fd = fd;
    this.#base = process.platform === 'linux' ? `/proc/self/fd/${fd}` : path;
  }

  /** The folder that a person has named, symlinks followed. @throws errors of `open` */
  static top(path: string): OpenFolder {
    return new OpenFolder(openSync(path, FLAGS), path);
  }

  /**
   * A folder that is there itself, not a symlink to one; its path may be longer than PATH_MAX.
   * @throws ENOTDIR, ELOOP for a symlink; else as `open`
   */
  static unfollowed(path: string): OpenFolder {
    return new OpenFolder(
      withLongPath(path, (short) => openSync(short, FLAGS | (constants.O_NOFOLLOW ?? 0))),
      path,
    );
  }

  /** A folder in this one. @throws ENOTDIR, ELOOP for a symlink; else as `open` */
  child(name: string | Buffer): OpenFolder {
    const fd = openSync(this.at(name), FLAGS | (constants.O_NOFOLLOW ?? 0));
    return new OpenFolder(fd, join(this.#base, name.toString()));
  }

  /** A path of what has this name. The name must be one that `isSafeName` accepts. */
  at(name: string | Buffer): string | Buffer {
    if (typeof name === 'string') return `${this.#base}/${name}`;
    return Buffer.concat([Buffer.from(`${this.#base}/`), name]);
  }

  /** A path of the folder itself that is no symlink. */
  get self(): string {
    return `${this.#base}/.`;
  }

  /** Lets files be put into it; its own mode is set again at the end. @throws errors of `fchmod` */
  makeFillable(): void {
    const { mode } = fstatSync(this.fd);
    if ((mode & FILLABLE) !== FILLABLE) fchmodSync(this.fd, (mode & 0o7777) | FILLABLE);
  }

  close(): void {
    closeSync(this.fd);
  }
}

/** Whether a name from elsewhere can only be that of an entry of a folder. */
export function isSafeName(name: string | Buffer): boolean {
  const bytes = Buffer.from(name);
  const text = bytes.toString('latin1');
  return bytes.length > 0 && bytes.length <= 255 && text !== '.' && text !== '..' && !/[/\0]/.test(text);
}
