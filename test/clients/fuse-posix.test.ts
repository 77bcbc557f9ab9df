import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { shell } from '../helpers/mount-shell.ts';
import { startMounted } from '../helpers/mounted-fjord.ts';
import { runCommand } from '../helpers/run-command.ts';
import { temporary } from '../helpers/temporary.ts';

const skip = withoutFuse();
t.setTimeout(500_000);

const script = join(import.meta.dirname, '../helpers/posix-cases.py');

/** Cases in which the mount differs, with its result and the reason (docs/decisions/062-limits-of-the-fuse-door.md). */
const DIFFERENT: Readonly<Record<string, string>> = {};

async function results(dir: string, ...args: string[]): Promise<Map<string, string>> {
  mkdirSync(dir);
  const lines = (await runCommand('python3', [script, dir, ...args], { cwd: '/', timeout: 120_000 })).split('\n');
  return new Map(lines.filter((line) => line !== '').map((line) => line.split(/: (.*)/s) as [string, string]));
}

for (const xattr of [true, false]) {
  const how = xattr ? ['xattr'] : [];
  t.test(
    `system calls have the same results as on a local disk${xattr ? ', with extended attributes' : ''}`,
    { skip },
    async (t) => {
      const { dir } = await startMounted(t, { args: xattr ? ['--xattr'] : [] });
      const local = await results(join(temporary(t), 'cases'), ...how);
      const mounted = await results(join(dir, 'Sync/cases'), ...how);
      for (const [name, expected] of local) t.equal(mounted.get(name), DIFFERENT[name] ?? expected, name);
    },
  );
}

t.test('attributes are copied inside the mount', { skip }, async (t) => {
  const { dir } = await startMounted(t, { args: ['--xattr'] });
  await shell(
    t,
    join(dir, 'Sync'),
    `mkdir a; echo text > a/f
     python3 -c "import os; os.setxattr('a/f', 'user.mine', b'1'); os.setxattr('a', 'user.theirs', b'2')"
     cp --preserve=xattr a/f f; cp -a a b; rsync -aX a/ c/
     python3 -c "import os
for f in ('f', 'b/f', 'c/f'):
    assert os.getxattr(f, 'user.mine') == b'1' and os.listxattr(f) == ['user.mine'], f
    assert os.getxattr(f, 'user.fjord.state') != b''
assert os.getxattr('b', 'user.theirs') == b'2'"`,
  );
});

t.test('file handles are refused, as they could become stale', { skip }, async (t) => {
  const { dir } = await startMounted(t);
  const code = `import ctypes, errno, sys
libc = ctypes.CDLL(None, use_errno=True); handle = (ctypes.c_uint * 40)(128); mount = ctypes.c_int()
print(libc.name_to_handle_at(-100, sys.argv[1].encode(), handle, ctypes.byref(mount), 0), errno.errorcode.get(ctypes.get_errno()))`;
  t.equal(
    await runCommand('python3', ['-c', code, join(dir, 'Sync')], { cwd: '/' }),
    '-1 ENOTSUP\n',
    'EOPNOTSUPP is the same number',
  );
});
