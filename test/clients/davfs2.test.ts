import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Fjord, startFjord } from '../helpers/gateway-process.ts';
import { type Outcome, command } from './command.ts';
import { makeTree } from './tree.ts';

t.setTimeout(500_000);

/** A kernel mount by davfs2. Every access uses `sh` with a time limit, so that a stuck mount cannot block the test. */
async function mount(t: Test, { webdav }: Fjord): Promise<(script: string) => Promise<Outcome>> {
  const dir = await mkdtemp(join(tmpdir(), 'fjord-davfs-'));
  const point = join(dir, 'mount');
  await mkdir(point);
  const secrets = join(dir, 'secrets');
  await writeFile(secrets, `${point} "${webdav.user}" "${webdav.password}"\n`, { mode: 0o600 });
  const config = join(dir, 'davfs2.conf');
  await writeFile(config, `secrets ${secrets}\nask_auth 0\ndelay_upload 0\n`);
  const mounted = await command('mount', ['-t', 'davfs', '-o', `conf=${config}`, webdav.url, point], {
    timeout: 60_000,
  });
  t.equal(mounted.code, 0, mounted.stderr);
  t.teardown(async () => {
    await command('umount', [point], { timeout: 60_000 });
    await command('umount', ['-l', point]);
    await rm(dir, { recursive: true, force: true });
  });
  return (script) => command('sh', ['-euc', script], { cwd: point, timeout: 120_000 });
}

t.test('a kernel mount through davfs2', async (t) => {
  const fjord = await startFjord(t);
  const sh = await mount(t, fjord);
  const tree = t.testdir();
  await makeTree(tree);
  const succeed = async (script: string): Promise<string> => {
    const { code, stdout, stderr } = await sh(script);
    t.equal(code, 0, `${script}: ${stderr}`);
    return stdout;
  };
  // Other clients test listings: davfs2 1.6 returns them in a form that current kernels refuse, with any server.
  await succeed('stat -t Archive Backup Sync');
  await succeed(`cp -r '${tree}' Sync/tree && sync`);
  const compare = `find . -type f -exec cmp {} "$OLDPWD/Sync/tree/{}" \\;`;
  t.equal(await succeed(`cd '${tree}' && ${compare}`), '');
  await succeed('cd Sync/tree && mv "with space.txt" renamed.txt && test ! -e "with space.txt" && cat renamed.txt');
  await succeed('cd Sync/tree && printf more >> renamed.txt && tail -c 4 renamed.txt | grep -q more');
  await succeed('cd Sync && mkdir a && rmdir a && test ! -e a');
  await succeed('rm Sync/tree/renamed.txt && test ! -e Sync/tree/renamed.txt');
  t.not((await sh('echo x > Backup/no')).code, 0, 'a backup cannot be written through the drive');
  t.not((await sh('mkdir other')).code, 0, 'nor is the root');
});
