import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { FuseProcess } from '../helpers/fuse-process.ts';
import { runScript, tryCommand } from '../helpers/run-command.ts';

t.setTimeout(500_000);

/** Creates a tree of some hundred files with modes, symlinks and unusual names, and its digest. */
const makeTree = `
  mkdir -p tree/{a,b}/{c,d} && cd tree
  for i in $(seq 200); do head -c $((i * 97)) /dev/urandom > a/c/f$i; done
  head -c 3000000 /dev/urandom > b/big; chmod 755 b/big; chmod 600 a/c/f1
  ln -s ../b/big a/link; ln -s nowhere a/broken; : > empty; touch -d '2001-02-03 04:05:06' empty
  echo x > "b/name with 'quotes' and ümläute"; touch -d '2011-01-01' a/d b`;

const skip = withoutFuse();

t.test('programs on the mount', { skip }, async (t) => programs(t, await FuseProcess.start()));
t.test('programs on a mount with passthrough', { skip }, async (t) => {
  await programs(t, await FuseProcess.start({ files: t.testdir() }));
});

async function programs(t: Test, mount: FuseProcess): Promise<void> {
  t.teardown(() => mount.stop());
  const source = mkdtempSync(join(tmpdir(), 'fjord-tools-'));
  t.teardown(() => rmSync(source, { recursive: true }));
  await runScript(makeTree, source);

  const works = (name: string, script: string): void => {
    t.test(name, async (t) => {
      const folder = name.replaceAll(/\W+/g, '-');
      const body = `S=${source}/tree; mkdir ${folder}; cd ${folder}\n${script}`;
      const { code, out, errors } = await tryCommand('bash', ['-euo', 'pipefail', '-c', body], {
        cwd: mount.dir,
        timeout: 100_000,
        env: { ...process.env, HOME: source, GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C.UTF-8' },
      });
      if (!t.equal(code, 0)) t.comment(`${out}\n${errors}`);
    });
  };

  works(
    'git clone, fsck, status, commit',
    `git init -q $S/../repo && cd $S/../repo && cp -a $S/. . && git add -A
     git -c user.name=x -c user.email=x@x commit -qm one && cd -
     git clone -q --no-hardlinks $S/../repo clone && cd clone && git fsck --full
     test -z "$(git status --porcelain)"
     echo more >> empty && test "$(git status --porcelain)" = ' M empty'
     git -c user.name=x -c user.email=x@x commit -qam two && git gc -q && git fsck --full
     git checkout -q HEAD~1 && test ! -s empty`,
  );

  works(
    'rsync -a twice',
    `rsync -a $S/ copy && test -z "$(rsync -ai --delete $S/ copy)"
     diff -r --no-dereference $S copy && test -z "$(rsync -aci --delete $S/ copy)"
     rm copy/a/c/f7 && echo y > copy/extra && rsync -a --delete $S/ copy && diff -r --no-dereference $S copy`,
  );

  works(
    'tar out and in',
    `tar -C $S -cf in.tar . && mkdir t && tar -C t -xpf in.tar && tar -C t --compare -f in.tar
     tar -C t -cf out.tar . && mkdir u && tar -C u -xpf out.tar && diff -r --no-dereference $S u`,
  );

  works(
    'cp -a, and times of all',
    `cp -a $S copy && diff -r --no-dereference $S copy
     list() { (cd "$1"; find . -printf '%p %m %Ts %l\\n' | sort); }
     diff <(list $S) <(list copy)
     cp -a copy again && diff <(list $S) <(list again)`,
  );

  works(
    'sqlite3 with both journals',
    `for mode in delete wal; do
       sqlite3 $mode.db "pragma journal_mode=$mode" 'create table t(x)' > /dev/null
       for i in 1 2 3; do (for j in $(seq 20); do
         sqlite3 -cmd '.timeout 60000' $mode.db "insert into t values(randomblob(1000))"; done) & done
       wait
       test "$(sqlite3 $mode.db 'select count(*) from t; pragma integrity_check')" = $'60\\nok'
     done`,
  );

  works(
    'mappings, shared and written',
    `python3 - <<'END'
import mmap, os
with open('m', 'wb') as f: f.write(b'a' * 1000000)
with open('m', 'r+b') as f:
    m = mmap.mmap(f.fileno(), 0)
    m[500000:500005] = b'hello'; m[999999:1000000] = b'!'
    m.flush(); m.close()
with open('m', 'rb') as f: d = f.read()
assert len(d) == 1000000 and d[500000:500005] == b'hello' and d[-1:] == b'!' and d[:3] == b'aaa'
with open('m', 'a+b') as f:
    m = mmap.mmap(f.fileno(), 0); m[0:3] = b'xyz'; f.write(b'tail'); f.flush(); m.close()
d = open('m', 'rb').read()
assert d[:4] == b'xyza' and d[-4:] == b'tail' and len(d) == 1000004, (d[:4], d[-4:], len(d))
END`,
  );

  works(
    'holes and sizes beyond 4 GiB',
    `truncate -s 5G s && test "$(stat -c %s s)" = 5368709120
     printf end | dd of=s bs=1 seek=5368709117 conv=notrunc status=none && test "$(tail -c 5 s | tr '\\0' .)" = ..end
     fallocate -p -o 5368709110 -l 8 s && test "$(tail -c 5 s | tr '\\0' .)" = ...nd
     fallocate -l 100 f && test "$(stat -c %s f)" = 100 && fallocate -n -l 500 f && test "$(stat -c %s f)" = 100
     truncate -s 3 s && test "$(tr '\\0' . < s)" = ...`,
  );

  works(
    'names removed from open files',
    `exec 3<> f; echo one >&3; rm f; echo two >&3; test "$(cat /dev/fd/3 < /dev/fd/3 || true)" = "$(printf 'one\\ntwo')"
     test "$(stat -L -c %h /dev/fd/3)" = 0; exec 3>&-
     echo old > g; exec 4< g; echo new > h; mv h g; test "$(cat <&4) $(cat g)" = 'old new'
     mkdir d; cd d; rmdir ../d; ! ls x 2>/dev/null; cd ..
     exec 5<> k; echo one >&5; rm k; echo two >> /proc/self/fd/5; test "$(cat /proc/self/fd/5)" = "$(printf 'one\\ntwo')"`,
  );

  works(
    'renameat2, O_APPEND, O_DIRECT, locks',
    `python3 - <<'END'
import ctypes, os, fcntl, mmap
libc = ctypes.CDLL(None, use_errno=True)
def rename2(a, b, flags):
    r = libc.renameat2(-100, a.encode(), -100, b.encode(), flags)
    return ctypes.get_errno() if r else 0
open('a', 'w').write('a'); open('b', 'w').write('b')
assert rename2('a', 'b', 1) == 17
assert rename2('a', 'b', 2) == 0 and open('a').read() == 'b' and open('b').read() == 'a'
assert rename2('a', 'c', 1) == 0 and not os.path.exists('a')
f, g = os.open('p', os.O_WRONLY | os.O_APPEND | os.O_CREAT), os.open('p', os.O_WRONLY | os.O_APPEND)
for i in range(50): os.write(f, b'x'); os.write(g, b'y')
assert open('p').read() == 'xy' * 50
d = os.open('d', os.O_RDWR | os.O_CREAT | os.O_DIRECT)
m = mmap.mmap(-1, 1 << 20); m[:] = bytes(range(256)) * 4096
assert os.writev(d, [m]) == 1 << 20
n = mmap.mmap(-1, 1 << 20)
assert os.preadv(d, [n], 0) == 1 << 20 and n[:] == m[:]
assert open('d', 'rb').read() == m[:]
l = open('l', 'w'); fcntl.flock(l, fcntl.LOCK_EX)
if os.fork() == 0:
    try: fcntl.flock(open('l', 'w'), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError: os._exit(0)
    os._exit(1)
assert os.wait()[1] == 0
fcntl.lockf(l, fcntl.LOCK_EX)
if os.fork() == 0:
    try: fcntl.lockf(open('l', 'w'), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError): os._exit(0)
    os._exit(1)
assert os.wait()[1] == 0
try: os.link('l', 'm')
except PermissionError: pass
else: raise AssertionError
os.utime('l', ns=(1_000_000_001_234_567_000, 1_500_000_007_654_321_000))
assert os.stat('l').st_mtime_ns == 1_500_000_007_654_321_000 and os.stat('l').st_atime_ns == 1_000_000_001_234_567_000
END`,
  );

  works(
    'a folder of ten thousand names, listed while it is emptied',
    `mkdir many; cd many; seq 10000 | xargs touch; test "$(ls | wc -l)" = 10000
     test "$(ls -U | sort -u | wc -l)" = 10000; test "$(find . -type f | wc -l)" = 10000; cd ..; rm -rf many; test ! -e many`,
  );

  works(
    'owners of archives, unpacked and copied by root',
    `mkdir o; echo x > o/f; chmod 640 o/f; tar -C o --owner=1234 --group=1234 -cf o.tar f; mkdir p
     tar -C p --same-owner -xpf o.tar; test "$(stat -c '%u %a' p/f)" = "$(id -u) 640"; chown "$(id -u)" p/f
     cp -a $S/empty q; rsync -a --chown=1234:1234 o/ r; cmp o/f r/f; sync .; sync p/f`,
  );

  works(
    'copy_file_range, and cp over existing files',
    `head -c 40000000 /dev/urandom > a; cp a b; cmp a b; cp --reflink=never --sparse=always a c; cmp a c
     python3 -c "import os; i=os.open('a',0); o=os.open('d',66); print(os.copy_file_range(i,o,1000000,5,7))"; cmp -n 1000000 a d 5 7`,
  );

  t.test('no error was logged', async (t) => void t.equal(mount.errors, ''));
}
