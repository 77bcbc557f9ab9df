import { createHash } from 'node:crypto';
import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  read,
  renameSync,
  rmSync,
  write,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { BLOCK_SIZE, blockLength, digestOf, sameBytes, zeros } from '../../vfs/block.ts';
import { withoutZeros } from './without-zeros.ts';
import type { AttributeWriter } from './attribute-writer.ts';
import type { OpenFolder } from './open-folder.ts';
import type { TreeEntry } from './tree-entry.ts';

const FLAGS = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0);
const LEFT: ReadonlySet<string> = new Set(['EEXIST', 'EACCES', 'ELOOP']);
const readAt = promisify(read);
const writeAt = promisify(write);

/** Where a file is to be made. */
export interface FilePlace {
  readonly folder: OpenFolder;
  readonly entry: TreeEntry;
  readonly attributes: AttributeWriter;
}

/**
 * A file that grows under a name of its own until it is whole. The name follows from the content's version, so that a run after one
 * that was killed finds what that has written.
 */
export class PartFile {
  readonly #place: FilePlace;
  readonly #path: string;
  readonly #fd: number;
  /** It has bytes of an earlier run, or of a file that has nothing to do with it. */
  readonly isOld: boolean;

  private constructor(place: FilePlace, path: string, fd: number) {
    this.#place = place;
    this.#path = path;
    this.#fd = fd;
    this.isOld = fstatSync(fd).size > 0;
  }

  /** @throws errors of `open` */
  static open(place: FilePlace): PartFile {
    const path = partPath(place);
    return new PartFile(place, path, openAgain(path, FLAGS));
  }

  /** Whether a block is there already; always false in a new file. Safe to call concurrently. */
  async has(index: number, digest: Uint8Array): Promise<boolean> {
    if (!this.isOld) return false;
    const length = blockLength(this.#place.entry.size, index);
    const buffer = Buffer.allocUnsafeSlow(length);
    const { bytesRead } = await readAt(this.#fd, buffer, 0, length, index * BLOCK_SIZE);
    return bytesRead === length && sameBytes(await digestOf(buffer), digest);
  }

  /** Makes a block zeros: a hole, if nothing was there before. */
  async clear(index: number): Promise<void> {
    if (this.isOld) await this.write(index * BLOCK_SIZE, zeros(blockLength(this.#place.entry.size, index)));
  }

  /** Zeros stay holes in a new file. Safe to call concurrently for different positions. */
  async write(position: number, data: Uint8Array): Promise<void> {
    if (this.isOld) return this.#write(position, data);
    for (const { start, end } of withoutZeros(data)) await this.#write(position + start, data.subarray(start, end));
  }

  async #write(position: number, data: Uint8Array): Promise<void> {
    for (let done = 0; done < data.length;) {
      const { bytesWritten } = await writeAt(this.#fd, data, done, data.length - done, position + done);
      done += bytesWritten;
    }
  }

  /** Makes it the file that it is to be. */
  finish(): void {
    const { entry, folder, attributes } = this.#place;
    try {
      ftruncateSync(this.#fd, entry.size);
      if (entry.attributes) attributes.apply(this.#path, this.#fd, entry.attributes);
    } finally {
      closeSync(this.#fd);
    }
    renameSync(this.#path, folder.at(entry.name));
  }

  /** Removes it. One that is left by a run that ended is used by the next. */
  discard(): void {
    closeSync(this.#fd);
    rmSync(this.#path, { force: true });
  }
}

/** Makes a small file in one go, on this thread: each call to another one takes longer than that. @throws errors of node:fs */
export function writeWhole(place: FilePlace, data: Uint8Array): void {
  const { folder, entry, attributes } = place;
  const path = partPath(place);
  try {
    const fd = openAgain(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL);
    try {
      for (const { start, end } of withoutZeros(data)) {
        for (let at = start; at < end;) at += writeSync(fd, data, at, end - at, at);
      }
      ftruncateSync(fd, data.length);
      if (entry.attributes) attributes.apply(path, fd, entry.attributes);
    } finally {
      closeSync(fd);
    }
    renameSync(path, folder.at(entry.name));
  } catch (error) {
    rmSync(path, { force: true });
    throw error;
  }
}

/** Opens what is to be made; what a killed run has left there, with a mode that forbids it, is removed. */
function openAgain(path: string, flags: number): number {
  try {
    return openSync(path, flags, 0o600);
  } catch (error) {
    if (!LEFT.has((error as NodeJS.ErrnoException).code ?? '')) throw error;
    rmSync(path);
    return openSync(path, flags, 0o600);
  }
}

/** A path in the entry's folder for what is to get its name when it is whole. */
export function partPath({ folder, entry }: Pick<FilePlace, 'folder' | 'entry'>): string {
  const id = createHash('sha256').update(entry.version).update('\0').update(entry.name).digest('hex').slice(0, 24);
  return folder.at(`.fjord-${id}.part`) as string;
}
