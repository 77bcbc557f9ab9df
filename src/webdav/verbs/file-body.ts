import type { Awaitable, Context } from '../../vfs/context.ts';
import type { FileHandle } from '../../vfs/file-system.ts';
import { FsError } from '../../vfs/fs-error.ts';
import type { Attr } from '../../vfs/node.ts';
import type { Outcome, Sink } from '../outcome.ts';
import type { ByteRange } from '../range.ts';

/** Bytes read at a time; one such buffer is filled while the one before is sent. */
const CHUNK = 512 * 1024;

/** @throws EAGAIN if the file has become shorter */
export async function streamRange(sink: Sink, handle: FileHandle, range: ByteRange, context: Context): Promise<void> {
  const size = Math.min(CHUNK, range.end - range.start + 1);
  // Fresh memory costs more than the copying into it: the buffers that were sent go round.
  const free: Buffer[] = [];
  const read = (position: number): Awaitable<Buffer> =>
    readChunk(handle, free.pop() ?? Buffer.allocUnsafeSlow(size), position, range.end, context);
  let position = range.start;
  let ahead: Awaitable<Buffer> | undefined = read(position);
  while (ahead !== undefined) {
    const chunk: Buffer = ahead instanceof Promise ? await ahead : ahead;
    position += chunk.length;
    ahead = position > range.end ? undefined : read(position);
    try {
      await sink.write(chunk, () => void free.push(whole(chunk)));
    } catch (error) {
      // The handle is closed next: not under a read.
      await Promise.allSettled([ahead]);
      throw error;
    }
  }
}

function readChunk(
  handle: FileHandle,
  buffer: Buffer,
  position: number,
  end: number,
  context: Context,
): Awaitable<Buffer> {
  const into = buffer.subarray(0, Math.min(buffer.length, end - position + 1));
  const filled = (count: number): Buffer => {
    if (count === 0) throw new FsError('EAGAIN', 'read', { reason: 'The file became shorter while it was read.' });
    return into.subarray(0, count);
  };
  const count = handle.read(into, position, context);
  return count instanceof Promise ? count.then(filled) : filled(count);
}

/** The buffer that a chunk is the beginning of; each has its memory for itself. */
function whole(chunk: Buffer): Buffer {
  return Buffer.from(chunk.buffer);
}

/** `multipart/byteranges` (RFC 9110 section 14.6). */
export function multipart(
  outcome: Outcome,
  handle: FileHandle,
  ranges: readonly ByteRange[],
  { size, version }: Attr,
  type: string,
  context: Context,
): Outcome {
  const boundary = `fjord-${version.replaceAll(/[^\w]/g, '').slice(0, 40)}-${size}`;
  const heads = ranges.map(
    ({ start, end }) =>
      `\r\n--${boundary}\r\nContent-Type: ${type}\r\nContent-Range: bytes ${start}-${end}/${size}\r\n\r\n`,
  );
  const tail = `\r\n--${boundary}--\r\n`;
  const length = ranges.reduce(
    (sum, { start, end }, i) => sum + end - start + 1 + (heads[i]?.length ?? 0),
    tail.length,
  );
  const headers = (outcome.headers ?? []).slice();
  headers[1] = `multipart/byteranges; boundary=${boundary}`;
  headers.push('Content-Length', String(length));
  const body = async (sink: Sink): Promise<void> => {
    for (const [i, range] of ranges.entries()) {
      await sink.write(heads[i] ?? '');
      await streamRange(sink, handle, range, context);
    }
    await sink.write(tail);
  };
  return { ...outcome, headers, body, release: async () => handle.close() };
}
