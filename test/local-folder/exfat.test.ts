import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { background as context } from '../../src/vfs/context.ts';
import { openDevice } from '../helpers/devices.ts';
import { DirectCloud } from '../helpers/direct-cloud.ts';
import { withoutLoopDisks } from '../helpers/loop-disks.ts';
import { SyncedFolder } from '../helpers/synced-folder.ts';
import { temporary } from '../helpers/temporary.ts';

const sh = (command: string, ...args: string[]): string => execFileSync(command, args, { encoding: 'utf8' }).trim();

/** A stick with exFAT: it takes `a` for `A`, and has no symlinks, modes, swaps or inodes that last. */
class Stick {
  readonly point: string;
  readonly #loop: string;

  constructor(t: Test) {
    const dir = temporary(t);
    this.point = join(dir, 'stick');
    mkdirSync(this.point);
    sh('truncate', '-s', '32M', join(dir, 'image'));
    sh('mkfs.exfat', join(dir, 'image'));
    this.#loop = sh('losetup', '-f', '--show', join(dir, 'image'));
    this.mount();
    t.teardown(() => {
      sh('umount', '-l', this.point);
      sh('losetup', '-d', this.#loop);
    });
  }

  mount(): void {
    sh('mount.exfat-fuse', this.#loop, this.point);
  }

  unmount(): void {
    sh('umount', this.point);
  }
}

function withoutExfat(): string | false {
  try {
    sh('sh', '-c', 'command -v mount.exfat-fuse mkfs.exfat');
    return withoutLoopDisks();
  } catch {
    return 'needs exfat-fuse and exfatprogs';
  }
}

t.test(
  'a folder on a stick holds what it can, names the rest, and comes to rest',
  { skip: withoutExfat() },
  async (t) => {
    const stick = new Stick(t);
    const dir = temporary(t);
    const cloud = await DirectCloud.open(dir);
    t.teardown(() => cloud.close());
    const remote = await cloud.device('alpha');
    const device = await openDevice(t, 'alpha', remote.self.id, { dir: join(dir, 'a'), remote });
    await device.sync();
    const there = {
      '/Sync/Report.txt': 'one',
      '/Sync/report.txt': 'other',
      '/Sync/a:b.txt': 'colon',
      '/Sync/f/': '',
      '/Sync/f/script': 'run',
      '/Sync/link': 'link',
      '/Sync/plain': 'plain',
    };
    await device.mkdir('/Sync/f');
    for (const [path, text] of Object.entries(there))
      if (text !== 'link' && text !== '') await device.write(path, text);
    await device.symlink('/Sync/link', 'plain');
    await device.fs.setattr((await device.stat('/Sync/f/script')).id, { mode: 0o750, mtime: 1.2e12 + 1234 }, context);
    const folder = join(stick.point, 'sync');
    let synced = await SyncedFolder.open(t, device, folder);
    const notes = await synced.settle();
    t.same([...notes.problems.keys()].sort(), ['a:b.txt', 'link', 'report.txt'], 'what it cannot hold is named');
    t.same(await synced.tree(), {
      '/Sync/Report.txt': 'one',
      '/Sync/f/': '',
      '/Sync/f/script': 'run',
      '/Sync/plain': 'plain',
    });
    t.same(await device.tree(), there, 'and stays in the drive');
    const script = await device.stat('/Sync/f/script');
    t.equal(script.mode & 0o777, 0o750);

    renameSync(synced.path('plain'), synced.path('PLAIN'));
    const before = await device.stat('/Sync/plain');
    await synced.settle();
    t.equal((await device.stat('/Sync/PLAIN')).id, before.id, 'another case is a move');
    await device.rename('/Sync/PLAIN', '/Sync/Plain');
    await synced.settle();
    t.ok(readdirSync(folder).includes('Plain'), 'also from the drive');

    renameSync(synced.path('Plain'), synced.path('pLAIN'));
    await synced.pass({ local: new Map([['', new Set(['Plain', 'pLAIN'])]]), drive: new Set() });
    await synced.settle();
    t.equal((await device.stat('/Sync/pLAIN')).id, before.id, 'and where both names are reported and both are found');
    await device.rename('/Sync/pLAIN', '/Sync/Plain');

    writeFileSync(synced.path('f/script'), 'run it');
    await device.write('/Sync/Plain', 'changed there');
    await synced.settle();
    t.equal(await device.read('/Sync/f/script'), 'run it');
    t.equal(
      (await device.stat('/Sync/f/script')).mode & 0o777,
      0o750,
      'a mode that the stick cannot have is kept in the drive',
    );
    t.equal(readFileSync(synced.path('Plain'), 'utf8'), 'changed there');

    const versions = async (): Promise<string[]> => {
      const found = [];
      for (const path of Object.keys(await device.tree())) found.push((await device.stat(path)).version);
      return found;
    };
    const all = await versions();
    await synced.sync.close();
    stick.unmount();
    stick.mount();
    synced = await SyncedFolder.open(t, device, folder, { prepare: false });
    await synced.settle();
    t.same(await versions(), all, 'nothing is sent again when it is plugged in again');

    await device.rename('/Sync/report.txt', '/Sync/report 2.txt');
    await device.rename('/Sync/a:b.txt', '/Sync/a-b.txt');
    const rest = await synced.settle();
    t.same([...rest.problems.keys()], ['link']);
    t.ok(existsSync(synced.path('report 2.txt')) && existsSync(synced.path('a-b.txt')));
    await synced.sync.close();
  },
);
