import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { withoutFuse } from '../helpers/fuse-available.ts';
import type { Fjord } from '../helpers/gateway-process.ts';
import { startMounted } from '../helpers/mounted-fjord.ts';
import { shell } from '../helpers/mount-shell.ts';
import { runCommand } from '../helpers/run-command.ts';

const skip = withoutFuse();

t.setTimeout(500_000);

/**
 * Changes files as programs do, records the result of `lstat` right after the last `close`, and compares it with later
 * results. `statx` is also called bypassing the kernel's cache.
 */
const SCRIPT = String.raw`
import ctypes, json, mmap, os, struct, subprocess, sys
what, folder, notes = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
FIELDS = ('st_mtime_ns', 'st_ctime_ns', 'st_size', 'st_ino', 'st_mode')
AT_STATX_FORCE_SYNC, BASIC = 0x2000, 0x7ff

def told(path):
    stat = os.lstat(path)
    return [getattr(stat, field) for field in FIELDS]

def asked(path):
    into = ctypes.create_string_buffer(256)
    if libc.statx(-100, path.encode(), AT_STATX_FORCE_SYNC | 0x100, BASIC, into): raise OSError(ctypes.get_errno(), path)
    mode, = struct.unpack_from('H', into.raw, 28)
    ino, size = struct.unpack_from('QQ', into.raw, 32)
    csec, cnsec = struct.unpack_from('qI', into.raw, 96)
    msec, mnsec = struct.unpack_from('qI', into.raw, 112)
    return [msec * 10**9 + mnsec, csec * 10**9 + cnsec, size, ino, mode]

def opened(flags, *steps):
    def change(path):
        fd = os.open(path, flags)
        for step in steps: step(fd)
        os.close(fd)
    return change

def map_and(*ends):
    def step(fd):
        pages = mmap.mmap(fd, 0)
        pages[5:9] = b'mmap'
        for end in ends: getattr(pages, end)()
        pages.close()
    return step

def rename_over(path):
    with open(path + '.new', 'wb') as file: file.write(b'over' * 500)
    os.rename(path + '.new', path)

def replace_by_program(*command):
    return lambda path: subprocess.check_call([*command, path])

def write(data, at=0): return lambda fd: os.pwrite(fd, data, at)
def past(fd): os.utime(fd, (10**9, 10**9))

TRUNC = os.O_WRONLY | os.O_TRUNC
CHANGES = {
    'emptied-and-written': opened(TRUNC, write(b'new' * 1000)),
    'emptied-and-written-large': opened(TRUNC, write(os.urandom(300000))),
    'emptied-written-synced': opened(TRUNC, write(b'new' * 1000), os.fsync),
    'emptied-read-and-written': opened(os.O_RDWR | os.O_TRUNC, write(b'new' * 1000)),
    'emptied': opened(TRUNC),
    'in-part': opened(os.O_RDWR, write(b'part', 10)),
    'appended': opened(os.O_WRONLY | os.O_APPEND, lambda fd: os.write(fd, b'more')),
    'truncated': opened(os.O_RDWR, lambda fd: os.ftruncate(fd, 7)),
    'mapped': opened(os.O_RDWR, map_and()),
    'mapped-and-flushed': opened(os.O_RDWR, map_and('flush')),
    'renamed-over': rename_over,
    'written-then-dated': opened(TRUNC, write(b'new' * 1000), past),
    'dated-then-written': opened(TRUNC, past, write(b'new' * 1000)),
    'opened-twice': opened(TRUNC, write(b'a'), os.dup, write(b'b', 1)),
    'mode': lambda path: os.chmod(path, 0o640),
    'copied-over': replace_by_program('cp', '-p', '/etc/services'),
}

def compare(when, known):
    for path, before in known.items():
        for source in (told, asked):
            now = source(path)
            if now != before:
                print(when, source.__name__, os.path.basename(path), [b - a for a, b in zip(before, now)])

known = {}
if what == 'change':
    os.mkdir(folder)
    for name in CHANGES:
        for i in range(13):
            with open(os.path.join(folder, f'{name}.{i}'), 'wb') as file: file.write(b'old' * 2000)
    for name, change in CHANGES.items():
        for i in range(13):
            path = os.path.join(folder, f'{name}.{i}')
            change(path)
            before = known[path] = told(path)
            with open(path, 'rb') as file: file.read()
            compare('read', {path: before})
    json.dump(known, open(notes, 'w'))
else:
    compare(what, json.load(open(notes)))
`;

for (const passthrough of [true, false]) {
  const mode = passthrough ? 'with passthrough' : 'without passthrough';
  t.test(`the result of lstat after the last close is final, ${mode}`, { skip }, async (t) => {
    const { fjord, dir } = await startMounted(t, { env: { FJORD_FUSE_PASSTHROUGH: String(passthrough) } });
    const home = t.testdir();
    await writeFile(join(home, 'final.py'), SCRIPT);
    const look = async (what: string): Promise<void> => {
      const args = [join(home, 'final.py'), what, join(dir, 'Sync/final'), join(home, 'notes')];
      t.equal(await runCommand('python3', args, { timeout: 120_000 }), '', what);
    };
    await look('change');
    await inCloud(t, fjord);
    await look('in the cloud');
    await fjord.killGateway();
    await fjord.gatewayBack();
    await look('after a kill');
    t.equal(await fjord.stop(), 0);
    await fjord.start();
    await look('after a restart');
  });
}

async function inCloud(t: Test, fjord: Fjord): Promise<void> {
  t.equal((await fjord.cli('flush')).code, 0);
}

t.test('git does not report files that were just added as modified', { skip }, async (t) => {
  const { fjord, dir } = await startMounted(t);
  const home = t.testdir();
  const env = { HOME: home };
  const repository = join(dir, 'Sync/repository');
  await shell(t, join(dir, 'Sync'), 'git init -q repository', env);
  for (let round = 0; round < 3; round++) {
    const out = await shell(
      t,
      repository,
      `for i in $(seq 40); do
         echo ${round} $i > f$i; git add f$i; git diff-files --name-only
         echo ${round} changed $i > f$i; git add -u; git diff-files --name-only
       done`,
      env,
    );
    t.equal(out, '', 'at once');
    await inCloud(t, fjord);
    t.equal(await shell(t, repository, 'cat f* > /dev/null; git diff-files --name-only', env), '', 'in the cloud');
  }
});
