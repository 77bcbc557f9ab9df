import fc from 'fast-check';
import t from 'tap';
import { frameHeader, readFrames } from '../../../../src/cloud/server/blocks/frames.ts';
import { contentOf } from '../../../helpers/intents.ts';

t.test('frames are read in the same way however the stream is split', async (t) => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 200 });
  const cuts = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 50 });
  await fc.assert(
    fc.asyncProperty(fc.array(bytes, { maxLength: 8 }), cuts, async (contents, cuts) => {
      const blocks = contents.flatMap((content) => contentOf(content).blocks);
      const whole = Buffer.concat(blocks.flatMap(({ digest, data }) => [frameHeader(digest, data.length), data]));
      const read: { digest: string; data: Uint8Array }[] = [];
      for await (const block of readFrames(cut(whole, cuts))) read.push(block);
      return (
        read.length === blocks.length &&
        read.every(({ digest, data }, index) => {
          return digest === blocks[index]?.digest && Buffer.from(data).equals(blocks[index].data);
        })
      );
    }),
  );
  t.pass();
});

t.test('a stream that ends early is an error wherever it ends', async (t) => {
  const [one] = contentOf(Buffer.from('some bytes')).blocks;
  if (one === undefined) throw new Error('no block');
  const whole = Buffer.concat([frameHeader(one.digest, one.data.length), one.data]);
  for (let length = 1; length < whole.length; length += 1) {
    const read = (async () => {
      for await (const block of readFrames(cut(whole.subarray(0, length), [7]))) t.fail(block.digest);
    })();
    await t.rejects(read, { code: 'bad_request' }, `${length} bytes`);
  }
});

async function* cut(whole: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, turn = 0; at < whole.length; turn += 1) {
    const length = cuts[turn % cuts.length] ?? 1;
    yield whole.subarray(at, at + length);
    at += length;
  }
}
