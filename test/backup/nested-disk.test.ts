import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openSet } from '../helpers/backup-set.ts';
import { LoopDisks, withoutLoopDisks } from '../helpers/loop-disks.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(200_000);
const skip = withoutLoopDisks();

/** A set with a disk mounted on `media/usb` in it. */
async function open(t: Test) {
  const folder = join(temporary(t), 'source');
  const point = join(folder, 'media/usb');
  const disks = new LoopDisks(t, point);
  const [mine, other] = [disks.make('mine'), disks.make('other')];
  disks.mount(other);
  writeFileSync(join(point, 'foreign'), 'of another disk');
  disks.eject();
  disks.mount(mine);
  for (let i = 0; i < 20; i++) writeFileSync(join(point, `photo ${i}`), `this is photo ${i}`);
  mkdirSync(join(point, 'album'));
  writeFileSync(join(point, 'album/cover'), 'a cover');
  for (let i = 0; i < 20; i++) writeFileSync(join(folder, `note ${i}`), `note ${i}`);
  const set = await openSet(t, folder);
  const paths = async (): Promise<string[]> => [...(await set.mirror()).keys()].sort();
  t.match(await set.run(), { paused: undefined, problems: { length: 0 } });
  return { ...set, folder, point, disks, mine, other, paths };
}

t.test('a disk inside the folder of a set that is not mounted', { skip }, async (t) => {
  const { run, paths, disks, point, folder, mine, other, mirror, verify } = await open(t);
  const before = await paths();
  const photo = (await mirror()).get('media/usb/photo 3')?.id;

  await t.test('leaves an empty folder', async (t) => {
    disks.eject();
    const { problems, paused, removed } = await run();
    t.match({ paused, removed }, { paused: undefined, removed: 0 });
    t.match(problems, [{ path: 'media/usb', reason: /not mounted/ }]);
    t.same(await paths(), before);
    t.match(await verify(), [/^changed media\/usb unreadable: .*not mounted/]);
  });

  await t.test('leaves a folder with something else in it', async (t) => {
    writeFileSync(join(point, 'below'), 'below the mount point');
    t.match(await run(), { removed: 0, added: 0, problems: [{ path: 'media/usb', reason: /not mounted/ }] });
    t.same(await paths(), before);
    rmSync(join(point, 'below'));
  });

  await t.test('leaves no folder, as where the system makes and removes mount points', async (t) => {
    rmdirSync(point);
    t.match(await run(), { removed: 0, problems: [{ path: 'media/usb', reason: /not mounted/ }] });
    rmdirSync(join(point, '..'));
    t.match(await run(), { removed: 0, problems: [{ path: 'media/usb', reason: /not mounted/ }] });
    t.same(await paths(), before);
    mkdirSync(point, { recursive: true });
  });

  await t.test('has lost nothing to equal files that appear elsewhere', async (t) => {
    writeFileSync(join(folder, 'copy of photo 3'), 'this is photo 3');
    t.match(await run(), { added: 1, moved: 0, removed: 0 });
    t.equal((await mirror()).get('media/usb/photo 3')?.id, photo);
    rmSync(join(folder, 'copy of photo 3'));
    t.match(await run(), { removed: 1 });
    t.same(await paths(), before);
  });

  await t.test('is not taken for another one that is mounted there', async (t) => {
    disks.mount(other);
    t.match(await run(), { removed: 0, added: 0, problems: [{ path: 'media/usb', reason: /another disk/ }] });
    t.same(await paths(), before);
    disks.eject();
  });

  await t.test('goes on when it is back', async (t) => {
    disks.mount(mine);
    rmSync(join(point, 'photo 5'));
    t.match(await run(), { removed: 1, problems: { length: 0 } });
    t.same(
      await paths(),
      before.filter((path) => path !== 'media/usb/photo 5'),
    );
  });

  await t.test('may go if a person says so', async (t) => {
    disks.eject();
    t.match(await run({ confirm: true }), { removed: 21, problems: { length: 0 } });
    t.notOk((await paths()).includes('media/usb/album/cover'));
    t.match(await run(), { removed: 0, problems: { length: 0 } });
    t.equal(readFileSync(join(folder, 'note 1'), 'utf8'), 'note 1');
  });
});

t.test('a disk that is mounted elsewhere in the folder takes its files along', { skip }, async (t) => {
  const { run, disks, folder, mine, mirror } = await open(t);
  const photo = (await mirror()).get('media/usb/photo 3')?.id;
  disks.eject();
  const there = new LoopDisks(t, join(folder, 'usb 2'));
  there.mount(mine);
  await run();
  t.equal((await mirror()).get('usb 2/photo 3')?.id, photo);
  t.match(await run(), { removed: 0, problems: { length: 0 } });
  there.eject();
});
