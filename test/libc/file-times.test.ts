import { lstatSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t from 'tap';
import { FileTimes } from '../../src/libc/file-times.ts';
import { temporary } from '../helpers/temporary.ts';

t.test('a time is set to the microsecond, for files and for symlinks themselves', async (t) => {
  const dir = temporary(t);
  const [file, link] = [join(dir, 'file'), join(dir, 'link')];
  writeFileSync(file, '');
  symlinkSync('nowhere', link);
  const times = new FileTimes();
  // Times of ext4 begin in 1901; milliseconds as a double resolve each microsecond until 2109.
  const micros = fc.bigInt({ min: -2_000_000_000_000_000n, max: 4_000_000_000_000_000n });
  fc.assert(
    fc.property(micros, fc.constantFrom(file, link), (wanted, path) => {
      times.set(path, Number(wanted) / 1000);
      return lstatSync(path, { bigint: true }).mtimeNs === wanted * 1000n;
    }),
  );
  t.throws(() => times.set(join(dir, 'missing'), 0), /cannot be set: errno 2/);
});
