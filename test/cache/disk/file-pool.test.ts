import { existsSync, fstatSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { FilePool } from '../../../src/cache/disk/file-pool.ts';
import { temporary } from '../../helpers/temporary.ts';

const isOpen = (fd: number): boolean => {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
};

t.test('shares one descriptor per path, and keeps some unused ones open', async (t) => {
  const dir = temporary(t);
  const pool = new FilePool(2);
  const paths = ['a', 'b', 'c'].map((name) => join(dir, name));
  const [a, b, c] = paths.map((path) => pool.borrow(path, { create: true }));
  if (a === undefined || b === undefined || c === undefined) throw new Error('three were borrowed');
  const second = pool.borrow(join(dir, 'a'));
  t.equal(second.fd, a.fd);
  a.release();
  a.release();
  t.ok(isOpen(second.fd), 'still in use');
  second.release();
  for (const file of [b, c]) file.release();
  t.same(
    [a, b, c].map(({ fd }) => isOpen(fd)),
    [false, true, true],
    'the one unused for longest is closed',
  );
  pool.close();
  t.same(
    [b, c].map(({ fd }) => isOpen(fd)),
    [false, false],
  );
});

t.test('a path that becomes another file is opened again; borrowers of the old file keep it', async (t) => {
  const path = join(temporary(t), 'a');
  const pool = new FilePool();
  t.throws(() => pool.borrow(path), { code: 'ENOENT' });
  const old = pool.borrow(path, { create: true });
  rmSync(path);
  pool.forget(path);
  writeFileSync(path, 'new');
  const fresh = pool.borrow(path);
  const shared = old.share();
  old.release();
  writeSync(shared.fd, 'old', 0);
  shared.release();
  t.notOk(isOpen(shared.fd));
  writeSync(fresh.fd, 'N', 0);
  t.equal(readFileSync(path, 'utf8'), 'New');
  fresh.release();
  pool.close();
  t.ok(existsSync(path));
});
