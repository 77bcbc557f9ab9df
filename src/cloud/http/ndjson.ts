import { BrokenResponse } from './errors.ts';

const NEWLINE = 10;
/** Longest line in bytes; a node with the most attributes is far shorter. */
const LONGEST_LINE = 4 * 1024 * 1024;

/** Most bytes of an overlong line that are skipped before the body counts as endless. */
const LONGEST_SKIP = 64 * 1024 * 1024;

/** Converts a line that is not JSON, or too long, to a value. */
export type BadLine = (fault: string) => unknown;

/**
 * Yields the parsed lines of an NDJSON body, and skips empty lines. Holds one chunk and one line in memory.
 * @throws BrokenResponse for a line that is not JSON or too long, unless `bad` returns a value for it, and for an endless
 * line
 */
export async function* readNdjson(body: AsyncIterable<Uint8Array>, bad: BadLine = refuse): AsyncGenerator<unknown[]> {
  let rest: Buffer = Buffer.alloc(0);
  let skipped = 0;
  for await (const chunk of body) {
    const bytes = rest.length === 0 ? asBuffer(chunk) : Buffer.concat([rest, chunk]);
    const end = bytes.lastIndexOf(NEWLINE);
    if (end >= 0) yield parseLines(skipped > 0 ? afterLine(bytes, end) : bytes.toString('utf8', 0, end), bad);
    if (end >= 0) skipped = 0;
    rest = skipped > 0 ? Buffer.alloc(0) : bytes.subarray(end + 1);
    if (skipped > 0) skipped += bytes.length;
    if (rest.length > LONGEST_LINE) {
      yield [bad("a line of the cloud's response is too long")];
      skipped = rest.length;
      rest = Buffer.alloc(0);
    }
    if (skipped > LONGEST_SKIP) throw new BrokenResponse("a line of the cloud's response has no end");
  }
  if (rest.length > 0) yield [parse(rest.toString('utf8'), cutOff)];
}

/** The rest after the line that is being skipped. */
function afterLine(bytes: Buffer, end: number): string {
  return bytes.toString('utf8', Math.min(bytes.indexOf(NEWLINE) + 1, end), end);
}

function parseLines(text: string, bad: BadLine): unknown[] {
  const values: unknown[] = [];
  for (const line of text.split('\n')) {
    if (line !== '') values.push(parse(line, bad));
  }
  return values;
}

function parse(line: string, bad: BadLine): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return bad("a line of the cloud's response is not JSON");
  }
}

function refuse(fault: string): never {
  throw new BrokenResponse(fault);
}

function cutOff(): never {
  throw new BrokenResponse("the cloud's response ends in the middle of a line", { temporary: true, code: 'EAGAIN' });
}

function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
