import { appendFileSync, copyFileSync, mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openSet } from '../helpers/backup-set.ts';
import { FaultyDisk } from '../helpers/faulty-disk.ts';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { startFjord } from '../helpers/gateway-process.ts';
import { mirror as shown } from '../helpers/backups.ts';

t.setTimeout(200_000);
const skip = withoutFuse();

function fill(folder: string): void {
  for (const dir of ['good', 'bad', 'bad/deep', 'lost']) {
    mkdirSync(join(folder, dir), { recursive: true });
    for (let i = 0; i < 5; i++) writeFileSync(join(folder, dir, `file ${i}`), `${dir} ${i}`);
  }
}

/** Makes the kernel forget what it knows of the names in a folder. */
function touch(folder: string): void {
  const now = Date.now() / 1000;
  utimesSync(folder, now, now);
}

t.test(
  'errors of the disk are reported of each file and folder; the others are mirrored, and nothing is removed',
  { skip },
  async (t) => {
    const disk = await FaultyDisk.mount(t);
    fill(disk.below);
    const { run, mirror, problems } = await openSet(t, disk.dir);
    t.match(await run(), { problemCount: 0, paused: undefined });
    const before = [...(await mirror()).keys()].sort();

    appendFileSync(join(disk.below, 'good/file 0'), 'more');
    appendFileSync(join(disk.below, 'good/file 1'), 'more');
    rmSync(join(disk.below, 'good/file 2'));
    writeFileSync(join(disk.below, 'good/new'), 'new');
    touch(join(disk.below, 'bad'));
    disk.faults = { read: ['good/file 1'], lookup: ['good/file 4', 'lost'], readdir: ['bad'] };
    t.match(await run({ now: () => 7 }), { problemCount: 4, paused: undefined, added: 1, changed: 1, removed: 1 });
    t.match(await problems(), [
      { path: 'bad', reason: /EIO/ },
      { path: 'good/file 1', reason: /EIO/ },
      { path: 'good/file 4', reason: /EIO/ },
      { path: 'lost', reason: /EIO/ },
    ]);
    const expected = [...before.filter((path) => path !== 'good/file 2'), 'good/new'].sort();
    t.same([...(await mirror()).keys()].sort(), expected);
    disk.faults = {};
    t.match(await run(), { problemCount: 0, paused: undefined, added: 0, changed: 1, removed: 0 });
    t.same([...(await mirror()).keys()].sort(), expected);
    t.same(await problems(), []);
  },
);

t.test('extended attributes that cannot be read cost no content, and not those from before', { skip }, async (t) => {
  const disk = await FaultyDisk.mount(t);
  fill(disk.below);
  const { run, mirror } = await openSet(t, disk.dir);
  disk.faults = { xattrs: ['good/file 1', 'bad'] };
  const reason = /extended attributes cannot be read/;
  const problems = [
    { path: 'bad', reason },
    { path: 'good/file 1', reason },
  ];
  t.match(await run(), { problems, problemCount: 2, added: 24 });
  const xattrsOf = async (path: string) => (await mirror()).get(path)?.xattrs;
  t.match(await xattrsOf('good/file 2'), { 'user.of': /./ });
  t.equal(await xattrsOf('good/file 1'), undefined);
  t.match(await run(), { problems, problemCount: 2, touched: 0 });
  disk.faults = {};
  t.match(await run(), { problemCount: 0, touched: 2 });
  t.match([await xattrsOf('good/file 1'), await xattrsOf('bad')], [{ 'user.of': /./ }, { 'user.of': /./ }]);
  disk.faults = { xattrs: ['good/file 2'] };
  appendFileSync(join(disk.below, 'good/file 2'), 'more');
  t.match(await run(), { problemCount: 1, changed: 1 });
  t.match(await xattrsOf('good/file 2'), { 'user.of': /./ });
});

t.test('a file system that serves no extended attributes by an error has none', { skip }, async (t) => {
  const disk = await FaultyDisk.mount(t);
  fill(disk.below);
  const { run } = await openSet(t, disk.dir);
  disk.faults = { xattrs: ['', 'good', 'good/file 1', 'bad/deep/file 1'] };
  t.match(await run(), { problemCount: 0, added: 24 });
});

t.test('what may have been moved from a folder that cannot be read is taken for new', { skip }, async (t) => {
  const disk = await FaultyDisk.mount(t);
  fill(disk.below);
  const { run, mirror } = await openSet(t, disk.dir);
  await run();
  copyFileSync(join(disk.below, 'lost/file 3'), join(disk.below, 'good/a copy'));
  disk.faults = { lookup: ['lost', 'lost/file 3'], readdir: ['lost'] };
  t.match(await run(), { paused: undefined, problemCount: 1, added: 1, moved: 0, removed: 0 });
  const names = [...(await mirror()).keys()];
  t.ok(names.includes('good/a copy') && names.includes('lost/file 3'));
});

t.test('a run of some names goes on beyond one that cannot be read', { skip }, async (t) => {
  const disk = await FaultyDisk.mount(t);
  fill(disk.below);
  const { run, mirror, problems } = await openSet(t, disk.dir);
  await run();
  writeFileSync(join(disk.below, 'lost/new'), 'new');
  writeFileSync(join(disk.below, 'good/new'), 'new');
  rmSync(join(disk.below, 'bad/deep'), { recursive: true });
  disk.faults = { lookup: ['lost', 'bad'], readdir: ['bad'] };
  const scope = new Map<string, Set<string> | 'all'>([
    ['bad', new Set(['deep', 'file 0'])],
    ['good', new Set(['new'])],
    ['lost', 'all'],
  ]);
  t.match(await run({ scope }), { paused: undefined, problemCount: 2, added: 1, removed: 0 });
  t.match(await problems(), [{ path: 'bad' }, { path: 'lost' }]);
  t.ok((await mirror()).has('bad/deep/file 0'));
});

t.test('`fjord backup run` says so by its exit code, and `fjord backup log` what and why', { skip }, async (t) => {
  const disk = await FaultyDisk.mount(t);
  fill(disk.below);
  const fjord = await startFjord(t);
  touch(join(disk.below, 'bad'));
  disk.faults = { read: ['good/file 1'], readdir: ['bad'] };
  await fjord.cli('backup', 'add', disk.dir, '--schedule', 'manual');
  const { code, stderr } = await fjord.cli('backup', 'run', '--wait');
  t.match({ code, stderr }, { code: 1, stderr: /all was mirrored but bad .*EIO.*and 1 more/ });
  const { stdout } = await fjord.cli('backup', 'log', 'disk');
  t.match(stdout, /bad.*EIO/);
  t.match(stdout, /good\/file 1.*EIO/);
  t.equal(Object.keys(await shown(fjord, 'disk')).length, 9);
  disk.faults = {};
  t.equal((await fjord.cli('backup', 'run', '--wait')).code, 0);
  t.equal(Object.keys(await shown(fjord, 'disk')).length, 20);
  t.notMatch((await fjord.cli('backup', 'log', 'disk')).stdout, /EIO/);
});
