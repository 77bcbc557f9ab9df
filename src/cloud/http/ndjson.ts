import { BrokenAnswer } from './errors.ts';

const NEWLINE = 10;
/** Longest line, bytes: a node with all the attributes it may have is far shorter. */
const LONGEST_LINE = 4 * 1024 * 1024;

/**
 * The lines of an NDJSON body, parsed; empty lines are skipped. Memory: one chunk and one line.
 * @throws BrokenAnswer for a line that is no JSON, or one that is endless
 */
export async function* readNdjson(body: AsyncIterable<Uint8Array>): AsyncGenerator<unknown[]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of body) {
    const bytes = rest.length === 0 ? asBuffer(chunk) : Buffer.concat([rest, chunk]);
    const end = bytes.lastIndexOf(NEWLINE);
    if (end >= 0) yield parseLines(bytes.toString('utf8', 0, end));
    rest = bytes.subarray(end + 1);
    if (rest.length > LONGEST_LINE) throw new BrokenAnswer('a line of the answer is too long');
  }
  if (rest.length > 0) yield [parse(rest.toString('utf8'), true)];
}

function parseLines(text: string): unknown[] {
  const values: unknown[] = [];
  for (const line of text.split('\n')) {
    if (line !== '') values.push(parse(line));
  }
  return values;
}

function parse(line: string, last = false): unknown {
  try {
    return JSON.parse(line);
  } catch {
    if (last) throw new BrokenAnswer('the answer ends in the middle of a line', { temporary: true, code: 'EAGAIN' });
    throw new BrokenAnswer('a line of the answer is not JSON');
  }
}

function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
