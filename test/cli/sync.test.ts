import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { startFjord, type Fjord } from '../helpers/gateway-process.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(400_000);

async function until(what: string, done: () => unknown): Promise<void> {
  for (const end = Date.now() + 120_000; Date.now() < end; await sleep(50)) if (await done()) return;
  throw new Error(`in vain: ${what}`);
}

async function stateOf(fjord: Fjord, folder: string): Promise<string> {
  const listed = JSON.parse((await fjord.cli('sync', 'list', '--json')).stdout) as {
    folder: string;
    state: { doing: string };
  }[];
  return listed.find((one) => one.folder === folder)?.state.doing ?? 'absent';
}

async function treeOf(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && !path.includes('.fjord-sync'))
      found[path.slice(folder.length + 1)] = await readFile(path, 'utf8');
  }
  return found;
}

t.test('a plain folder follows the drive, and the drive the folder, over restarts, pauses and a move', async (t) => {
  const fjord = await startFjord(t);
  const dir = temporary(t);
  const [one, two] = [join(dir, 'one'), join(dir, 'two')];
  mkdirSync(one);
  mkdirSync(two);
  writeFileSync(join(one, 'letter'), 'dear');
  t.match(await fjord.cli('sync', 'add', one, '--remote', '/Sync/shared'), {
    code: 0,
    stderr: /is synced with \/Sync\/shared/,
  });
  t.equal((await fjord.cli('sync', 'add', two, '--remote', '/Sync/shared')).code, 0);

  t.match(await fjord.cli('sync', 'add', join(one, '..')), { code: 2, stderr: /contains the synced folder/ });
  t.match(await fjord.cli('backup', 'add', one), { code: 2, stderr: /already is the synced folder/ });
  const set = join(dir, 'set');
  mkdirSync(join(set, 'sub'), { recursive: true });
  t.equal((await fjord.cli('backup', 'add', set, '--schedule', 'manual')).code, 0);
  t.match(await fjord.cli('sync', 'add', join(set, 'sub')), { code: 2, stderr: /is inside the backup set set/ });

  await until('the first pass', () => existsSync(join(two, 'letter')));
  writeFileSync(join(two, 'letter'), 'dear all');
  await until('an edit', () => readFileSync(join(one, 'letter'), 'utf8') === 'dear all');
  await fjord.cliWith({ input: 'from the drive' }, 'put', '-', '/Sync/shared/note');
  await until('a change of the drive', () => existsSync(join(one, 'note')) && existsSync(join(two, 'note')));

  t.equal((await fjord.cli('sync', 'pause', two)).code, 0);
  writeFileSync(join(one, 'meanwhile'), 'x');
  t.equal(await stateOf(fjord, two), 'paused');
  t.notOk(existsSync(join(two, 'meanwhile')));
  await fjord.cli('sync', 'resume', two);
  await until('the rest', () => existsSync(join(two, 'meanwhile')));

  renameSync(two, `${two}.moved`);
  await until('a halt', async () => (await stateOf(fjord, two)) === 'halted');
  t.match((await fjord.cli('status')).stdout, /sync +.*two with \/Sync\/shared: waits: the folder is not there/);
  renameSync(`${two}.moved`, two);
  await until('its end', async () => (await stateOf(fjord, two)) === 'watching');

  await fjord.stop();
  writeFileSync(join(one, 'offline'), 'written while it was off');
  await fjord.start();
  await until('what was written meanwhile', () => existsSync(join(two, 'offline')));
  t.same(await treeOf(two), await treeOf(one));
  t.equal((await fjord.cli('sync', 'remove', two)).code, 0);
  t.ok(existsSync(join(two, 'letter')));
  t.notOk(existsSync(join(two, '.fjord-sync')));
});
