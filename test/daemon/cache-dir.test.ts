import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { cacheDir, takeCacheDir } from '../../src/daemon/cache-dir.ts';
import { loadConfig } from '../../src/daemon/config.ts';
import { dataDir, type DataDir } from '../../src/daemon/data-dir.ts';
import { Database } from '../../src/cache/db/database.ts';
import { temporary } from '../helpers/temporary.ts';

const email = 'me@example.org';

function make(t: Test): { base: string; dir: DataDir } {
  const base = temporary(t);
  mkdirSync(join(base, 'data'));
  return { base, dir: dataDir(join(base, 'data')) };
}

async function queue(path: string, rows: number): Promise<void> {
  const db = await Database.open(join(path, 'db'));
  for (let i = 1; i <= rows; i++) await db.write([{ type: 'put', table: 'journal', key: `${i}`, value: {} }], false);
  await db.write([{ type: 'put', table: 'entries', key: 'x', value: {} }], true);
  await db.close();
}

t.test('the setting names the folder, relative to the working folder', async (t) => {
  const { base, dir } = make(t);
  const file = join(base, 'config.toml');
  writeFileSync(file, '');
  t.equal(cacheDir(loadConfig({ file, env: {} }), dir), dir.gateway);
  t.equal(cacheDir(loadConfig({ file, env: { FJORD_CACHE_DIR: '/somewhere/else' } }), dir), '/somewhere/else');
  t.equal(cacheDir(loadConfig({ file, env: { FJORD_CACHE_DIR: 'near' } }), dir), join(process.cwd(), 'near'));
});

t.test('a folder with a queue is not left behind', async (t) => {
  const { base, dir } = make(t);
  const elsewhere = join(base, 'elsewhere');
  await takeCacheDir(dir.gateway, dir, email);
  await queue(dir.gateway, 1);
  await t.rejects(takeCacheDir(elsewhere, dir, email), {
    name: 'Problem',
    message: `mv ${dir.gateway} ${elsewhere}`,
  });
  t.notOk(existsSync(elsewhere));
  renameSync(dir.gateway, elsewhere);
  await takeCacheDir(elsewhere, dir, email);
  await t.rejects(takeCacheDir(dir.gateway, dir, email), { message: `changes in ${elsewhere} are not uploaded yet` });
});

t.test('a folder without a queue is', async (t) => {
  const { base, dir } = make(t);
  const [one, two] = [join(base, 'one'), join(base, 'two')];
  await takeCacheDir(one, dir, email);
  await queue(one, 0);
  await takeCacheDir(two, dir, email);
  await takeCacheDir(dir.gateway, dir, email);
  t.match(JSON.parse(readFileSync(dir.cache, 'utf8')), { dir: dir.gateway });
});

t.test('the queue of one account is not sent to another one', async (t) => {
  const { base, dir } = make(t);
  const shared = join(base, 'shared');
  await takeCacheDir(shared, dir, email);
  const other = dataDir(join(base, 'other'));
  mkdirSync(other.root);
  await t.rejects(takeCacheDir(shared, other, 'you@example.org'), { name: 'Problem', message: /is the cache of me@/ });
  await takeCacheDir(shared, dir, email);
});
