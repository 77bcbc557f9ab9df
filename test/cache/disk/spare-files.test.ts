import { closeSync, fstatSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { FileMaker } from '../../../src/cache/disk/file-maker.ts';
import { type Spare, SpareFiles } from '../../../src/cache/disk/spare-files.ts';
import { temporary } from '../../helpers/temporary.ts';

/** Time limit, generous for a busy machine, ms. */
const TIMEOUT = 30_000;

async function until(holds: () => boolean): Promise<void> {
  for (const end = Date.now() + TIMEOUT; !holds(); await sleep(5)) {
    if (Date.now() > end) throw new Error('waited in vain');
  }
}

/** Takes files until one has been created in advance. */
async function takeReady(spares: SpareFiles): Promise<Spare> {
  for (let spare = spares.take(); ; spare = spares.take()) {
    if (spare !== undefined) return spare;
    await sleep(5);
  }
}

t.test('there are none until the first is taken; then empty files, each returned once', async (t) => {
  const dir = temporary(t);
  const spares = new SpareFiles(dir);
  t.teardown(() => spares.close());
  t.equal(spares.take(), undefined);
  const taken = new Set<string>();
  for (let i = 0; i < 100; i++) {
    const { id, fd } = await takeReady(spares);
    t.notOk(taken.has(id));
    taken.add(id);
    t.notOk(spares.has(id));
    t.match(fstatSync(fd), { size: 0, ino: statSync(join(dir, id)).ino });
    closeSync(fd);
  }
  await until(() => readdirSync(dir).length > taken.size);
  for (const id of readdirSync(dir)) t.equal(spares.has(id), !taken.has(id));
  t.ok(readdirSync(dir).length <= taken.size + 64);
});

t.test('they are removed at the end, and when none has been taken for a while; their thread stays', async (t) => {
  const dir = temporary(t);
  let threads = 0;
  const spares = new SpareFiles(dir, () => {
    threads++;
    return new FileMaker();
  });
  for (let i = 0; i < 5; i++) closeSync((await takeReady(spares)).fd);
  await until(() => readdirSync(dir).length > 5);
  await until(() => readdirSync(dir).length === 5);
  closeSync((await takeReady(spares)).fd);
  t.equal(threads, 1);
  const late = [spares.take(), spares.take()].filter((spare) => spare !== undefined);
  for (const { fd } of late) closeSync(fd);
  await spares.close();
  t.equal(readdirSync(dir).length, 6 + late.length, 'none that was being created appears later');
});

t.test('if none can be created there are none', async (t) => {
  const dir = temporary(t);
  const spares = new SpareFiles(dir);
  t.teardown(() => spares.close());
  rmSync(dir, { recursive: true });
  for (let i = 0; i < 10; i++) {
    t.equal(spares.take(), undefined);
    await sleep(5);
  }
});
