import { createRequire } from 'node:module';
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { davAsk } from '../helpers/dav-ask.ts';
import { Fjord, startFjord, type FjordOptions } from '../helpers/gateway-process.ts';
import { isDead, isMounted, shell } from '../helpers/mount-shell.ts';
import { mountFolder } from '../helpers/mounted-fjord.ts';
import { runScript, tryCommand } from '../helpers/run-command.ts';
import { temporary } from '../helpers/temporary.ts';

const skip = withoutFuse();

/** Why fuse-native cannot be used here, if it cannot. */
function withoutNative(): string | false {
  try {
    createRequire(import.meta.url)('fuse-native');
    return false;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

t.setTimeout(500_000);

/** A data folder; whatever is mounted in it after the test is unmounted. */
function dataFolder(t: Test): string {
  const data = temporary(t);
  t.teardown(async () => {
    while ((await tryCommand('umount', ['-l', join(data, 'mount')], { timeout: 20_000 })).code === 0);
  });
  return data;
}

async function startUsual(t: Test, options: FjordOptions = {}): Promise<{ fjord: Fjord; dir: string }> {
  const data = dataFolder(t);
  return { fjord: await startFjord(t, { ...options, data, fuse: true }), dir: join(data, 'mount') };
}

async function until(t: Test, what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 120_000; !(await holds()); await sleep(100)) {
    if (Date.now() > end) return void t.fail(`timed out waiting until ${what}`);
  }
  t.pass(what);
}

/** The mount in the output of `fjord status`. */
async function mountOf(fjord: Fjord): Promise<{ mount: string | null; mountProblem?: { reason: string } }> {
  return JSON.parse((await fjord.cli('status', '--json')).stdout) as { mount: string | null };
}

t.test('it is mounted in its data folder by default', { skip }, async (t) => {
  const { fjord, dir } = await startUsual(t);
  t.equal(fjord.access.mount, dir);
  t.match(fjord.output, `mounted on     ${dir}`);
  t.match(fjord.output, /The drive {6}http:/);
  await shell(t, dir, 'test "$(ls)" = $\'Archive\\nBackup\\nSync\'; echo x > Sync/x');
  t.equal((await davAsk(fjord, 'GET', 'Sync/x')).status, 200, 'both doors serve the same drive');

  for (const pid of [fjord.access.pid, fjord.access.gateway.pid]) process.kill(pid, 'SIGKILL');
  await fjord.killAll();
  t.ok(await isDead(dir), 'the dead mount is still there');
  await fjord.start();
  t.equal(fjord.access.mount, dir);
  await shell(t, dir, 'test "$(cat Sync/x)" = x');
  t.equal(await fjord.stop(), 0);
  t.notOk(await isMounted(dir));
  t.same(readdirSync(dir), []);
});

t.test('a mount that ends is made again, unless it was unmounted', { skip }, async (t) => {
  const { fjord, dir } = await startUsual(t);
  const mounted = async (): Promise<boolean> => (await mountOf(fjord)).mount === dir && (await isMounted(dir));

  const abort = `
    mountpoint -q /sys/fs/fuse/connections || mount -t fusectl none /sys/fs/fuse/connections
    minor=$(awk -v dir='${dir}' '$5 == dir { split($3, device, ":"); print device[2] }' /proc/self/mountinfo)
    echo 1 > /sys/fs/fuse/connections/$minor/abort`;
  await runScript(`unshare --mount bash -euc '${abort.replaceAll("'", String.raw`'\''`)}'`, '/');
  await until(t, 'an aborted mount is back', async () => fjord.output.includes('aborted') && (await mounted()));
  await shell(t, dir, 'echo x > Sync/x');

  await shell(t, '/', `exec 3> ${dir}/Sync/held; umount -l ${dir}; sleep 10; echo kept >&3; exec 3>&-`);
  await until(
    t,
    'one that was detached while in use is back',
    async () => fjord.output.includes('was detached') && (await mounted()),
  );
  await shell(t, dir, 'until test "$(cat Sync/held)" = kept; do sleep 0.2; done; test "$(cat Sync/x)" = x');

  await shell(t, '/', `umount ${dir}`);
  await until(t, 'it reports that another program unmounted it', async () =>
    /by another program/.test((await mountOf(fjord)).mountProblem?.reason ?? ''),
  );
  await fjord.killGateway();
  await fjord.gatewayBack();
  t.equal(fjord.access.mount, null, 'an unmounted drive stays unmounted');
  t.notOk(await isMounted(dir));
  t.equal((await fjord.cli('mount', dir)).code, 0);
  await shell(t, dir, 'test "$(cat Sync/held)" = kept');
});

t.test('without a mount the drive is served over WebDAV, and the reason is reported', { skip }, async (t) => {
  const data = dataFolder(t);
  const dir = join(data, 'mount');
  mkdirSync(dir);
  writeFileSync(join(dir, 'mine'), '');
  const fjord = await startFjord(t, { data, fuse: true });
  t.equal(fjord.access.mount, null);
  t.match(fjord.output, `the drive is not mounted on ${dir}: the folder is not empty`);
  t.equal((await davAsk(fjord, 'PUT', 'Sync/x', { body: 'x' })).status, 201);
  t.match((await fjord.cli('status')).stdout, /mount {6}not on .*not empty.*`fjord mount .*` tries again/);
  t.match(await fjord.cli('mount', dir), { code: 6, stderr: /not empty/ });
  rmSync(join(dir, 'mine'));
  t.equal((await fjord.cli('mount', dir)).code, 0);
  t.match(await mountOf(fjord), { mount: dir, mountProblem: undefined });
});

t.test('if the drive cannot be mounted on a named folder, this is reported in capitals', { skip }, async (t) => {
  const dir = await mountFolder(t);
  writeFileSync(join(dir, 'mine'), '');
  t.teardown(() => rmSync(join(dir, 'mine')));
  const fjord = await startFjord(t, { args: ['--mount', dir] });
  t.equal(fjord.access.mount, null);
  t.match(fjord.output, `THE DRIVE IS NOT MOUNTED on ${dir}: the folder is not empty`);
  t.match((await mountOf(fjord)).mountProblem, { reason: /not empty/ });
});

t.test('the other driver does the same', { skip: skip || withoutNative() }, async (t) => {
  const { fjord, dir } = await startUsual(t, { args: ['--fuse-driver', 'native'] });
  t.equal(fjord.access.mount, dir);
  await shell(t, dir, 'test "$(ls)" = $\'Archive\\nBackup\\nSync\'; echo x > Sync/x; test "$(cat Sync/x)" = x');
  t.equal((await davAsk(fjord, 'GET', 'Sync/x')).status, 200);
  await fjord.killGateway();
  await fjord.gatewayBack();
  t.equal(fjord.access.mount, dir);
  await shell(t, dir, 'test "$(cat Sync/x)" = x');
  t.equal((await fjord.cli('unmount')).code, 0);
  t.notOk(await isMounted(dir));
  t.equal((await fjord.cli('mount', '--fuse-driver', 'kernel', dir)).code, 0);
  await shell(t, dir, 'test "$(cat Sync/x)" = x');
  t.equal(await fjord.stop(), 0);
  t.notOk(await isMounted(dir));
});

t.test("a folder inside one of Fjord's own, and no folder", { skip }, async (t) => {
  const data = dataFolder(t);
  for (const folder of ['gateway', 'cloud/deeper', '.']) {
    const other = new Fjord({ data, args: ['--port', '0', '--mount', join(data, folder)] });
    await t.rejects(other.start(), { message: /one of Fjord's own folders/ });
    t.equal(await other.ended(), 2, folder);
  }
  t.notOk(existsSync(join(data, 'cloud')), 'nothing was made');
  const fjord = await startFjord(t, { data, args: ['--no-fuse'] });
  t.equal(fjord.access.mount, null);
  t.notMatch(fjord.output, /mounted/);
  t.notOk(existsSync(join(data, 'mount')));
});
