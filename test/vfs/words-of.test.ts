import { readdirSync, readFileSync } from 'node:fs';
import t from 'tap';
import { FsError } from '../../src/vfs/fs-error.ts';
import { wordsOf } from '../../src/vfs/words-of.ts';

t.test('errors of node:fs without the syscall and the path; all others as they are', async (t) => {
  for (const fails of [() => readFileSync('/nowhere/a, b'), () => readdirSync('/nowhere/c')]) {
    const error: unknown = t.throws(fails);
    t.equal(wordsOf(error), 'ENOENT: no such file or directory');
  }
  for (const message of ['EIO: i/o error, read', 'EIO: i/o error'])
    t.equal(wordsOf(new Error(message)), 'EIO: i/o error');
  t.equal(wordsOf(new Error('it failed, once more')), 'it failed, once more');
  const error = new FsError('EINVAL', 'x', { reason: 'why, and what' });
  t.equal(wordsOf(error), error.message);
  t.equal(wordsOf('text'), 'text');
});
