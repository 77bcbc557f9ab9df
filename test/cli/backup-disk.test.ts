import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { BackupSet } from '../../src/daemon/control/wire.ts';
import { comesTo, mirror } from '../helpers/backups.ts';
import { startFjord } from '../helpers/gateway-process.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(400_000);

const sh = (command: string, ...args: string[]) => execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });

/** External disks: images of ext4, and one place where they are mounted. */
function disks(t: Test) {
  const base = temporary(t);
  const point = join(base, 'disk');
  mkdirSync(point);
  const make = (name: string): string => {
    const image = join(base, name);
    sh('truncate', '-s', '32M', image);
    sh('mkfs.ext4', '-q', image);
    return image;
  };
  const unmount = (): void => void sh('umount', '-l', point);
  t.teardown(() => void execFileSync('sh', ['-c', `umount -l '${point}' 2>/dev/null || true`]));
  const mount = (image: string, ...options: string[]): void =>
    void sh('mount', '-o', ['loop', ...options].join(','), image, point);
  return { point, make, mount, unmount };
}

t.test('an external disk: unmounted, replaced by another, mounted read-only', async (t) => {
  const { point, make, mount, unmount } = disks(t);
  const [mine, other] = [make('mine'), make('other')];
  try {
    mount(other);
  } catch {
    return t.comment('mounting is not allowed here');
  }
  mkdirSync(join(point, 'docs'));
  writeFileSync(join(point, 'docs', 'foreign'), 'x');
  unmount();
  mount(mine);
  mkdirSync(join(point, 'docs'));
  for (let i = 0; i < 50; i++) writeFileSync(join(point, 'docs', `file ${i}`), `content ${i}`);

  const fjord = await startFjord(t);
  const comes = async (doing: BackupSet['state']['doing']) => comesTo(fjord, 'docs', doing);
  const mirrored = async (): Promise<string[]> => Object.keys(await mirror(fjord, 'docs'));

  t.equal((await fjord.cli('backup', 'add', join(point, 'docs'))).code, 0);
  t.match(await comes('watching'), { doing: 'watching' });
  const all = await mirrored();
  t.equal(all.length, 50);

  unmount();
  t.match(await comes('halted'), { reason: /is its disk mounted/, ends: 'disk' });
  mkdirSync(join(point, 'docs'));
  await sleep(6000);
  t.match(await comes('halted'), { reason: /another disk/, ends: 'run' }, 'a folder on the disk below');
  mount(other);
  await sleep(6000);
  t.match(await comes('halted'), { reason: /another disk/, ends: 'run' });
  t.match(await fjord.cli('backup', 'run', '--wait'), { code: 6, stderr: /another disk/ });
  t.same(await mirrored(), all, 'nothing was removed, nothing foreign was taken');
  unmount();

  mount(mine, 'ro');
  t.match(await comes('watching'), { doing: 'watching' }, 'it goes on by itself, also where nothing can be written');
  t.same(await mirrored(), all);
  unmount();
  mount(mine);
  await comes('watching');
  await fjord.cli('backup', 'run', '--wait');
  writeFileSync(join(point, 'docs', 'file 50'), 'new');
  for (const until = Date.now() + 60_000; Date.now() < until && (await mirrored()).length < 51; await sleep(300));
  t.equal((await mirrored()).length, 51);

  unmount();
  mount(other);
  await comes('halted');
  t.match(await fjord.cli('backup', 'run', '--wait', '--confirm'), { code: 0 });
  t.match(await mirrored(), [/foreign/], 'unless a person says that this is the one');
  unmount();
});
