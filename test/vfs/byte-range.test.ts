import t from 'tap';
import { parseRange } from '../../src/vfs/byte-range.ts';

const cases: readonly [string, number, [number, number][] | undefined][] = [
  ['bytes=0-99', 1000, [[0, 99]]],
  ['bytes=0-', 1000, [[0, 999]]],
  ['bytes=990-2000', 1000, [[990, 999]]],
  ['bytes=-10', 1000, [[990, 999]]],
  ['bytes=-2000', 1000, [[0, 999]]],
  ['bytes=999-999', 1000, [[999, 999]]],
  ['Bytes = 1-2', 1000, [[1, 2]]],
  ['bytes=1000-', 1000, []],
  ['bytes=-0', 1000, []],
  ['bytes=0-', 0, []],
  ['bytes=-5', 0, []],
  [
    'bytes=0-0,-1',
    1000,
    [
      [0, 0],
      [999, 999],
    ],
  ],
  ['bytes=5000-,0-1', 1000, [[0, 1]]],
  ['bytes=0-10,5-20', 1000, undefined],
  ['bytes=5-4', 1000, undefined],
  ['bytes=', 1000, undefined],
  ['bytes=a-b', 1000, undefined],
  ['bytes=0-1,', 1000, undefined],
  ['items=0-1', 1000, undefined],
  ['nonsense', 1000, undefined],
  [`bytes=${Array.from({ length: 33 }, (_, i) => `${i * 2}-${i * 2}`).join(',')}`, 1000, undefined],
];

t.test('a limit of one range', async (t) => {
  t.strictSame(parseRange('bytes=5-', 10, 1), [{ start: 5, end: 9 }]);
  t.equal(parseRange('bytes=0-1,5-6', 10, 1), undefined);
  t.equal(parseRange('bytes=50-,5-6', 10, 1), undefined, 'ranges outside the file count, too');
  t.equal(parseRange('', 10, 1), undefined, 'no field');
});

t.test('ranges', async (t) => {
  for (const [field, size, expected] of cases) {
    t.strictSame(
      parseRange(field, size),
      expected?.map(([start, end]) => ({ start, end })),
      `${field} of ${size}`,
    );
  }
});
