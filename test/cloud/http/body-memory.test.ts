import t from 'tap';
import { BodyMemory } from '../../../src/cloud/http/body-memory.ts';
import { MAX_BATCH_BYTES } from '../../../src/cloud/limits.ts';

t.test('the memory of a body is used again once it is given back, and not before', (t) => {
  const memory = new BodyMemory();
  const [first, second] = [memory.take(MAX_BATCH_BYTES), memory.take(1_000_000)];
  t.same([first.length, second.length], [MAX_BATCH_BYTES, 1_000_000]);
  t.not(second.buffer, first.buffer);
  memory.give(first);
  const third = memory.take(MAX_BATCH_BYTES - 1);
  t.equal(third.buffer, first.buffer);
  t.equal(third.length, MAX_BATCH_BYTES - 1);
  t.not(memory.take(MAX_BATCH_BYTES).buffer, first.buffer);
  t.end();
});

t.test('small bodies have memory of their own, and only some of what is given back is kept', (t) => {
  const memory = new BodyMemory();
  const small = memory.take(1000);
  t.equal(small.buffer.byteLength, 1000);
  memory.give(small);
  t.not(memory.take(1000).buffer, small.buffer);
  const bodies = Array.from({ length: 6 }, () => memory.take(MAX_BATCH_BYTES));
  for (const body of bodies) memory.give(body);
  const taken = new Set(Array.from({ length: 6 }, () => memory.take(MAX_BATCH_BYTES).buffer));
  t.equal(bodies.filter(({ buffer }) => taken.has(buffer)).length, 4);
  t.end();
});
