import { readFile } from 'node:fs/promises';
import t from 'tap';
import { CODES, FsError, asFsError, isFsError } from '../../src/vfs/fs-error.ts';

t.test('the message has the operation, the subject and the reason', async (t) => {
  const error = new FsError('EROFS', 'unlink', { subject: 'a "b"', reason: 'a backup is read-only' });
  t.equal(error.message, 'unlink "a \\"b\\"": EROFS: a backup is read-only');
  t.equal(new FsError('EIO', 'sync').message, 'sync: EIO');
});

t.test('an FsError is passed on unchanged', async (t) => {
  const error = new FsError('ENOENT', 'lookup');
  t.equal(asFsError(error, 'other'), error);
  t.ok(isFsError(error, 'ENOENT'));
  t.notOk(isFsError(error, 'EIO'));
  t.notOk(isFsError(new Error('ENOENT')));
});

t.test('errors of the platform keep their codes; unknown ones are EIO', async (t) => {
  const missing = await readFile('/no/such/file').catch((error: unknown) => error);
  t.match(asFsError(missing, 'open', 'x'), { code: 'ENOENT', op: 'open', subject: 'x', cause: missing });
  t.equal(asFsError(AbortSignal.abort().reason, 'read').code, 'EINTR');
  t.equal(asFsError(new DOMException('', 'TimeoutError'), 'read').code, 'ETIMEDOUT');
  t.equal(asFsError(new TypeError('x is not a function'), 'read').code, 'EIO');
  t.equal(asFsError('text', 'read').code, 'EIO');
  t.equal(asFsError(Object.assign(new Error('odd'), { code: 'EWHATEVER' }), 'read').code, 'EIO');
});

t.test('codes are listed once, in order', async (t) => {
  t.same([...CODES], [...new Set(CODES)].sort());
});
