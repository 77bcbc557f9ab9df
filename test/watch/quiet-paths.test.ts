import t from 'tap';
import { QuietPaths } from '../../src/watch/quiet-paths.ts';

t.test('a path is due when it is quiet, or has not been for long; each for itself', async (t) => {
  let now = 0;
  const paths = new QuietPaths({ quiet: 10, longest: 100, most: 10 }, () => now);
  t.equal(paths.wait(), undefined);
  paths.touch('a', 'letter');
  paths.touch('a', 'log');
  now = 5;
  paths.touch('a', 'log');
  t.equal(paths.wait(), 5);
  t.equal(paths.take().size, 0);
  now = 10;
  t.same(paths.take(), new Map([['a', new Set(['letter'])]]));
  for (; now < 100; now += 5) {
    paths.touch('a', 'log');
    t.equal(paths.take().size, 0, `at ${now}`);
  }
  t.same(paths.take(), new Map([['a', new Set(['log'])]]), 'after the longest wait');
  t.equal(paths.wait(), undefined);
});

t.test('a folder as a whole covers its names, and too many paths become everything', async (t) => {
  let now = 0;
  const paths = new QuietPaths({ quiet: 10, longest: 100, most: 3 }, () => now);
  paths.touch('', 'x');
  paths.touch('', undefined);
  paths.touch('', 'y');
  now = 10;
  t.same(paths.take(), new Map([['', 'all']]));
  for (const name of ['1', '2', '3', '4', '5']) paths.touch('many', name);
  t.ok(paths.overflowed);
  t.equal(paths.wait(), undefined);
  paths.clear();
  t.notOk(paths.overflowed);
});

t.test('what was closed waits for less, unless a program writes it again', async (t) => {
  let now = 0;
  const paths = new QuietPaths({ quiet: 10, closed: 2, longest: 100, most: 10 }, () => now);
  paths.touch('', 'saved', 'part');
  paths.touch('', 'saved', 'whole');
  paths.touch('', 'written', 'whole');
  paths.touch('', 'written', 'part');
  now = 1;
  paths.touch('', 'saved');
  t.equal(paths.wait(), 2, 'times that are set after the last close');
  now = 3;
  t.same(paths.take(), new Map([['', new Set(['saved'])]]));
  now = 10;
  t.same(paths.take(), new Map([['', new Set(['written'])]]));
});
