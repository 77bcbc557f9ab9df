import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Generations, hasDatabase } from '../../../src/cache/db/generations.ts';
import { temporary } from '../../helpers/temporary.ts';

const FILES = ['CURRENT', 'MANIFEST-000002', '000003.log', '000005.ldb', 'LOG', 'LOG.old', 'LOCK'];

function databaseIn(dir: string): void {
  mkdirSync(join(dir, 'ahead'), { recursive: true });
  for (const name of FILES) writeFileSync(join(dir, name), name);
}

async function loaded(dir: string, link?: ConstructorParameters<typeof Generations>[1]): Promise<Generations> {
  const generations = new Generations(dir, link);
  await generations.load();
  return generations;
}

t.test('the next generation begins with the files of the one in use, as links', async (t) => {
  const dir = temporary(t);
  databaseIn(dir);
  const generations = await loaded(dir);
  t.equal(generations.folder, dir);
  const next = await generations.next();
  t.same(readdirSync(next).sort(), ['000003.log', '000005.ldb', 'CURRENT', 'MANIFEST-000002']);
  t.equal(statSync(join(next, '000005.ldb')).ino, statSync(join(dir, '000005.ldb')).ino);
  t.equal(generations.folder, dir, 'until it is used');
  t.notOk(await generations.isOutdated());
});

t.test('where there are no hard links it begins with copies, which belong to it alone', async (t) => {
  const dir = temporary(t);
  databaseIn(dir);
  const none = async () => Promise.reject(Object.assign(new Error('no links'), { code: 'EPERM' }));
  const generations = await loaded(dir, none);
  const next = await generations.next();
  for (const name of ['000003.log', '000005.ldb', 'CURRENT', 'MANIFEST-000002']) {
    t.equal(readFileSync(join(next, name), 'utf8'), name);
    t.not(statSync(join(next, name)).ino, statSync(join(dir, name)).ino);
  }
  await generations.use();
  await generations.clean();
  t.equal((await loaded(dir)).folder, next);
  t.equal(readFileSync(join(next, 'CURRENT'), 'utf8'), 'CURRENT');
});

t.test('one that was not put to use is made anew, and goes', async (t) => {
  const dir = temporary(t);
  databaseIn(dir);
  const generations = await loaded(dir);
  writeFileSync(join(await generations.next(), '000009.ldb'), 'half a table');
  t.notOk(readdirSync(await generations.next()).includes('000009.ldb'));
  await generations.clean();
  t.same(readdirSync(dir).sort(), [...FILES, 'ahead'].sort());
});

t.test('one in use is found again, and the others go; what is not the database stays', async (t) => {
  const dir = temporary(t);
  databaseIn(dir);
  const generations = await loaded(dir);
  const other = await loaded(dir);
  const next = await generations.next();
  await generations.use();
  t.equal(generations.folder, next);
  t.ok(await other.isOutdated(), 'for a process that began before');
  await generations.clean();
  t.same(readdirSync(dir).sort(), ['1', 'ahead', 'generation']);
  t.equal(readFileSync(join(next, '000005.ldb'), 'utf8'), '000005.ldb');
  const again = await loaded(dir);
  t.equal(again.folder, next);
  await again.next();
  await again.use();
  await again.clean();
  t.same(readdirSync(dir).sort(), ['2', 'ahead', 'generation']);
});

t.test('a generation that is gone, or not named, is EIO and nothing new is begun', async (t) => {
  const dir = temporary(t);
  databaseIn(dir);
  const generations = await loaded(dir);
  await generations.next();
  await generations.use();
  rmSync(join(dir, '1', 'CURRENT'));
  await t.rejects(loaded(dir), { code: 'EIO', message: /not a database any more/ });
  for (const text of ['', '0\n', '../1\n', '1']) {
    writeFileSync(join(dir, 'generation'), text);
    await t.rejects(loaded(dir), { code: 'EIO', message: /holds no number/ });
  }
  t.ok(existsSync(join(dir, 'CURRENT')));
});

t.test('whether a folder has a database', async (t) => {
  const dir = temporary(t);
  t.notOk(await hasDatabase(join(dir, 'none')));
  t.notOk(await hasDatabase(dir));
  databaseIn(dir);
  t.ok(await hasDatabase(dir));
  const generations = await loaded(dir);
  await generations.next();
  await generations.use();
  await generations.clean();
  t.ok(await hasDatabase(dir));
});
