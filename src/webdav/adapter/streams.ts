import { Readable, Writable } from 'node:stream';
import type { Context } from '../../vfs/context.ts';
import type { Draft, FileHandle } from '../../vfs/file-system.ts';
import { settle, toLibraryError } from './errors.ts';

/** Bytes per read. */
const CHUNK = 256 * 1024;

/** A stream of the whole content of an open file, as the library does not use offsets. Closing it closes the file. */
export function readStream(handle: FileHandle, context: Context): Readable {
  let position = 0;
  return new Readable({
    highWaterMark: CHUNK,
    read(): void {
      const buffer = Buffer.allocUnsafe(CHUNK);
      Promise.resolve(handle.read(buffer, position, context)).then(
        (count) => {
          position += count;
          this.push(count === 0 ? null : buffer.subarray(0, count));
        },
        (error: unknown) => this.destroy(toLibraryError(error, 'read')),
      );
    },
    destroy(error, callback): void {
      Promise.resolve(handle.close()).then(
        () => callback(error),
        () => callback(error),
      );
    },
  });
}

/**
 * A stream that writes the content of a draft. On `finish` it is committed; if it is destroyed before, nothing has
 * changed.
 */
export function writeStream(draft: Draft, context: Context): Writable {
  return new Writable({
    highWaterMark: CHUNK,
    write(chunk: Buffer, _encoding, callback): void {
      settle('write', callback, async () => draft.append(chunk, context));
    },
    final(callback): void {
      settle('close', callback, async () => draft.commit({}, context));
    },
    destroy(error, callback): void {
      Promise.resolve(draft.discard()).then(
        () => callback(error),
        () => callback(error),
      );
    },
  });
}
