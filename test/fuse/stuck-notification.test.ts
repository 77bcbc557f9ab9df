import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { endMounts } from '../../src/fuse/connection.ts';
import { readMounts } from '../../src/fuse/mount-table.ts';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { FuseProcess } from '../helpers/fuse-process.ts';

const skip = withoutFuse();
t.setTimeout(500_000);

/**
 * A pending request holds a folder's lock in the kernel, while a thread of the serving process waits for that lock,
 * uninterruptibly, because it sends a notification about a name in this folder.
 */
async function stuck(t: Test): Promise<{ mount: FuseProcess; caller: ChildProcess }> {
  const mount = await FuseProcess.start({ slow: true });
  t.teardown(() => mount.stop());
  await mount.order('stall', '', 'mkdir');
  const caller = spawn('mkdir', [join(mount.dir, 'new')], { stdio: 'ignore' });
  t.teardown(() => caller.kill('SIGKILL'));
  await until(async () => (await mount.order('pending')) === 1, 'the request is waiting');
  await mount.order('write', 'other', 'from elsewhere');
  await until(() => states(mount).includes('D'), 'the notification is waiting');
  return { mount, caller };
}

/** The state of each thread of the process, as one letter of proc(5). */
function states({ child: { pid } }: FuseProcess): string {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.map((id) => /\) (\w)/.exec(readFileSync(`/proc/${pid}/task/${id}/stat`, 'utf8'))?.[1]).join('');
}

async function until(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 20_000; !(await holds()); await sleep(20)) {
    if (Date.now() > end) throw new Error(`waited in vain until ${what}`);
  }
}

async function isMounted(dir: string): Promise<boolean> {
  return (await readMounts()).some((mount) => mount.dir === dir);
}

t.test('a mount whose killed process cannot end is ended by another process', { skip }, async (t) => {
  const { mount, caller } = await stuck(t);
  const ends = [once(mount.child, 'exit'), once(caller, 'exit')];
  mount.child.kill('SIGKILL');
  await sleep(500);
  t.match(states(mount), /Z.*D/, 'a thread of the dead process is left');
  t.ok(await isMounted(mount.dir));
  t.match(await endMounts(({ dir }) => dir === mount.dir), [{ dir: mount.dir }]);
  await Promise.all(ends);
  t.equal(caller.exitCode, 1);
  t.notOk(await isMounted(mount.dir));
});

t.test('an aborted mount ends although a notification is blocked', { skip }, async (t) => {
  const { mount, caller } = await stuck(t);
  const ends = [once(mount.child, 'exit'), once(caller, 'exit')];
  void mount.order('abort').catch(() => {});
  await Promise.all(ends);
  t.equal(mount.child.exitCode, 0);
  t.equal(caller.exitCode, 1);
  t.notOk(await isMounted(mount.dir));
});

t.test('so does a lazily unmounted one', { skip }, async (t) => {
  const { mount, caller } = await stuck(t);
  const ends = [once(mount.child, 'exit'), once(caller, 'exit')];
  void mount.order('unmount', '', 'lazy').catch(() => {});
  await Promise.all(ends);
  t.equal(mount.child.exitCode, 0);
  t.notOk(await isMounted(mount.dir));
});
