import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { mountFolder, startMounted } from '../helpers/mounted-fjord.ts';
import { type Fjord, startFjord } from '../helpers/gateway-process.ts';
import { isDead, isMounted, shell } from '../helpers/mount-shell.ts';
import { tryCommand } from '../helpers/run-command.ts';
import { makeTree } from './tree.ts';

const skip = withoutFuse();

t.setTimeout(500_000);

async function inCloud(fjord: Fjord, path: string): Promise<string | undefined> {
  const content = await (await fjord.cloudTree('Sync')).get(path)?.();
  return content?.toString();
}

t.test('programs work in the mounted drive, and their files reach the cloud', { skip }, async (t) => {
  const source = t.testdir({ tree: {}, home: {} });
  const tree = join(source, 'tree');
  await makeTree(tree, { links: true });
  const { fjord, dir } = await startMounted(t);
  const sync = join(dir, 'Sync');
  const env = { S: source, HOME: join(source, 'home') };

  t.equal(fjord.access.mount, dir);
  t.match((await fjord.cli('status')).stdout, `mount      ${dir}`);
  t.equal(await shell(t, dir, 'ls'), 'Archive\nBackup\nSync\n');
  t.equal(await shell(t, sync, 'echo hello > a; cat a; echo more >> a; cat a'), 'hello\nhello\nmore\n');
  const line = await shell(t, dir, 'df --output=source,size -B1 . | tail -1');
  t.match(line, new RegExp(`^${fjord.data} +[1-9]\\d+\n$`), 'the data folder and the quota are shown');
  await shell(t, sync, 'cp -a "$S/tree" copy; diff -r --no-dereference "$S/tree" copy', env);
  await shell(
    t,
    sync,
    `git init -q "$S/repo"; cp -a "$S/tree/." "$S/repo"; cd "$S/repo"; git add -A
     git -c user.name=x -c user.email=x@x commit -qm one; cd - > /dev/null
     git clone -q --no-hardlinks "$S/repo" clone; cd clone; git fsck --full --strict
     test -z "$(git status --porcelain)"; echo more >> .hidden; test "$(git status --porcelain)" = ' M .hidden'`,
    env,
  );
  const sql = await shell(
    t,
    sync,
    `sqlite3 base.db 'pragma journal_mode=wal; create table t(x); begin;
       insert into t with recursive n(i) as (select 1 union all select i+1 from n where i<5000) select i from n; commit;'
     sqlite3 base.db 'select sum(x) from t; pragma integrity_check;'`,
  );
  t.equal(sql, 'wal\n12502500\nok\n');
  await shell(t, sync, 'echo new > x; echo old > y; mv x y; test "$(cat y)" = new; test ! -e x');
  await shell(t, sync, 'echo kept > u; exec 3< u; rm u; test ! -e u; test "$(cat <&3)" = kept');

  const flushed = await fjord.cli('flush');
  t.equal(flushed.code, 0, flushed.stderr);
  t.equal(await inCloud(fjord, 'a'), 'hello\nmore\n');
  t.equal(await inCloud(fjord, 'y'), 'new\n');
  t.equal((await fjord.cli('cat', '/Sync/copy/deep/small-9')).code, 0);
  const cloud = await fjord.cloudTree('Sync');
  const bytes = await cloud.get('copy/deep/er/and deeper/leaf.bin')?.();
  t.equal(bytes?.length, 3_500_000);
  t.notOk(cloud.has('u'), 'what was removed is not there');
  t.equal((await fjord.cli('backup', 'add', sync)).code, 2, 'the drive cannot be mirrored into itself');
  t.match(fjord.output, `mounted on     ${dir}`);
});

t.test('the folders keep their rules', { skip }, async (t) => {
  const { fjord, dir } = await startMounted(t, { env: { FJORD_ARCHIVE_SETTLE: '1 s' } });
  const refuses = async (script: string, reason: RegExp): Promise<void> => {
    const { code, errors } = await tryCommand('bash', ['-c', script], { cwd: dir, timeout: 60_000 });
    t.not(code, 0, script);
    t.match(errors, reason, script);
  };
  await refuses('echo x > Backup/x', /Read-only file system/);
  await refuses('mkdir top', /Read-only file system/);
  await shell(t, dir, 'echo sealed > Archive/letter');
  t.equal((await fjord.cli('flush')).code, 0);
  await refuses('echo more >> Archive/letter', /Operation not permitted/);
  await refuses('rm Archive/letter', /Operation not permitted/);
  t.equal((await fjord.cli('get', '/Archive/letter', '-')).stdout, 'sealed\n');
});

t.test('a gateway that is killed is mounted again with everything in it', { skip }, async (t) => {
  const { fjord, dir } = await startMounted(t);
  const sync = join(dir, 'Sync');
  await shell(t, sync, 'mkdir d; for i in $(seq 300); do echo "$i" > d/f$i; done; sha256sum d/* > sums; sync sums');
  await fjord.killGateway();
  await fjord.gatewayBack();
  t.equal(fjord.access.mount, dir);
  await shell(t, sync, 'sha256sum --quiet -c sums; test "$(ls d | wc -l)" = 300; echo again > d/f1');
  t.equal((await fjord.cli('flush')).code, 0);
  t.equal(await inCloud(fjord, 'd/f1'), 'again\n');

  for (const pid of [fjord.access.pid, fjord.access.gateway.pid]) process.kill(pid, 'SIGKILL');
  await fjord.killAll();
  t.ok(await isDead(dir), 'the dead mount is still there');
  await fjord.start();
  await shell(t, sync, 'test "$(cat d/f1)" = again');
  t.equal(await fjord.stop(), 0);
  t.notOk(await isMounted(dir), 'it is unmounted after a clean stop');
  t.notOk(existsSync(join(fjord.data, 'mount.json')));
});

t.test('it is mounted and unmounted while it runs', { skip }, async (t) => {
  const dir = await mountFolder(t);
  const fjord = await startFjord(t);
  t.equal(fjord.access.mount, null);
  t.match(await fjord.cli('unmount'), { code: 4, stderr: /not mounted/ });
  for (const folder of ['gateway', '.', 'gateway/in', 'cloud']) {
    const { code, stderr } = await fjord.cli('mount', join(fjord.data, folder));
    t.match({ code, stderr }, { code: 2, stderr: /one of Fjord's own folders/ }, folder);
  }
  t.match(await fjord.cli('mount', import.meta.dirname), { code: 6, stderr: /not empty/ });

  t.match(await fjord.cli('mount', dir), { code: 0, stderr: `the drive is mounted on ${dir}` });
  await shell(t, dir, 'echo x > Sync/x');
  t.match(await fjord.cli('mount', dir), { code: 6, stderr: /fjord unmount/ });
  await fjord.killGateway();
  await fjord.gatewayBack();
  t.equal(fjord.access.mount, dir, 'the next gateway mounts it, too');
  await shell(t, dir, 'test "$(cat Sync/x)" = x');
  t.match(await fjord.cliWith({}, 'unmount'), { code: 0, stderr: /unmounted/ });
  t.notOk(await isMounted(dir));
  t.match((await fjord.cli('status', '--json')).stdout, /"mount": null/);
});
