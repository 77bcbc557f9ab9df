import { createHash, randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import t from 'tap';
import { BrokenResponse } from '../../../src/cloud/http/errors.ts';
import { encodeFrames, FrameReader } from '../../../src/cloud/http/frames.ts';

t.setTimeout(500_000);

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

t.test('frames are decoded as encoded, however the body is split into chunks', async () => {
  const block = fc.uint8Array({ minLength: 1, maxLength: 300 });
  await fc.assert(
    fc.asyncProperty(fc.array(block, { maxLength: 8 }), fc.array(fc.nat(2000)), async (blocks, cuts) => {
      const frames = blocks.map((data) => ({ digest: sha256(data), data }));
      const body = encodeFrames(frames);
      const edges = [0, ...cuts.map((cut) => cut % (body.length + 1)), body.length].sort((a, b) => a - b);
      const reader = new FrameReader();
      const read = edges.slice(1).flatMap((edge, i) => reader.push(body.subarray(edges[i], edge)));
      reader.end();
      return (
        read.length === frames.length &&
        read.every(({ digest, data }, i) => digest === frames[i]?.digest && Buffer.from(data).equals(frames[i].data))
      );
    }),
  );
});

t.test('a body that ends inside a frame is detected wherever it ends', async (t) => {
  const data = randomBytes(50);
  const body = encodeFrames([{ digest: sha256(data), data }]);
  for (let length = 1; length < body.length; length++) {
    const reader = new FrameReader();
    reader.push(body.subarray(0, length));
    t.throws(() => reader.end(), BrokenResponse, `${length} bytes`);
  }
});

t.test('an impossible length is refused before memory is allocated for it', async (t) => {
  for (const length of [0, 1024 * 1024 + 1, 0xffff_ffff]) {
    const head = Buffer.alloc(36);
    head.writeUInt32BE(length);
    t.throws(() => new FrameReader().push(head), BrokenResponse, String(length));
  }
});
