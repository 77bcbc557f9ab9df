import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { OpenIssue } from '../../src/daemon/control/wire.ts';
import { startFjord } from '../helpers/gateway-process.ts';
import { LoopDisks, withoutLoopDisks } from '../helpers/loop-disks.ts';

t.setTimeout(300_000);

const MIB = 1 << 20;

t.test(
  'a full disk and an unplugged one are issues, and the folder goes on by itself',
  { skip: withoutLoopDisks() },
  async (t) => {
    const disks = new LoopDisks(t);
    const image = disks.make('disk.img');
    disks.mount(image);
    const folder = disks.point;
    const fjord = await startFjord(t);
    const put = async (name: string, data: Buffer): Promise<void> => {
      t.equal((await fjord.cliWith({ input: data }, 'put', '-', `/Sync/disk/${name}`)).code, 0);
    };
    const issues = async (): Promise<OpenIssue[]> =>
      JSON.parse((await fjord.cli('issues', '--json')).stdout) as OpenIssue[];
    const about = async (cause: RegExp): Promise<OpenIssue> => {
      for (const end = Date.now() + 100_000; Date.now() < end; await sleep(100)) {
        const found = (await issues()).find((issue) => issue.kind === 'folder' && cause.test(issue.cause));
        if (found) return found;
      }
      throw new Error(`no issue ${String(cause)}`);
    };
    const over = async (): Promise<void> => {
      for (const end = Date.now() + 100_000; (await issues()).length > 0; await sleep(100)) {
        if (Date.now() > end) throw new Error('the issue does not end');
      }
    };
    const names = (): string[] => readdirSync(folder).filter((name) => name !== 'lost+found' && name !== '.fjord-sync');

    t.equal((await fjord.cli('sync', 'add', folder, '--remote', '/Sync/disk')).code, 0);
    const [first, second] = [randomBytes(14 * MIB), randomBytes(14 * MIB)];
    await put('first', first);
    while (!names().includes('first')) await sleep(50);
    await put('second', second);
    const full = await about(/disk of the folder is full/);
    t.match(full, { path: folder, remedy: /free some space/, command: `df -h ${folder}` });
    t.match((await fjord.cli('sync', 'list')).stdout, /waits: the disk of the folder is full; it goes on/);
    t.match((await fjord.cli('status')).stdout, /waits: the disk of the folder is full/);
    t.same(names(), ['first'], 'nothing of the other file is seen');
    t.same(readdirSync(join(folder, '.fjord-sync')), ['id'], 'nor kept');
    writeFileSync(join(folder, 'small'), 'from a full disk');
    rmSync(join(folder, 'first'));
    await over();
    while (!names().includes('second')) await sleep(50);
    t.ok(readFileSync(join(folder, 'second')).equals(second));
    t.equal((await fjord.cli('get', '/Sync/disk/small', '-')).stdout, 'from a full disk');
    // Removals are held back for a moment.
    while ((await fjord.cli('ls', '/Sync/disk/first')).code === 0) await sleep(100);

    disks.unmount();
    t.match(await about(/the folder is not there|another folder is in its place/), { remedy: /mount its disk/ });
    disks.mount(image);
    await over();
    t.equal(statSync(join(folder, 'second')).size, 14 * MIB);
    t.same(names().sort(), ['second', 'small']);
  },
);
