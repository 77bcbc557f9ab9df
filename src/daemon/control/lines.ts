import { Readable } from 'node:stream';
import { asFsError, FsError } from '../../vfs/fs-error.ts';
import { fromFailure, toFailure } from './failure.ts';

/** Longest line that is accepted, in characters. */
const LONGEST = 1024 * 1024;

/**
 * Encodes values as lines of JSON. An error becomes the last line, `{"failure": …}`; otherwise the last line is
 * `{"end": true}`, so that a reader can distinguish a complete stream from a truncated one.
 */
export function toLines(values: AsyncIterable<unknown>, op: string): Readable {
  return Readable.from(encode(values, op), { objectMode: false });
}

async function* encode(values: AsyncIterable<unknown>, op: string): AsyncGenerator<string> {
  try {
    for await (const value of values) yield `${JSON.stringify(value)}\n`;
    yield '{"end":true}\n';
  } catch (error) {
    yield `${JSON.stringify({ failure: toFailure(asFsError(error, op)) })}\n`;
  }
}

/** Decodes the lines of `toLines`. @throws the error of the other side; EIO for a truncated stream */
export async function* fromLines(body: AsyncIterable<Uint8Array>, op: string): AsyncGenerator {
  for await (const line of splitLines(body, op)) {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) {
      if ('failure' in value) throw fromFailure(value.failure, op);
      if ('end' in value) return;
    }
    yield value;
  }
  throw new FsError('EAGAIN', op, {
    reason: 'the gateway ended before its response was complete; run the command again',
  });
}

async function* splitLines(body: AsyncIterable<Uint8Array>, op: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LONGEST)
      throw new FsError('EIO', op, {
        reason: 'the gateway sent a line that is too long; it may be of another version: restart it',
      });
    yield* lines;
  }
}
