import fc from 'fast-check';
import { createHash, randomBytes } from 'node:crypto';
import t from 'tap';
import { Bitmap } from '../../src/cache/disk/bitmap.ts';
import { BLOCK_SIZE, DIGEST_SIZE, blockCount, blockLength, contentHash, digestOf } from '../../src/vfs/block.ts';

t.test('the block size is that of the API and of existing data', async (t) => {
  t.equal(BLOCK_SIZE, 2 ** 20);
  t.equal(DIGEST_SIZE, 32);
});

t.test('the blocks of a content cover all of it', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 50 * BLOCK_SIZE }), (size) => {
      let sum = 0;
      for (let index = 0; index < blockCount(size); index++) sum += blockLength(size, index);
      return sum === size && blockLength(size, blockCount(size)) === 0;
    }),
  );
});

t.test('digests and hashes are SHA-256', async (t) => {
  const data = randomBytes(1000);
  const digest = createHash('sha256').update(data).digest();
  t.ok(digest.equals(await digestOf(data)));
  t.equal(contentHash(digest), createHash('sha256').update(digest).digest('hex'));
});

t.test('a bitmap is a set of numbers, and survives a round trip through text', async () => {
  const numbers = fc.array(fc.tuple(fc.integer({ min: 0, max: 120 }), fc.boolean()));
  fc.assert(
    fc.property(numbers, fc.integer({ min: 0, max: 100 }), (changes, length) => {
      const bitmap = new Bitmap(length);
      const set = new Set<number>();
      for (const [index, add] of changes) {
        const expected = add ? index < length && !set.has(index) : set.has(index);
        if (add && index < length) set.add(index);
        else if (!add) set.delete(index);
        if ((add ? bitmap.add(index) : bitmap.delete(index)) !== expected) return false;
      }
      const again = Bitmap.from(bitmap.toText(), length);
      const same = (index: number): boolean =>
        bitmap.has(index) === set.has(index) && again.has(index) === set.has(index);
      return (
        Array.from({ length: 130 }, (_, index) => index).every(same) &&
        bitmap.count === set.size &&
        again.isFull === (set.size === length)
      );
    }),
  );
});
