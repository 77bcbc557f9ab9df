import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import type { Sink } from '../../src/webdav/outcome.ts';
import { PIECE, TextMemory } from '../../src/webdav/text-memory.ts';
import { TextSink } from '../../src/webdav/text-sink.ts';

/** Holds chunks until the test marks them as sent, like a slow socket. */
class SlowSocket implements Sink {
  readonly #chunks: [chunk: string | Uint8Array, sent: (() => void) | undefined][] = [];
  text = '';

  write(chunk: string | Uint8Array, sent?: () => void): void {
    this.#chunks.push([chunk, sent]);
  }

  /** Reads a number of chunks as late as possible. */
  take(count: number): void {
    for (const [chunk, sent] of this.#chunks.splice(0, count)) {
      this.text += Buffer.from(chunk).toString();
      sent?.();
    }
  }
}

const bit = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 200 }),
  fc
    .tuple(fc.constantFrom('x', 'é', '漢', '\u{1f600}'), fc.integer({ min: 1, max: PIECE }))
    .map(([char, count]) => char.repeat(count)),
);

t.test('text arrives unchanged, whatever its size, and however late it is read', async (t) => {
  const memory = new TextMemory();
  const run = fc.asyncProperty(fc.array(fc.tuple(bit, fc.nat(3)), { maxLength: 30 }), async (bits) => {
    const socket = new SlowSocket();
    const out = new TextSink(socket, memory);
    for (const [text, taken] of bits) {
      out.put(text);
      if (out.isFull) await out.send();
      socket.take(taken);
    }
    await out.flush();
    socket.take(Infinity);
    assert.equal(socket.text, bits.map(([text]) => text).join(''));
  });
  await t.resolves(fc.assert(run, { numRuns: 150 }));
});

t.test('memory is reused, but only after it was sent', async (t) => {
  const memory = new TextMemory();
  const socket = new SlowSocket();
  const first = new TextSink(socket, memory);
  first.put('one');
  await first.flush();
  const second = new TextSink(socket, memory);
  second.put('two');
  await second.flush();
  socket.take(1);
  const third = new TextSink(socket, memory);
  third.put('six');
  await third.flush();
  socket.take(2);
  t.equal(socket.text, 'onetwosix');
  const pieces = new Set([memory.take(), memory.take(), memory.take()]);
  t.equal(pieces.size, 3);
});
