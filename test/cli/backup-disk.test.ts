import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { BackupSet } from '../../src/daemon/control/wire.ts';
import { comesTo, mirror } from '../helpers/backups.ts';
import { startFjord } from '../helpers/gateway-process.ts';
import { LoopDisks, withoutLoopDisks } from '../helpers/loop-disks.ts';

t.setTimeout(400_000);

const skip = withoutLoopDisks();

t.test('an external disk: unmounted, replaced by another, mounted read-only', { skip }, async (t) => {
  const disks = new LoopDisks(t);
  const { point } = disks;
  const [mine, other] = [disks.make('mine'), disks.make('other')];
  disks.mount(other);
  mkdirSync(join(point, 'docs'));
  writeFileSync(join(point, 'docs', 'foreign'), 'x');
  disks.unmount();
  disks.mount(mine);
  mkdirSync(join(point, 'docs'));
  for (let i = 0; i < 50; i++) writeFileSync(join(point, 'docs', `file ${i}`), `content ${i}`);

  const fjord = await startFjord(t);
  const comes = async (doing: BackupSet['state']['doing']) => comesTo(fjord, 'docs', doing);
  const mirrored = async (): Promise<string[]> => Object.keys(await mirror(fjord, 'docs'));

  t.equal((await fjord.cli('backup', 'add', join(point, 'docs'))).code, 0);
  t.match(await comes('watching'), { doing: 'watching' });
  const all = await mirrored();
  t.equal(all.length, 50);

  disks.unmount();
  t.match(await comes('halted'), {
    reason: /not there: the disk of the folder \(UUID \S+\) is not mounted on \S+\/disk$/,
    ends: 'disk',
  });
  mkdirSync(join(point, 'docs'));
  await sleep(6000);
  t.match(
    await comes('halted'),
    { reason: /the disk of the folder \(UUID \S+\) is not mounted on \S+\/disk$/, ends: 'run' },
    'a folder on the disk below',
  );
  disks.mount(other);
  await sleep(6000);
  t.match(await comes('halted'), { reason: /another disk/, ends: 'run' });
  t.match(await fjord.cli('backup', 'run', '--wait'), { code: 6, stderr: /another disk/ });
  t.same(await mirrored(), all, 'nothing was removed, nothing foreign was taken');
  disks.unmount();

  disks.mount(mine, 'ro');
  t.match(await comes('watching'), { doing: 'watching' }, 'it goes on by itself, also where nothing can be written');
  t.same(await mirrored(), all);
  disks.unmount();
  disks.mount(mine);
  await comes('watching');
  await fjord.cli('backup', 'run', '--wait');
  writeFileSync(join(point, 'docs', 'file 50'), 'new');
  for (const until = Date.now() + 60_000; Date.now() < until && (await mirrored()).length < 51; await sleep(300));
  t.equal((await mirrored()).length, 51);

  disks.unmount();
  disks.mount(other);
  await comes('halted');
  t.match(await fjord.cli('backup', 'run', '--wait', '--confirm'), { code: 0 });
  t.match(await mirrored(), [/foreign/], 'unless a person says that this is the one');
  disks.unmount();
});
