import type { Context } from '../../vfs/context.ts';
import type { FileHandle } from '../../vfs/file-system.ts';
import { FsError } from '../../vfs/fs-error.ts';
import type { Attr } from '../../vfs/node.ts';
import type { Outcome, Sink } from '../outcome.ts';
import type { ByteRange } from '../range.ts';

/** Bytes read at a time; two such buffers take turns, one filled while the other is sent. */
const CHUNK = 512 * 1024;

/** @throws EAGAIN if the file has become shorter */
export async function streamRange(sink: Sink, handle: FileHandle, range: ByteRange, context: Context): Promise<void> {
  const { start, end } = range;
  for (let position = start; position <= end;) {
    const into = Buffer.allocUnsafeSlow(Math.min(CHUNK, end - position + 1));
    const count = await handle.read(into, position, context);
    if (count === 0) throw new FsError('EAGAIN', 'read', { reason: 'The file became shorter while it was read.' });
    await sink.write(count === into.length ? into : into.subarray(0, count));
    position += count;
  }
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
