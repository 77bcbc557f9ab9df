import { fstatSync, ftruncateSync, read, readSync, write, writeSync } from 'node:fs';

/**
 * Largest read or write in bytes that is made synchronously. For bytes in the page cache this takes less time than the
 * two thread switches of an asynchronous call.
 */
export const SYNC_LIMIT = 128 * 1024;

/** The unit in which stat(2) counts the space of a file, bytes. */
export const SECTOR = 512;

/** Fills `into` from a position. Returns the number of bytes read, which is smaller only at the end of the file. */
export function readFully(fd: number, into: Uint8Array, position: number): number {
  let done = 0;
  while (done < into.length) {
    const count = readSync(fd, into, done, into.length - done, position + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

export async function readFullyAsync(fd: number, into: Uint8Array, position: number): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const count = await new Promise<number>((resolve, reject) => {
      read(fd, into, done, into.length - done, position + done, (error, count) =>
        error ? reject(error) : resolve(count),
      );
    });
    if (count === 0) break;
    done += count;
  }
  return done;
}

export function writeFully(fd: number, data: Uint8Array, position: number): void {
  for (let done = 0; done < data.length;) {
    done += writeSync(fd, data, done, data.length - done, position + done);
  }
}

export async function writeFullyAsync(fd: number, data: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < data.length;) {
    done += await new Promise<number>((resolve, reject) => {
      write(fd, data, done, data.length - done, position + done, (error, count) =>
        error ? reject(error) : resolve(count),
      );
    });
  }
}

/** Truncates a file to `size` bytes, to remove what a failed write has appended. */
export function cut(fd: number, size: number): void {
  if (fstatSync(fd).size > size) ftruncateSync(fd, size);
}

/** Calls `write`, and `cut`s the file if that throws. */
export function orCut(fd: number, size: number, write: () => void): void {
  try {
    write();
  } catch (error) {
    cut(fd, size);
    throw error;
  }
}
