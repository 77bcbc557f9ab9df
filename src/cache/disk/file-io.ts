import { fstatSync, ftruncateSync, read, readSync, write, writeSync } from 'node:fs';

/**
 * Up to so many bytes are read and written on the calling thread: for bytes in the page cache that takes less time than
 * the two thread changes of an asynchronous call.
 */
export const SYNC_LIMIT = 128 * 1024;

/** Bytes of the unit in which stat(2) counts the room that a file takes. */
export const SECTOR = 512;

/** Fills `into` from a position; answers less only at the end of the file. */
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

/** Takes back what a failed write has added to the end of a file of `size` bytes. */
export function cut(fd: number, size: number): void {
  if (fstatSync(fd).size > size) ftruncateSync(fd, size);
}

/** Writes; `cut`s if that fails. */
export function orCut(fd: number, size: number, write: () => void): void {
  try {
    write();
  } catch (error) {
    cut(fd, size);
    throw error;
  }
}
