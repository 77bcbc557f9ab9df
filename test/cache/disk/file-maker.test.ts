import { closeSync, existsSync, fstatSync, mkdirSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { FileMaker } from '../../../src/cache/disk/file-maker.ts';
import { temporary } from '../../helpers/temporary.ts';

// The thread does not keep the process alive, so the test must.
const awake = setInterval(() => undefined, 1000);
t.teardown(() => clearInterval(awake));

t.test('creates and opens files in the requested order', async (t) => {
  const dir = temporary(t);
  const maker = new FileMaker();
  t.teardown(() => maker.end());
  const batches = [
    ['a', 'b'],
    ['c', 'd'],
  ].map((names) => names.map((name) => join(dir, name)));
  const made = await Promise.all(batches.map((paths) => maker.make(paths)));
  for (const [i, path] of batches.flat().entries()) {
    const fd = made.flat()[i] ?? -1;
    t.match(fstatSync(fd), { size: 0, ino: statSync(path).ino });
    t.equal(statSync(path).mode & 0o777, 0o600);
    writeSync(fd, path);
    t.equal(readFileSync(path, 'utf8'), path);
    closeSync(fd);
  }
});

t.test('leaves existing files alone, and returns undefined for those that cannot be created', async (t) => {
  const dir = temporary(t);
  const maker = new FileMaker();
  t.teardown(() => maker.end());
  writeFileSync(join(dir, 'there'), 'kept');
  mkdirSync(join(dir, 'folder'));
  const names = ['there', 'folder', 'missing/file', 'new'];
  const [there, folder, missing, fresh] = await maker.make(names.map((name) => join(dir, name)));
  t.same([there, folder, missing], [undefined, undefined, undefined]);
  t.equal(readFileSync(join(dir, 'there'), 'utf8'), 'kept');
  closeSync(fresh ?? -1);
});

t.test('files requested before the end are created and stay open', async (t) => {
  const dir = temporary(t);
  const maker = new FileMaker();
  const made = maker.make(Array.from({ length: 50 }, (_, i) => join(dir, `file-${i}`)));
  maker.end();
  for (const fd of await made) {
    t.ok(fstatSync(fd ?? -1).isFile());
    closeSync(fd ?? -1);
  }
});

t.test('after its end it creates nothing, and resolves at once', async (t) => {
  const path = join(temporary(t), 'file');
  const maker = new FileMaker();
  maker.end();
  t.same(await maker.make([path]), [undefined], 'while the thread ends');
  t.same(await maker.make([path, path]), [undefined, undefined], 'when it has ended');
  t.notOk(existsSync(path));
});
