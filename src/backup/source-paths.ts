import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { withLongPath } from '../libc/long-path.ts';
import { isCoded, rawName, readableName } from '../vfs/raw-name.ts';

/** A path of the source as system calls take it, whatever its bytes and length. */
export type SourcePath = string | Buffer;

/** What of an entry's name and target is not UTF-8, as it is, in base64. */
export interface RawForms {
  readonly name?: string | undefined;
  readonly target?: string | undefined;
}

/** Leads from paths of the mirror, whose names are in their readable form, to what is there in the source folder. */
export class SourcePaths {
  readonly #folder: string;

  /** @param folder an absolute path of the folder itself, not of a symlink to it */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /**
   * Calls `use` with the place of a path relative to the source folder, '' for itself. The place is good until it returns.
   * @throws errors of node:fs
   */
  use<T>(relative: string, use: (path: SourcePath, raw: RawForms) => T): T {
    const whole = relative === '' ? this.#folder : `${this.#folder}/${relative}`;
    if (!isCoded(relative)) return withLongPath(whole, (path) => use(path, {}));
    let path = Buffer.from(this.#folder);
    let name: Buffer | undefined;
    for (const form of relative.split('/')) {
      name = isCoded(form) ? this.#raw(path, form) : undefined;
      path = Buffer.concat([path, SLASH, name ?? Buffer.from(form)]);
    }
    const raw = { name: name?.toString('base64') };
    return withLongPath(path, (short) => use(short, raw));
  }

  #raw(folder: Buffer, form: string): Buffer {
    const raw = rawName(form);
    if (raw !== undefined) return raw;
    const names = withLongPath(folder, (path) => readdirSync(path, { encoding: 'buffer' }));
    // Nothing has this form of a name that is not there any more.
    return names.find((name) => readableName(name) === form) ?? Buffer.from(form);
  }
}

const SLASH = Buffer.from('/');

/** The path of an entry of a folder. */
export function entryPath(folder: SourcePath, name: SourcePath): SourcePath {
  if (typeof folder === 'string' && typeof name === 'string') return join(folder, name);
  return Buffer.concat([Buffer.from(folder as string), SLASH, Buffer.from(name as string)]);
}
