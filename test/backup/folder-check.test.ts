import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { checkFolder, checkMountPlace } from '../../src/backup/folder-check.ts';
import { temporary } from '../helpers/temporary.ts';

t.test('a source is neither inside nor around a taken folder, with links resolved', async (t) => {
  const base = temporary(t);
  for (const name of ['mount/inside', 'mount2', 'free', 'data']) mkdirSync(join(base, name), { recursive: true });
  symlinkSync(join(base, 'mount', 'inside'), join(base, 'link'));
  writeFileSync(join(base, 'file'), '');
  const others = [
    { what: 'the drive', path: join(base, 'mount') },
    { what: "the gateway's data", path: join(base, 'data') },
    { what: 'a disk that is not there', path: join(base, 'absent') },
  ];
  const check = async (name: string) => checkFolder(join(base, name), others);
  t.equal(await check('free'), join(base, 'free'));
  t.equal(
    await check('mount2'),
    join(base, 'mount2'),
    'a common prefix of two names does not make one folder contain the other',
  );
  await t.rejects(check('mount'), { code: 'EINVAL', reason: /already is the drive/ });
  await t.rejects(check('mount/inside'), { code: 'EINVAL', reason: /is inside the drive/ });
  await t.rejects(check('link'), { code: 'EINVAL', reason: /is inside the drive/ });
  await t.rejects(check('.'), { code: 'EINVAL', reason: /contains the drive/ });
  await t.rejects(check('nowhere'), { code: 'ENOENT' });
  await t.rejects(check('file'), { code: 'ENOTDIR' });
});

/** Mounts for a test, if that is allowed. */
function mount(t: Test, point: string, ...args: string[]): boolean {
  try {
    execFileSync('mount', [...args, point], { stdio: 'ignore' });
  } catch {
    t.comment('mounting is not allowed here');
    return false;
  }
  t.teardown(() => void execFileSync('umount', ['-l', point]));
  return true;
}

t.test('a bind mount is the folder that it shows, for sets and for mounts, in both orders', async (t) => {
  const base = temporary(t);
  const path = (name: string) => join(base, name);
  for (const name of ['docs/sub', 'seen here', 'around/deep/point', 'free']) mkdirSync(path(name), { recursive: true });
  if (!mount(t, path('seen here'), '--bind', path('docs/sub'))) return;
  if (!mount(t, path('around/deep/point'), '--bind', path('docs'))) return;
  const docs = [{ what: 'the backup set docs', path: path('docs') }];
  const sub = [{ what: 'the backup set sub', path: path('docs/sub') }];
  const bound = [{ what: 'the backup set here', path: path('seen here') }];
  await t.rejects(checkFolder(path('seen here'), docs), { code: 'EINVAL', reason: /is inside the backup set docs/ });
  await t.rejects(checkFolder(path('seen here'), sub), { code: 'EINVAL', reason: /already is the backup set sub/ });
  await t.rejects(checkFolder(path('docs'), bound), { code: 'EINVAL', reason: /contains the backup set here/ });
  await t.rejects(checkFolder(path('docs/sub'), bound), { code: 'EINVAL', reason: /already is the backup set here/ });
  await t.rejects(checkFolder(path('around'), sub), { code: 'EINVAL', reason: /contains the backup set sub/ });
  await t.rejects(checkFolder(path('docs/sub'), [{ what: 'the set around', path: path('around') }]), {
    code: 'EINVAL',
    reason: /is inside the set around/,
  });
  await t.rejects(checkMountPlace(path('seen here/mount'), docs), {
    code: 'EINVAL',
    reason: /is inside the backup set docs/,
  });
  t.equal(await checkFolder(path('free'), [...docs, ...bound]), path('free'));
});

t.test('another spelling of a name is the same folder where the file system says so', async (t) => {
  const base = temporary(t);
  const image = join(base, 'image');
  const disk = join(base, 'disk');
  mkdirSync(disk);
  try {
    execFileSync('sh', ['-c', `truncate -s 16M '${image}' && mkfs.ext4 -q -O casefold -E encoding=utf8 '${image}'`], {
      stdio: 'ignore',
    });
  } catch {
    return t.comment('mkfs.ext4 makes no such file systems here');
  }
  if (!mount(t, disk, '-o', 'loop', image)) return;
  mkdirSync(join(disk, 'any'));
  execFileSync('chattr', ['+F', join(disk, 'any')]);
  mkdirSync(join(disk, 'any', 'Docs', 'sub'), { recursive: true });
  const others = [{ what: 'the backup set docs', path: join(disk, 'any', 'Docs') }];
  await t.rejects(checkFolder(join(disk, 'any', 'DOCS'), others), {
    code: 'EINVAL',
    reason: /already is the backup set docs/,
  });
  await t.rejects(checkFolder(join(disk, 'any', 'docs/SUB'), others), {
    code: 'EINVAL',
    reason: /is inside the backup set docs/,
  });
});
