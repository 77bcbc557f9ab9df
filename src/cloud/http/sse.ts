import { StringDecoder } from 'node:string_decoder';
import { BrokenResponse } from './errors.ts';

/** Longest event, characters. */
const LONGEST_EVENT = 1024 * 1024;
const LINE_END = /\r\n|\n|\r(?!$)/;

/**
 * Yields the `data` of the events in a `text/event-stream` body; other fields and comments are skipped (WHATWG HTML,
 * section 9.2.6). An incomplete event at the end of the stream is dropped.
 */
export async function* readSse(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8');
  let text = '';
  let data: string[] = [];
  let length = 0;
  for await (const chunk of body) {
    const lines = (text + decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))).split(LINE_END);
    text = lines.pop() ?? '';
    for (const line of lines) {
      if (line !== '') {
        const found = dataOf(line);
        data.push(...found);
        length += found.length * (line.length + 1);
        if (length > LONGEST_EVENT) throw new BrokenResponse('the cloud sent an event that is too long');
      } else if (data.length > 0) {
        yield data.join('\n');
        data = [];
        length = 0;
      }
    }
    if (text.length > LONGEST_EVENT) throw new BrokenResponse('the cloud sent an event that is too long');
  }
}

function dataOf(line: string): string[] {
  if (line === 'data') return [''];
  if (!line.startsWith('data:')) return [];
  return [line.slice(line.startsWith('data: ') ? 6 : 5)];
}
