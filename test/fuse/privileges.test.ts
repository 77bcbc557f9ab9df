import { join } from 'node:path';
import t, { type Test } from 'tap';
import { withoutPrivileges } from '../../src/fuse/privileges.ts';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { FuseProcess } from '../helpers/fuse-process.ts';
import { runCommand } from '../helpers/run-command.ts';

const NOBODY = '65534';
const as = ['--reuid', NOBODY, '--regid', NOBODY, '--clear-groups'];

function missing(): string | false {
  return process.getuid?.() === 0 ? withoutFuse() : 'needs root';
}

t.test('the group’s bit stays where it means mandatory locks', async (t) => {
  t.equal(withoutPrivileges(0o6755), 0o755);
  t.equal(withoutPrivileges(0o6745), 0o2745);
  t.equal(withoutPrivileges(0o1644), 0o1644);
});

async function check(t: Test, passthrough: boolean): Promise<void> {
  const options = { uid: Number(NOBODY), gid: Number(NOBODY), allowOther: true, passthrough };
  const mount = await FuseProcess.start({ files: t.testdir(), ...options });
  t.teardown(() => mount.stop());
  const root = (script: string): Promise<string> => runCommand('bash', ['-euc', script], { cwd: mount.dir });
  const nobody = (script: string): Promise<string> =>
    runCommand('setpriv', [...as, 'bash', '-euc', script], { cwd: mount.dir });
  const modes = async (): Promise<string> => (await root('stat -c %a *')).trim().replaceAll('\n', ' ');
  const prepare = 'rm -f *; for f in a b; do echo content > $f; chmod 6755 $f; done; chmod 6745 b; stat * > /dev/null';

  await root(`${prepare}; echo more >> a; echo other > b`);
  t.equal(await modes(), '6755 6745', 'root writes as root');
  await root(`chown ${NOBODY}:${NOBODY} a b`);
  t.equal(await modes(), '755 2745', 'changing the owner removes them');
  for (const script of ['for f in *; do echo more >> $f; done', 'for f in *; do echo > $f; done', 'truncate -s 1 *']) {
    await root(prepare);
    await nobody(script);
    t.equal(await modes(), '755 2745', script);
  }
  const made = `umask 0; python3 -c 'import os
f = os.open("c", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o4755)
assert os.fstat(f).st_mode & 0o7777 == 0o4755
os.write(f, b"x")
assert os.fstat(f).st_mode & 0o7777 == 0o755'`;
  await root('rm *');
  await nobody(made);
  const removed = `python3 -c 'import os
f = os.open("d", os.O_RDWR | os.O_CREAT, 0o4755); os.chmod("d", 0o4755); os.unlink("d")
assert os.write(f, b"x") == 1 and os.pread(f, 1, 0) == b"x"'`;
  await nobody(removed);
  t.equal(await modes(), '755', 'a new file has them until something is in it');
}

t.test('privileges of a file', { skip: missing() }, (t) => check(t, true));
t.test('privileges of a file without passthrough', { skip: missing() }, (t) => check(t, false));

t.test('a new owner costs one request', { skip: missing() }, async (t) => {
  const mount = await FuseProcess.start();
  t.teardown(() => mount.stop());
  await runCommand('bash', ['-euc', 'echo > a; chmod 755 a'], { cwd: mount.dir });
  await mount.order('count');
  await runCommand('chown', ['0:0', join(mount.dir, 'a')]);
  t.match(await mount.order('count'), { getattr: 1 }, 'which is the result of the request');
});

t.test('if only root can access the mount', { skip: missing() }, async (t) => {
  const mount = await FuseProcess.start();
  t.teardown(() => mount.stop());
  const root = (script: string): Promise<string> => runCommand('bash', ['-euc', script], { cwd: mount.dir });

  await root('ls > /dev/null');
  await mount.order('count');
  await root('for i in {1..20}; do : > $i; done');
  const { create, getattr = 0 } = (await mount.order('count')) as Record<string, number>;
  t.equal(create, 20);
  t.ok(getattr < 5, `a new file does not request the folder's attributes again: ${getattr}`);

  await root(`echo echo said > s; mkdir d; chmod 0 s d; echo echo more >> s; test -r s -a -w s; cat s > /dev/null
    cd d; cd ..; test -x d
    ! test -x s; ! ./s 2> /dev/null
    chmod 1 s; test -x s; ./s | grep -q more`);
  await t.rejects(runCommand('setpriv', [...as, 'ls', mount.dir]), 'others');
});
