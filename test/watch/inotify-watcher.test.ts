import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { ChangeStep, WatchEnd, WatchOptions } from '../../src/watch/folder-watcher.ts';
import { watchFolder } from '../../src/watch/watch-folder.ts';
import { temporary } from '../helpers/temporary.ts';

if (process.platform !== 'linux') {
  process.exit();
}

/** Folders and names that were reported since it was last asked. */
async function watched(t: Test, folder: string, more: Partial<WatchOptions> = {}) {
  let seen = new Set<string>();
  const ends: WatchEnd[] = [];
  const steps = new Map<string, ChangeStep | undefined>();
  const changed = (at: string, name: string | undefined, step?: ChangeStep): void => {
    seen.add(`${at}/${name ?? '*'}`);
    if (step !== undefined) steps.set(`${at}/${name ?? '*'}`, step);
  };
  const options = { folder, skips: () => false, oneFileSystem: false, ...more };
  const watcher = watchFolder(options, { changed, ended: (end) => ends.push(end) });
  t.teardown(() => watcher.close());
  await watcher.ready;
  const seenOf = async (): Promise<string[]> => {
    await sleep(500);
    const all = [...seen].sort();
    seen = new Set();
    return all;
  };
  return { watcher, ends, steps, seen: seenOf };
}

t.test('every kind of change is reported with its folder and name', async (t) => {
  const base = temporary(t);
  const path = (name: string) => join(base, name);
  mkdirSync(path('a/b/c'), { recursive: true });
  writeFileSync(path('a/b/old'), 'x');
  writeFileSync(path('a/gone'), 'x');
  symlinkSync('a', path('link'));
  const { seen, ends, steps } = await watched(t, base);
  t.same(await seen(), [], 'what was there is no news');

  writeFileSync(path('new'), 'x');
  appendFileSync(path('a/b/old'), 'y');
  unlinkSync(path('a/gone'));
  mkdirSync(path('a/b/c/d'));
  const held = openSync(path('a/held'), 'w');
  writeSync(held, 'still open');
  t.same(await seen(), ['/new', 'a/b/c/d', 'a/b/c/d/*', 'a/b/old', 'a/gone', 'a/held'].sort());
  t.equal(steps.get('/new'), 'whole');
  t.equal(steps.get('a/held'), 'part');
  utimesSync(path('a/b/old'), 1, 2);
  writeSync(held, 'more');
  t.same(await seen(), ['a/b/old', 'a/held']);
  closeSync(held);
  t.same(await seen(), ['a/held']);
  t.equal(steps.get('a/held'), 'whole');
  t.same(ends, []);
});

t.test('what appears in folders made, unpacked or moved a moment ago is not missed', async (t) => {
  const base = temporary(t);
  const apart = temporary(t);
  const { seen } = await watched(t, base);
  for (let i = 0; i < 40; i++) {
    const file = join(base, `${i}`, 'x', 'y', 'z', 'file');
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, 'x');
  }
  const first = await seen();
  for (let i = 0; i < 40; i++) t.ok(first.includes(`${i}/x/y/z/*`), `folder ${i}`);
  appendFileSync(join(base, '7/x/y/z/file'), 'x');
  t.same(await seen(), ['7/x/y/z/file']);

  renameSync(join(base, '7'), join(base, '8', 'moved'));
  renameSync(join(base, '9'), join(apart, 'out'));
  mkdirSync(join(apart, 'in', 'deep'), { recursive: true });
  renameSync(join(apart, 'in'), join(base, 'in'));
  const moved = await seen();
  for (const one of ['/7', '8/moved', '8/moved/x/y/z/*', '/9', '/in', 'in/deep/*']) t.ok(moved.includes(one), one);
  appendFileSync(join(base, '8/moved/x/y/z/file'), 'x');
  appendFileSync(join(apart, 'out/x/y/z/file'), 'x');
  writeFileSync(join(base, 'in/deep/new'), 'x');
  t.same(await seen(), ['8/moved/x/y/z/file', 'in/deep/new'], 'under their new names; what went out is no concern');
});

t.test('folders that are skipped are not watched', async (t) => {
  const base = temporary(t);
  mkdirSync(join(base, 'node_modules/deep'), { recursive: true });
  const { seen } = await watched(t, base, { skips: (path) => path.endsWith('node_modules') });
  writeFileSync(join(base, 'node_modules/deep/file'), 'x');
  mkdirSync(join(base, 'a'));
  mkdirSync(join(base, 'a/node_modules'));
  await seen();
  writeFileSync(join(base, 'a/node_modules/file'), 'x');
  t.same(await seen(), []);
});

t.test('more than the queue holds ends the watch and says so', async (t) => {
  const base = temporary(t);
  const { ends } = await watched(t, base);
  // Nothing reads the queue meanwhile: it holds 16,384 records unless the system says otherwise.
  for (let i = 0; i < 17_000; i++) writeFileSync(join(base, `${i % 100} of many`), `${i}`);
  await sleep(500);
  t.match(ends, [{ why: 'overflow' }]);
});

t.test('a folder that is moved or removed ends the watch', async (t) => {
  for (const away of [
    (folder: string) => renameSync(folder, `${folder} moved`),
    (folder: string) => rmSync(folder, { recursive: true }),
  ]) {
    const base = join(temporary(t), 'folder');
    mkdirSync(base);
    const { ends } = await watched(t, base);
    away(base);
    await sleep(500);
    t.match(ends, [{ why: 'gone' }]);
  }
  const { ends } = await watched(t, join(temporary(t), 'never there'));
  t.match(ends, [{ why: 'gone' }]);
});

t.test('a disk that is mounted is watched, and its unmounting ends the watch', async (t) => {
  const base = temporary(t);
  const disk = join(base, 'disk');
  mkdirSync(join(disk), { recursive: true });
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'none', disk], { stdio: 'ignore' });
  } catch {
    t.comment('mounting is not allowed here');
    return;
  }
  t.teardown(() => void execFileSync('sh', ['-c', `umount -l '${disk}' 2>/dev/null || true`]));
  const inside = await watched(t, disk);
  const around = await watched(t, base);
  const apart = await watched(t, base, { oneFileSystem: true });
  writeFileSync(join(disk, 'file'), 'x');
  t.same(await inside.seen(), ['/file']);
  t.same(await around.seen(), ['disk/file']);
  t.same(await apart.seen(), []);
  execFileSync('umount', [disk]);
  await sleep(500);
  t.match(inside.ends, [{ why: 'gone' }]);
  t.same(around.ends, []);
});

t.test(
  'names that are not UTF-8 are reported in their readable form, and folders out of reach are said to be',
  async (t) => {
    const base = temporary(t);
    const { seen } = await watched(t, base);
    writeFileSync(Buffer.from(`${base}/caf\xe9`, 'latin1'), 'x');
    t.same(await seen(), ['/caf\\xE9']);
    mkdirSync(Buffer.from(`${base}/fold\xe9r`, 'latin1'));
    t.match((await watched(t, base)).watcher.blind, /^fold/);
  },
);

t.test('a folder whose path is too long does not end the watch', async (t) => {
  const base = temporary(t);
  t.teardown(() => execFileSync('rm', ['-rf', base]));
  const script =
    'import os, sys\nos.chdir(sys.argv[1])\nfor i in range(30):\n os.mkdir("d" * 200); os.chdir("d" * 200)';
  execFileSync('python3', ['-c', script, base]);
  const { watcher, ends, seen } = await watched(t, base);
  t.ok((watcher.blind?.length ?? 0) > 3000);
  writeFileSync(join(base, 'file'), 'x');
  t.same(await seen(), ['/file']);
  t.same(ends, []);
});
