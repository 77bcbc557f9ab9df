import fc from 'fast-check';
import { createHash } from 'node:crypto';
import t from 'tap';
import { DigestList } from '../../src/vfs/digest-list.ts';

const digest = (n: number): Buffer => createHash('sha256').update(String(n)).digest();

/** Runs as pairs of a digest and its count. */
const runs = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 1, max: 9 })), { maxLength: 12 });

function listOf(pairs: readonly (readonly [number, number])[]): DigestList {
  let end = 0;
  return DigestList.ofRuns(pairs.map(([n, length]) => ({ digest: digest(n), end: (end += length) })));
}

t.test('a list contains its digests, however it is encoded', async () => {
  await fc.assert(
    fc.asyncProperty(runs, fc.nat(30), async (pairs, from) => {
      const raw = pairs.flatMap(([n, length]) => Array.from({ length }, () => digest(n)));
      const all = Buffer.concat(raw);
      const list = listOf(pairs);
      for (const same of [list, DigestList.from(list.toBytes(), raw.length), DigestList.from(all, raw.length)]) {
        if (same?.count !== raw.length) return false;
        if (!raw.every((one, index) => one.equals(same.at(index)))) return false;
        const walked = [...same.runs(from)].flatMap(({ digest, start, end }) =>
          Array.from({ length: end - start }, () => Buffer.from(digest)),
        );
        if (!Buffer.concat(walked).equals(Buffer.concat(raw.slice(from)))) return false;
        if ((await same.hash()) !== createHash('sha256').update(all).digest('hex')) return false;
        if (same.distinct().length !== new Set(raw.map(String)).size) return false;
      }
      return list.toBytes().length <= all.length;
    }),
  );
});

t.test('bytes that are not a list of this number of blocks are refused', async (t) => {
  const bytes = listOf([[1, 100]]).toBytes();
  t.equal(bytes.length, 36, 'one run');
  for (const count of [0, 1, 99, 101]) t.equal(DigestList.from(bytes, count), undefined, `${count} blocks`);
  t.equal(DigestList.from(bytes.subarray(1), 100), undefined);
  t.equal(DigestList.from(Buffer.concat([Buffer.alloc(36), bytes]), 100), undefined, 'an empty run');
});

t.test('a terabyte of holes takes a few bytes, and has the hash of all digests', async (t) => {
  const count = 2 ** 20;
  const list = listOf([[0, count]]);
  t.equal(list.toBytes().length, 36);
  const expected = createHash('sha256');
  for (let index = 0; index < count; index += 1024) expected.update(Buffer.alloc(1024 * 32, digest(0)));
  t.equal(await list.hash(), expected.digest('hex'));
});
