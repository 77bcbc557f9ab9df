import t from 'tap';
import { SmallWriters } from '../../src/fuse/small-writers.ts';

t.test('a program that has written small files only is expected to go on so', (t) => {
  const writers = new SmallWriters();
  for (let i = 0; i < 4; i++) {
    t.equal(writers.expects(7), false);
    writers.wrote(7, 4096);
  }
  t.equal(writers.expects(7), true);
  t.equal(writers.expects(8), false, 'another one is not');
  writers.wrote(7, 1 << 20);
  t.equal(writers.expects(7), false, 'nor one that has just written a large file');
  t.end();
});

t.test('what is remembered of programs that have ended is bounded', (t) => {
  const writers = new SmallWriters();
  for (let i = 0; i < 4; i++) writers.wrote(1, 10);
  for (let pid = 2; pid < 2000; pid++) writers.wrote(pid, 10);
  t.equal(writers.expects(1), false);
  t.end();
});
