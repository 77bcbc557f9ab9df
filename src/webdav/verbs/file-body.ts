import type { ByteRange } from '../../vfs/byte-range.ts';
import type { Awaitable, Context } from '../../vfs/context.ts';
import type { FileHandle } from '../../vfs/file-system.ts';
import { FsError } from '../../vfs/fs-error.ts';
import type { Attr } from '../../vfs/node.ts';
import type { Outcome, Sink } from '../outcome.ts';

/** Bytes per read, and how many reads run ahead of the chunk that is being sent. */
const CHUNK = 512 * 1024;
const AHEAD = 2;

/** Streams a range of a file. @throws EAGAIN if the file becomes shorter than the range */
export async function streamRange(sink: Sink, handle: FileHandle, range: ByteRange, context: Context): Promise<void> {
  const reader = new RangeReader(handle, range, context);
  const reads: Awaitable<Buffer>[] = [];
  try {
    for (let next = reader.next(); next !== undefined; next = reads.shift() ?? reader.next()) {
      const chunk: Buffer = next instanceof Promise ? await next : next;
      for (let more; reads.length < AHEAD && (more = reader.next()) !== undefined;) reads.push(handled(more));
      const room = sink.write(chunk, () => reader.giveBack(chunk));
      // A client whose socket is always writable must not starve the others.
      await (room ?? turn());
    }
  } finally {
    // The handle is closed next, so no read may still be in progress.
    await Promise.allSettled(reads);
  }
}

/** Reads a range in steps into reused buffers; fresh memory costs more than copying into it. */
class RangeReader {
  readonly #handle: FileHandle;
  readonly #end: number;
  readonly #context: Context;
  readonly #size: number;
  readonly #free: Buffer[] = [];
  #position: number;

  constructor(handle: FileHandle, { start, end }: ByteRange, context: Context) {
    this.#handle = handle;
    this.#position = start;
    this.#end = end;
    this.#context = context;
    this.#size = Math.min(CHUNK, end - start + 1);
  }

  /** The next chunk; `undefined` after the last one. @throws EAGAIN */
  next(): Awaitable<Buffer> | undefined {
    const left = this.#end - this.#position + 1;
    if (left <= 0) return undefined;
    const buffer = this.#free.pop() ?? Buffer.allocUnsafeSlow(this.#size);
    const into = buffer.subarray(0, left);
    const count = this.#handle.read(into, this.#position, this.#context);
    this.#position += into.length;
    return count instanceof Promise ? count.then((count) => filled(into, count)) : filled(into, count);
  }

  /** Returns a chunk whose buffer may be reused. */
  giveBack({ buffer }: Buffer): void {
    this.#free.push(Buffer.from(buffer));
  }
}

function filled(into: Buffer, count: number): Buffer {
  if (count === into.length) return into;
  throw new FsError('EAGAIN', 'read', { reason: 'The file became shorter while it was read; request it again.' });
}

/** Marks a rejection as handled, as it is reported only when this read is awaited. */
function handled<T>(value: Awaitable<T>): Awaitable<T> {
  if (value instanceof Promise) value.catch(() => undefined);
  return value;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
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
