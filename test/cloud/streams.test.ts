import * as fc from 'fast-check';
import t from 'tap';
import { BrokenResponse } from '../../src/cloud/http/errors.ts';
import { readNdjson } from '../../src/cloud/http/ndjson.ts';
import { readSse } from '../../src/cloud/http/sse.ts';

async function* cut(body: Buffer, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const edges = [0, ...cuts.map((at) => at % (body.length + 1)), body.length].sort((a, b) => a - b);
  for (let i = 1; i < edges.length; i++) yield body.subarray(edges[i - 1], edges[i]);
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const cuts = fc.array(fc.nat(5000));

t.test('NDJSON is read in the same way however it is split, even within a character', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record({ name: fc.string({ unit: 'grapheme' }) })), cuts, async (values, at) => {
      const body = Buffer.from(values.map((value) => `${JSON.stringify(value)}\n`).join(''));
      const found = (await all(readNdjson(cut(body, at)))).flat();
      return JSON.stringify(found) === JSON.stringify(values);
    }),
  );
});

t.test('NDJSON without a newline at the end, and with empty lines', async (t) => {
  t.same((await all(readNdjson(cut(Buffer.from('1\n\n2\n3'), [])))).flat(), [1, 2, 3]);
});

t.test('a truncated line is not valid JSON', async (t) => {
  await t.rejects(all(readNdjson(cut(Buffer.from('{"a":1}\n{"b"'), []))), BrokenResponse);
});

t.test('an endless line is an error and does not exhaust the memory', async (t) => {
  let chunks = 0;
  async function* endless() {
    for (;;) {
      chunks += 1;
      yield Buffer.alloc(64 * 1024, 'x');
    }
  }
  await t.rejects(all(readNdjson(endless())), BrokenResponse);
  t.ok(chunks < 100);
});

t.test('events are read in the same way however they are split', async () => {
  const data = fc.string({ unit: 'grapheme' }).filter((text) => !/[\r\n]/.test(text));
  await fc.assert(
    fc.asyncProperty(fc.array(data), fc.constantFrom('\n', '\r\n'), cuts, async (values, end, at) => {
      const body = Buffer.from(values.map((value) => `data: ${value}${end}${end}`).join(''));
      return JSON.stringify(await all(readSse(cut(body, at)))) === JSON.stringify(values);
    }),
  );
});

t.test(
  'comments and other fields are skipped; several lines of data are one event; a truncated event is dropped',
  async (t) => {
    const body = ': hello\nretry: 5\n\nevent: x\ndata:a\ndata: b\nid: 1\n\ndata: lost';
    t.same(await all(readSse(cut(Buffer.from(body), []))), ['a\nb']);
  },
);
