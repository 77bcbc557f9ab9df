import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, ftruncateSync, mkdirSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { gatewayBehind } from '../helpers/gateway-behind.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(300_000);

const KiB = 1024;
const GiB = 1024 ** 3;

/** The data of a file by `SEEK_DATA` and `SEEK_HOLE`: where it is, and its digest. */
function extents(path: string): string {
  const script = `
import hashlib, os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
end = os.fstat(fd).st_size
at = 0
while at < end:
    try: start = os.lseek(fd, at, os.SEEK_DATA)
    except OSError: break
    at = os.lseek(fd, start, os.SEEK_HOLE)
    data = os.pread(fd, at - start, start)
    print(start, at, hashlib.sha256(data).hexdigest())
print(end)`;
  return execFileSync('python3', ['-c', script, path], { encoding: 'utf8' });
}

/** A file that has data in some places only. */
function makeSparse(path: string, size: number, data: Readonly<Record<number, number>>): void {
  const fd = openSync(path, 'w');
  for (const [at, length] of Object.entries(data)) writeSync(fd, randomBytes(length), 0, length, Number(at));
  ftruncateSync(fd, size);
  closeSync(fd);
}

t.test('of sparse files only the data travels, and the holes are restored', async (t) => {
  const fjord = await gatewayBehind(t);
  const dir = temporary(t);
  const [source, copy] = [join(dir, 'disks'), join(dir, 'copy')];
  mkdirSync(source);
  makeSparse(join(source, 'large'), 10 * GiB, {
    0: 4 * KiB,
    [3 * GiB + 500 * KiB]: 1500 * KiB,
    [5 * GiB + 64 * KiB]: 4 * KiB,
    [5 * GiB + 512 * KiB]: 8 * KiB,
    [10 * GiB - 4 * KiB]: 4 * KiB,
  });
  makeSparse(join(source, 'small'), 900 * KiB, { [400 * KiB]: 4 * KiB });
  makeSparse(join(source, 'hole'), 7 * GiB + 1, {});
  t.ok(statSync(join(source, 'large')).blocks * 512 < 2 * KiB * KiB, 'this file system has holes');

  t.equal((await fjord.cli('backup', 'add', source, '--schedule', 'manual')).code, 0);
  t.match(await fjord.cli('backup', 'run', '--wait'), { code: 0 });
  const { sent } = fjord.proxy.bytes;
  t.ok(sent < 8 * KiB * KiB, `${sent} bytes were sent`);
  const restored = await fjord.cli('restore', '/Backup', '--only', 'disks/', '--to', copy);
  t.match(restored, { code: 0 }, restored.stderr);
  t.ok(fjord.proxy.bytes.received < 8 * KiB * KiB);
  const [top = ''] = execFileSync('find', [copy, '-name', 'disks'], { encoding: 'utf8' }).split('\n');
  for (const name of ['large', 'small', 'hole'])
    t.equal(extents(join(top, name)), extents(join(source, name)), `${name}: the same data in the same places`);
  const rsync = ['-aHAXSn', '--itemize-changes', `${source}/`, `${top}/`];
  t.equal(execFileSync('rsync', rsync, { encoding: 'utf8' }), '');
});
