import { appendFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { type Fjord, startFjord } from '../helpers/gateway-process.ts';
import { type Outcome, command } from './command.ts';
import { makeTree } from './tree.ts';

t.setTimeout(500_000);

/** @param dir for the configuration file */
async function configure(dir: string, { webdav }: Fjord): Promise<(...args: string[]) => Promise<Outcome>> {
  const config = join(dir, 'rclone.conf');
  const { stdout } = await command('rclone', ['obscure', webdav.password]);
  await writeFile(
    config,
    `[drive]\ntype = webdav\nurl = ${webdav.url}\nvendor = owncloud\nuser = ${webdav.user}\npass = ${stdout.trim()}\n`,
  );
  return (...args) => command('rclone', ['--config', config, '--retries', '1', ...args]);
}

t.test('rclone copies a tree, checks it byte for byte, and syncs it', async (t) => {
  const dir = t.testdir({ tree: {} });
  const rclone = await configure(dir, await startFjord(t));
  const tree = join(dir, 'tree');
  await makeTree(tree);
  const succeed = async (...args: string[]): Promise<void> => {
    const { code, stderr } = await rclone(...args);
    t.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  };
  await succeed('copy', tree, 'drive:Sync/tree', '--create-empty-src-dirs');
  await succeed('check', '--download', tree, 'drive:Sync/tree');

  const again = await rclone('copy', tree, 'drive:Sync/tree', '-v');
  t.notMatch(again.stderr, /Copied/, `times and sizes are kept, so nothing is copied twice: ${again.stderr}`);

  await appendFile(join(tree, 'with space.txt'), 'more\n');
  await rename(join(tree, 'deep/small-7'), join(tree, 'moved'));
  await rm(join(tree, 'deep/er'), { recursive: true });
  await succeed('sync', tree, 'drive:Sync/tree', '--track-renames', '--create-empty-src-dirs');
  await succeed('check', '--download', tree, 'drive:Sync/tree');

  await succeed('copy', 'drive:Sync/tree', join(dir, 'back'));
  await succeed('check', '--download', tree, join(dir, 'back'));
  await succeed('moveto', 'drive:Sync/tree/😀.txt', 'drive:Sync/tree/sub folder/😀.txt');
  await succeed('purge', 'drive:Sync/tree');
  t.match((await rclone('about', 'drive:')).stdout, /Used:/);
});

t.test('rclone copies into /Archive and cannot delete it', async (t) => {
  const dir = t.testdir({ tree: {} });
  const rclone = await configure(dir, await startFjord(t));
  const tree = join(dir, 'tree');
  await makeTree(tree);
  const { code, stderr } = await rclone('copy', tree, 'drive:Archive/tree', '--create-empty-src-dirs');
  t.equal(code, 0, stderr);
  const names = await rclone('lsf', '-R', 'drive:Archive/tree');
  t.match(names.stdout, 'deep/er/and deeper/leaf.bin');
});
