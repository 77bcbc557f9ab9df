import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { readMounts } from '../../src/fuse/mount-table.ts';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { FuseProcess } from '../helpers/fuse-process.ts';
import { runCommand, tryCommand } from '../helpers/run-command.ts';

t.setTimeout(500_000);

const skip = withoutFuse();

t.test('a reader without a response is freed by a signal', { skip }, async (t) => {
  const mount = await FuseProcess.start({ slow: true });
  t.teardown(() => mount.stop());
  await writeFile(join(mount.dir, 'f'), 'content');
  await mount.order('stall', '', 'read');
  const cat = spawn('cat', [join(mount.dir, 'f')], { stdio: 'ignore' });
  await new Promise((resolve) => setTimeout(resolve, 300));
  t.equal(cat.exitCode, null, 'it waits');
  const start = performance.now();
  cat.kill('SIGINT');
  await once(cat, 'exit');
  t.equal(cat.signalCode, 'SIGINT');
  t.ok(performance.now() - start < 20_000);
  await mount.order('stall');
  t.equal(await runCommand('cat', [join(mount.dir, 'f')], { timeout: 20_000 }), 'content', 'all goes on');
});

t.test('a read that takes too long ends with EIO', { skip }, async (t) => {
  const mount = await FuseProcess.start({ slow: true, timeout: 500 });
  t.teardown(() => mount.stop());
  await writeFile(join(mount.dir, 'f'), 'content');
  await mount.order('stall', '', 'read');
  const { code, errors } = await tryCommand('cat', [join(mount.dir, 'f')], { timeout: 30_000 });
  t.equal(code, 1);
  t.match(errors, 'Input/output error');
  await mount.order('stall');
  t.equal(await runCommand('cat', [join(mount.dir, 'f')], { timeout: 20_000 }), 'content', 'all goes on');
});

t.test('unmounting is refused while the mount is in use, except lazily', { skip }, async (t) => {
  const mount = await FuseProcess.start();
  t.teardown(() => mount.stop());
  const inside = spawn('sleep', ['60'], { cwd: mount.dir, stdio: 'ignore' });
  t.teardown(() => inside.kill('SIGKILL'));
  await t.rejects(mount.order('unmount'), { message: /EBUSY/ });
  t.equal((await readMounts()).filter(({ dir }) => dir === mount.dir).length, 1);
  const gone = once(mount.child, 'exit');
  void mount.order('unmount', '', 'lazy');
  inside.kill('SIGKILL');
  await gone;
  t.equal(mount.child.exitCode, 0);
  t.equal((await readMounts()).filter(({ dir }) => dir === mount.dir).length, 0);
});

t.test('unmounting ends although a process in another namespace uses the mount', { skip }, async (t) => {
  const mount = await FuseProcess.start();
  t.teardown(() => mount.stop());
  await writeFile(join(mount.dir, 'f'), 'x');
  const holder = spawn('unshare', ['--mount', 'sleep', '60'], { cwd: mount.dir, stdio: 'ignore' });
  t.teardown(() => holder.kill('SIGKILL'));
  await once(holder, 'spawn');
  const gone = once(mount.child, 'exit');
  void mount.order('unmount', '', 'lazy');
  await gone;
  t.equal(mount.child.exitCode, 0);
  t.equal(holder.exitCode, null, 'it is still using the mount');
});

t.test('unmounting while requests are pending', { skip }, async (t) => {
  const mount = await FuseProcess.start({ slow: true });
  t.teardown(() => mount.stop());
  await writeFile(join(mount.dir, 'f'), 'content');
  await mount.order('stall', '', 'read');
  const cat = spawn('cat', [join(mount.dir, 'f')], { stdio: 'ignore' });
  await new Promise((resolve) => setTimeout(resolve, 200));
  void mount.order('unmount', '', 'lazy').catch(() => {});
  const ended = once(cat, 'exit');
  cat.kill('SIGKILL');
  await ended;
  await mount.stop();
  t.equal((await readMounts()).filter(({ dir }) => dir === mount.dir).length, 0);
});

t.test('aborting frees waiting callers, and leaves no dead mount', { skip }, async (t) => {
  const mount = await FuseProcess.start({ slow: true });
  t.teardown(() => mount.stop());
  await writeFile(join(mount.dir, 'f'), 'content');
  await mount.order('stall', '', 'read');
  const waiting = tryCommand('cat', [join(mount.dir, 'f')], { timeout: 30_000 });
  await new Promise((resolve) => setTimeout(resolve, 200));
  const gone = once(mount.child, 'exit');
  void mount.order('abort').catch(() => {});
  const { code, errors } = await waiting;
  t.equal(code, 1);
  t.match(errors, /abort|not connected/);
  await gone;
  t.equal((await readMounts()).filter(({ dir }) => dir === mount.dir).length, 0);
});

t.test('the mount of a killed process is removed at the next start', { skip }, async (t) => {
  const first = await FuseProcess.start();
  t.teardown(() => first.stop());
  await writeFile(join(first.dir, 'f'), 'x');
  const died = once(first.child, 'exit');
  void first.order('die');
  await died;
  const { errors } = await tryCommand('ls', [first.dir], { timeout: 20_000 });
  t.match(errors, 'not connected');
  const second = await FuseProcess.start({}, first.dir);
  t.teardown(() => second.stop());
  await runCommand('ls', ['-la', first.dir], { timeout: 20_000 });
  t.equal((await readMounts()).filter(({ dir }) => dir === first.dir).length, 1);
});

t.test('a folder with a live mount is refused', { skip }, async (t) => {
  const first = await FuseProcess.start();
  t.teardown(() => first.stop());
  await t.rejects(FuseProcess.start({}, first.dir), { message: /EBUSY[\s\S]*already mounted there/ });
  await runCommand('ls', ['-la', first.dir], { timeout: 20_000 });
});

t.test('a folder that does not exist is refused with a reason', { skip }, async (t) => {
  await t.rejects(FuseProcess.start({}, '/nonexistent/fjord'), { message: /ENOENT/ });
});

t.test('umount by another program ends the process cleanly', { skip }, async (t) => {
  const mount = await FuseProcess.start();
  t.teardown(() => mount.stop());
  await writeFile(join(mount.dir, 'f'), 'x');
  const gone = once(mount.child, 'exit');
  await runCommand('umount', [mount.dir]);
  await gone;
  t.equal(mount.child.exitCode, 0);
});

t.test('extended attributes', { skip }, async (t) => {
  const script = `import os, errno
def code(f, *a):
    try: f(*a)
    except OSError as e: return errno.errorcode[e.errno]
open('f', 'w').close(); os.mkdir('d')`;
  const run = async (mount: FuseProcess, body: string): Promise<void> => {
    await runCommand('python3', ['-c', `${script}\n${body}`], { cwd: mount.dir, timeout: 30_000 });
    t.pass();
  };
  const without = await FuseProcess.start();
  t.teardown(() => without.stop());
  await run(
    without,
    `assert code(os.setxattr, 'f', 'user.a', b'1') == 'ENOTSUP', code(os.setxattr, 'f', 'user.a', b'1')`,
  );
  const served = await FuseProcess.start({ xattr: true });
  t.teardown(() => served.stop());
  await run(
    served,
    `
for n in 'fd':
    os.setxattr(n, 'user.a', b'\\0bin\\xff'); os.setxattr(n, 'user.b', b'')
    assert os.getxattr(n, 'user.a') == b'\\0bin\\xff' and os.getxattr(n, 'user.b') == b''
    assert sorted(os.listxattr(n)) == ['user.a', 'user.b']
    assert code(os.setxattr, n, 'user.a', b'x', os.XATTR_CREATE) == 'EEXIST'
    assert code(os.setxattr, n, 'user.c', b'x', os.XATTR_REPLACE) == 'ENODATA'
    assert code(os.getxattr, n, 'user.c') == 'ENODATA' and code(os.removexattr, n, 'user.c') == 'ENODATA'
    assert code(os.setxattr, n, 'trusted.x', b'1') == 'ENOTSUP'
    os.removexattr(n, 'user.a'); assert os.listxattr(n) == ['user.b']
    os.setxattr(n, 'user.big', b'y' * 30000); assert os.getxattr(n, 'user.big') == b'y' * 30000`,
  );
});
