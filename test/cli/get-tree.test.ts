import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { startFjord } from '../helpers/gateway-process.ts';

/** More entries than the buffers of a response can hold. */
const FILES = 3000;

t.setTimeout(500_000);

t.test('a large tree is fetched while its listing is still being read', async (t) => {
  const fjord = await startFjord(t);
  const dir = t.testdir();
  const name = (i: number): string => `a file with a rather long name, number ${String(i).padStart(5, '0')}`;
  await mkdir(join(dir, 'tree'));
  for (let i = 0; i < FILES; i++) await writeFile(join(dir, 'tree', name(i)), `${i}`);
  const put = await fjord.cli('put', '-r', join(dir, 'tree'), '/Sync/tree');
  t.equal(put.code, 0, put.stderr);
  const got = await fjord.cli('get', '-r', '/Sync/tree', join(dir, 'back'));
  t.equal(got.code, 0, got.stderr);
  let wrong = 0;
  for (let i = 0; i < FILES; i++) {
    const content = await readFile(join(dir, 'back', name(i)), 'utf8').catch(() => undefined);
    if (content !== `${i}`) wrong++;
  }
  t.equal(wrong, 0);
  const into = join(dir, 'into');
  await mkdir(join(into, 'tree'), { recursive: true });
  await writeFile(join(into, 'tree', name(FILES / 2)), 'mine');
  const refused = await fjord.cli('get', '-r', '/Sync/tree', into);
  t.match(refused, { code: 6, stderr: /already exists; use --force/ });
  t.equal(await readFile(join(into, 'tree', name(FILES / 2)), 'utf8'), 'mine');
  t.strictSame(await parts(join(into, 'tree')), [], 'partial files are removed');
  const forced = await fjord.cli('get', '-r', '--force', '/Sync/tree', into);
  t.equal(forced.code, 0, forced.stderr);
  t.equal((await readdir(join(into, 'tree'))).length, FILES);
});

t.test('files that are removed while a tree is fetched are named and skipped', async (t) => {
  const fjord = await startFjord(t);
  const dir = t.testdir();
  const count = 300;
  await mkdir(join(dir, 'tree'));
  for (let i = 0; i < count; i++) await writeFile(join(dir, 'tree', `f${i}`), `${i}`);
  await fjord.cli('put', '-r', join(dir, 'tree'), '/Sync/tree');
  const { url, user, password } = fjord.webdav;
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const get = fjord.cli('get', '-r', '/Sync/tree', join(dir, 'back'));
  let removed = 0;
  for (let i = count - 1; i >= 0 && removed < count / 2; i--) {
    const { status } = await fetch(new URL(`/Sync/tree/f${i}`, url), { method: 'DELETE', headers: { authorization } });
    if (status === 204) removed++;
  }
  const got = await get;
  t.equal(got.code, 0, got.stderr);
  const named = got.stderr.split('\n').filter((line) => line.includes('was removed meanwhile')).length;
  const names = await readdir(join(dir, 'back'));
  t.ok(names.length + named <= count && names.length >= count - removed, `${names.length} fetched, ${named} named`);
  for (const name of names) if (`f${await readFile(join(dir, 'back', name), 'utf8')}` !== name) t.fail(name);
});

async function parts(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((file) => file.endsWith('.part'));
}
