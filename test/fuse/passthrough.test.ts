import { join } from 'node:path';
import { open, readFile, stat } from 'node:fs/promises';
import { release } from 'node:os';
import t, { type Test } from 'tap';
import { until } from '../contract/file-system/rig.ts';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { FuseProcess } from '../helpers/fuse-process.ts';
import { runCommand } from '../helpers/run-command.ts';

const MIB = 1 << 20;

function missing(): string | false {
  const [major = 0, minor = 0] = release().split('.').map(Number);
  if (major < 6 || (major === 6 && minor < 9)) return 'needs Linux 6.9';
  if (process.getuid?.() !== 0) return 'needs root';
  return withoutFuse();
}

type Counts = Readonly<Record<string, number>>;

t.test('files that the kernel reads and writes directly', { skip: missing() }, async (t) => {
  const mount = await FuseProcess.start({ files: t.testdir() });
  t.teardown(() => mount.stop());
  const at = (path: string): string => join(mount.dir, path);
  const shell = (script: string): Promise<string> =>
    runCommand('bash', ['-euo', 'pipefail', '-c', script], { cwd: mount.dir, timeout: 60_000 });
  const python = (script: string): Promise<string> =>
    runCommand('python3', ['-c', `import os, mmap, time\n${script}`], { cwd: mount.dir, timeout: 60_000 });
  const counts = async (): Promise<Counts> => (await mount.order('count')) as Counts;

  t.test('copying a file in and reading it causes no READ or WRITE', async (t) => {
    await counts();
    const out =
      await shell(`head -c ${16 * MIB} /dev/urandom | tee >(md5sum > /dev/null) > big; md5sum < big; md5sum < big
      cat big > /dev/null; stat -c %s big; printf more > small; test "$(stat -c %s small)" = 4`);
    const [one, two, size] = out.trim().split('\n');
    t.equal(one, two);
    t.equal(Number(size), 16 * MIB);
    const { read, write, backing = 0 } = await counts();
    t.match({ read, write }, { read: undefined, write: undefined });
    t.ok(backing >= 4);
  });

  t.test('attributes are those of the written file', async () => {
    await python(`
f = os.open('w', os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
for size in (1, 5000, 100):
    os.ftruncate(f, 0); os.pwrite(f, b'x' * size, 0)
    assert os.fstat(f).st_size == size and os.stat('w').st_size == size
before = os.stat('w').st_mtime_ns; time.sleep(0.02); os.write(f, b'y'); assert os.stat('w').st_mtime_ns > before
os.utime('w', ns=(10**18, 10**18)); assert os.fstat(f).st_mtime_ns == 10**18
os.close(f); assert os.stat('w').st_mtime_ns == 10**18
f = os.open('w', os.O_WRONLY | os.O_TRUNC); os.posix_fallocate(f, 0, 7000); assert os.stat('w').st_size == 7000
os.write(f, b'abc'); os.fsync(f); g = os.open('w', os.O_WRONLY | os.O_APPEND); os.write(g, b'end'); os.close(g)
assert os.stat('w').st_size == 7003 and open('w', 'rb').read() == b'abc' + bytes(6997) + b'end'
os.unlink('w'); os.write(f, b'd'); assert os.fstat(f).st_nlink == 0 and os.fstat(f).st_size == 7003`);
  });

  t.test('all opens of a file see the same bytes', async (t) => {
    await counts();
    await python(`
data = os.urandom(${5 * MIB})
w = os.open('s', os.O_WRONLY | os.O_CREAT | os.O_EXCL); os.write(w, data[:1000])
r = os.open('s', os.O_RDONLY); rw = os.open('s', os.O_RDWR)
assert os.pread(r, 9999, 0) == data[:1000]
os.pwrite(rw, b'HELLO', 10); assert os.pread(r, 5, 10) == b'HELLO'
m = mmap.mmap(rw, 1000); m[0:2] = b'MM'; assert os.pread(r, 2, 0) == b'MM'
os.write(w, data[1000:]); os.close(w); assert os.stat('s').st_size == len(data)
for fd in (r, rw): os.close(fd)
assert m[0:2] == b'MM'; m.close()
# Open for reading first: who comes to write later writes into the same file.
r = os.open('s', os.O_RDONLY); q = mmap.mmap(r, 100, prot=mmap.PROT_READ)
for flags in (os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_APPEND):
    g = os.open('s', flags); os.pwrite(g, b'%04d' % flags, 0); size = os.fstat(g).st_size; os.close(g)
    end = size - 4 if flags & os.O_APPEND else 0
    assert os.pread(r, 4, end) == b'%04d' % flags, (os.pread(r, 4, end), flags)
assert q[0:4] == b'%04d' % os.O_RDWR
g = os.open('s', os.O_WRONLY | os.O_TRUNC); os.write(g, b'short'); assert os.pread(r, 100, 0) == b'short'`);
    const { read, write } = await counts();
    t.match({ read, write }, { read: undefined, write: undefined });
  });

  t.test('a mapping that outlives its handles is written to the file', async (t) => {
    await python(`
w = os.open('m', os.O_WRONLY | os.O_CREAT | os.O_EXCL); os.write(w, bytes(10000))
rw = os.open('m', os.O_RDWR); m = mmap.mmap(rw, 10000, mmap.MAP_SHARED)
os.close(rw); os.close(w)
m[5000:5005] = b'later'; assert open('m', 'rb').read()[5000:5005] == b'later'
g = os.open('m', os.O_WRONLY | os.O_APPEND); os.write(g, b'end'); os.close(g); m[0:1] = b'!'
d = open('m', 'rb').read(); assert d[0:1] == b'!' and d[-3:] == b'end' and len(d) == 10003
m.close()`);
    await until(async () => (await mount.order('read', 'm')) !== '', 'readable below');
    t.match(await mount.order('read', 'm'), /^!.*later.*end$/s);
  });

  t.test('a reader of a replaced file keeps the old content; later opens see the new one', async (t) => {
    await shell(`head -c ${5 * MIB} /dev/zero > r`);
    const reader = await open(at('r'));
    const first = Buffer.alloc(3);
    await reader.read({ buffer: first, position: 0 });
    t.strictSame([...first], [0, 0, 0]);
    for (const text of ['new', 'newer']) {
      await mount.order('write', 'r', text);
      await until(async () => (await readFile(at('r'), 'utf8')) === text, text);
      t.equal((await stat(at('r'))).size, text.length);
      await reader.read({ buffer: first, position: 4 * MIB });
      t.strictSame([...first], [0, 0, 0], 'a snapshot');
    }
    await shell('echo more >> r');
    t.equal(await mount.order('read', 'r'), 'newermore\n');
    await reader.close();
    t.equal(await readFile(at('r'), 'utf8'), 'newermore\n');
  });

  t.test('bytes written after a copy by reference are not lost', async () => {
    await python(`
open('from', 'wb').write(b'a' * 200000)
i = os.open('from', os.O_RDONLY); o = os.open('to', os.O_WRONLY | os.O_CREAT | os.O_EXCL)
assert os.copy_file_range(i, o, 300000) == 200000
os.write(o, b'end'); os.pwrite(o, b'middle', 100000); os.close(o)
# The kernel tells of a close after close(2) has returned; a reading that overlaps with that sees a part.
want = b'a' * 100000 + b'middle' + b'a' * (100000 - 6) + b'end'
for _ in range(500):
    d = open('to', 'rb').read()
    if d == want: break
    time.sleep(0.01)
assert d == want, len(d)`);
  });

  t.test(
    'a program that makes one small file after another writes them by here, and the next after a large one not',
    async (t) => {
      await counts();
      await python(`
for i in range(24):
    with open('small-%d' % i, 'wb') as f: f.write(b'x' * 5000)`);
      const small = await counts();
      t.equal(small['write'], 20, 'but for the first four');
      await python(`
def make(name, size):
    f = os.open(name, os.O_WRONLY | os.O_CREAT); os.write(f, b'x' * size); os.close(f)
for i in range(8): make('s-%d' % i, 5000)
make('large', 1 << 20)
time.sleep(0.5)
make('after', 1 << 20)
for name, size in (('s-7', 5000), ('large', 1 << 20), ('after', 1 << 20)): assert open(name, 'rb').read() == b'x' * size`);
      t.equal((await counts())['write'], 4 + 1, 'small ones, and the large one that nobody could expect');
    },
  );

  t.test('what is written behind a copy by reference is seen at once', async () => {
    await python(`
head = os.urandom(200000)
with open('from', 'wb') as f: f.write(head)
for n in range(60):
    name, tail = f'tail{n}', os.urandom(4990) + bytes(10 * (n % 2)) + os.urandom(10 - 10 * (n % 2))
    i = os.open('from', os.O_RDONLY); o = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    assert os.copy_file_range(i, o, 300000) == 200000
    os.pwrite(o, tail, 200000)
    if n % 3 == 1:
        assert os.stat(name).st_size == 205000 and open(name, 'rb').read() == head + tail
        os.pwrite(o, b'again', 205000); os.fsync(o); tail += b'again'
        time.sleep(0.01)
        assert os.fstat(o).st_size == 205005, os.fstat(o)
    os.close(i); os.close(o)
    if n % 3 == 2: assert os.stat(name).st_size == 205000
    assert open(name, 'rb').read() == head + tail, n`);
  });

  t.test('nothing was reported', async (t) => void t.equal(mount.errors, ''));
});

t.test('with passthrough: false all reads and writes are requests', { skip: missing() }, async (t: Test) => {
  const mount = await FuseProcess.start({ files: t.testdir(), passthrough: false });
  t.teardown(() => mount.stop());
  await runCommand('bash', ['-c', `head -c ${5 * MIB} /dev/zero > f; cat f > /dev/null`], { cwd: mount.dir });
  const { write = 0, backing } = (await mount.order('count')) as Counts;
  t.ok(write > 0);
  t.equal(backing, undefined);
});
