import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { BackupOptions } from '../../src/backup/run.ts';
import type { NodeRecord } from '../../src/cloud/records.ts';
import { background } from '../../src/vfs/context.ts';
import { contentOf, openSet } from '../helpers/backup-set.ts';

t.setTimeout(500_000);

/** The properties of the source that a mirror has, in the same form as `shown`. */
function listed(folder: string, base = ''): string[] {
  return readdirSync(join(folder, base), { withFileTypes: true })
    .flatMap((entry) => {
      const path = base === '' ? entry.name : `${base}/${entry.name}`;
      if (entry.isSymbolicLink()) return [`${path} symlink`];
      const { mode, mtimeNs, size } = statSync(join(folder, path), { bigint: true });
      // `mtimeMs` is rounded otherwise.
      const mtime = Math.round(Number(mtimeNs) / 1e6);
      const line = `${path} ${(mode & 0o7777n).toString(8)} ${mtime} ${entry.isFile() ? size : ''}`;
      return entry.isDirectory() ? [line, ...listed(folder, path)] : [line];
    })
    .sort();
}

function shown(mirror: ReadonlyMap<string, NodeRecord>): string[] {
  return [...mirror]
    .map(([path, { kind, mode, mtime, size }]) => {
      if (kind === 'symlink') return `${path} symlink`;
      return `${path} ${mode.toString(8)} ${Math.round(mtime)} ${kind === 'file' ? size : ''}`;
    })
    .sort();
}

function fill(folder: string, count: number): void {
  for (let i = 0; i < count; i++) {
    const dir = join(folder, `dir ${i % 20}`, `sub ${i % 3}`);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, `file ${i}.txt`), `content of file ${i}\n`.repeat(1 + (i % 50)));
  }
}

t.test('a tree is mirrored with its contents, modes, times and links; a second run sends nothing', async (t) => {
  const { folder, run, mirror, remote, proxy } = await openSet(t);
  fill(folder, 600);
  writeFileSync(join(folder, 'large'), Buffer.alloc(11 * 1024 * 1024 + 3, 'large content'));
  writeFileSync(join(folder, 'empty'), '');
  chmodSync(join(folder, 'empty'), 0o600);
  utimesSync(join(folder, 'empty'), 1e9, 1234567890.5);
  symlinkSync('../nowhere', join(folder, 'link'));
  linkSync(join(folder, 'large'), join(folder, 'large again'));

  const first = await run();
  t.match(first, { problems: { length: 0 }, paused: undefined, changed: 0, removed: 0, moved: 0 });
  const nodes = await mirror();
  t.same(shown(nodes), listed(folder));
  t.equal(nodes.get('link')?.target, '../nowhere');
  for (const path of ['large', 'large again', 'empty', 'dir 7/sub 1/file 7.txt']) {
    const node = nodes.get(path) as NodeRecord;
    t.ok(readFileSync(join(folder, path)).equals(await contentOf(remote, node)), path);
  }

  proxy.reset();
  const second = await run();
  t.match(second, { added: 0, changed: 0, touched: 0, moved: 0, removed: 0, uploaded: { bytes: 0 } });
  const [open, feed, ...rest] = proxy.seen.map(({ method, path }) => `${method} ${path}`);
  t.equal(open, 'POST /v1/spaces');
  t.match(feed, /^GET \/v1\/spaces\/[^/]+\/feed\?/);
  t.same(rest, []);
});

t.test('changes, touches, removals and other kinds follow', async (t) => {
  const { folder, run, mirror } = await openSet(t);
  fill(folder, 60);
  symlinkSync('a', join(folder, 'link'));
  writeFileSync(join(folder, 'becomes folder'), 'x');
  mkdirSync(join(folder, 'becomes file', 'deep'), { recursive: true });
  writeFileSync(join(folder, 'becomes file', 'deep', 'y'), 'y');
  await run();

  appendFileSync(join(folder, 'dir 0', 'sub 0', 'file 0.txt'), 'more');
  chmodSync(join(folder, 'dir 1', 'sub 1', 'file 1.txt'), 0o640);
  utimesSync(join(folder, 'dir 2', 'sub 2', 'file 2.txt'), 5, 6);
  rmSync(join(folder, 'dir 3'), { recursive: true });
  unlinkSync(join(folder, 'link'));
  symlinkSync('b', join(folder, 'link'));
  unlinkSync(join(folder, 'becomes folder'));
  mkdirSync(join(folder, 'becomes folder'));
  rmSync(join(folder, 'becomes file'), { recursive: true });
  writeFileSync(join(folder, 'becomes file'), 'z');

  const summary = await run();
  t.match(summary, { problems: { length: 0 }, paused: undefined, changed: 1 });
  const nodes = await mirror();
  t.same(shown(nodes), listed(folder));
  t.equal(nodes.get('link')?.target, 'b');
  t.match(await run(), { added: 0, changed: 0, touched: 0, moved: 0, removed: 0 });
});

t.test('a renamed file is moved in the mirror, and not uploaded again', async (t) => {
  const { folder, run, mirror, proxy } = await openSet(t);
  fill(folder, 200);
  await run();
  const before = await mirror();

  renameSync(join(folder, 'dir 0'), join(folder, 'zz moved'));
  renameSync(join(folder, 'dir 1', 'sub 1', 'file 1.txt'), join(folder, '0 first.txt'));
  renameSync(join(folder, 'dir 2', 'sub 2', 'file 2.txt'), join(folder, 'zz moved', 'last.txt'));
  execFileSync('cp', ['-p', join(folder, 'dir 4', 'sub 1', 'file 4.txt'), join(folder, 'copied and removed')]);
  unlinkSync(join(folder, 'dir 4', 'sub 1', 'file 4.txt'));

  proxy.reset();
  const summary = await run();
  t.match(summary, {
    problems: { length: 0 },
    added: 0,
    changed: 0,
    removed: 0,
    moved: 4,
    uploaded: { bytes: 0, blocks: 0 },
  });
  t.equal(proxy.count(/POST \/v1\/blocks$/), 0);
  const nodes = await mirror();
  t.same(shown(nodes), listed(folder));
  t.equal(nodes.get('zz moved')?.id, before.get('dir 0')?.id);
  t.equal(nodes.get('0 first.txt')?.id, before.get('dir 1/sub 1/file 1.txt')?.id);
  t.equal(nodes.get('zz moved/last.txt')?.id, before.get('dir 2/sub 2/file 2.txt')?.id);
  t.equal(nodes.get('copied and removed')?.id, before.get('dir 4/sub 1/file 4.txt')?.id);
});

t.test('names that are exchanged, rotated and reused', async (t) => {
  const { folder, run, mirror, remote } = await openSet(t);
  const path = (name: string) => join(folder, name);
  for (const name of ['a', 'b', 'log', 'log.1', 'log.2', 'kept']) writeFileSync(path(name), `this was ${name}`);
  for (const name of ['x', 'y']) {
    mkdirSync(path(name));
    writeFileSync(join(folder, name, 'inside'), `inside ${name}`);
  }
  await run();
  for (const [from, to] of [
    ['a', 't'],
    ['b', 'a'],
    ['t', 'b'],
    ['x', 'u'],
    ['y', 'x'],
    ['u', 'y'],
  ] as const) {
    renameSync(path(from), path(to));
  }
  renameSync(path('log.1'), path('log.2'));
  renameSync(path('log'), path('log.1'));
  writeFileSync(path('log'), 'a new log');
  renameSync(path('kept'), path('0 kept'));
  writeFileSync(path('kept'), 'another one under the old name');

  const summary = await run();
  t.match(summary, { problems: { length: 0 }, paused: undefined });
  const nodes = await mirror();
  t.same(shown(nodes), listed(folder));
  for (const [name, node] of nodes) {
    if (node.kind === 'file') t.ok(readFileSync(path(name)).equals(await contentOf(remote, node)), name);
  }
  t.match(await run(), { added: 0, changed: 0, touched: 0, moved: 0, removed: 0 });
});

t.test('a lost index is rebuilt without an upload', async (t) => {
  const { folder, run, mirror, proxy, loseIndex } = await openSet(t);
  fill(folder, 100);
  await run();
  const before = await mirror();
  await loseIndex();
  proxy.reset();
  t.match(await run(), { added: 0, changed: 0, touched: 0, moved: 0, removed: 0, uploaded: { bytes: 0 } });
  t.equal(proxy.count(/POST \/v1\/blocks$/), 0);
  t.same(await mirror(), before);
  proxy.reset();
  await run();
  t.equal(proxy.count(), 2);
});

t.test('after six edits five versions are kept', async (t) => {
  const { folder, run, mirror, remote } = await openSet(t);
  for (let i = 0; i < 6; i++) {
    writeFileSync(join(folder, 'file'), `edit ${i}`);
    t.match(await run(), { problems: { length: 0 } });
  }
  const versions = await remote.versions((await mirror()).get('file')?.id ?? '', background);
  t.equal(versions.length, 5);
});

t.test('entries that cannot be mirrored are reported, and the others are mirrored', async (t) => {
  const { folder, run, mirror } = await openSet(t);
  fill(folder, 10);
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/bad `), Buffer.from([0xff, 0xfe])]), 'x');
  writeFileSync(join(folder, 'good \ufffd'), 'x');
  const summary = await run();
  t.equal(summary.problemCount, 0, 'what has no content is no problem');
  t.match(summary.problems, [{ path: 'pipe', reason: 'a socket, pipe or device has no content to keep' }]);
  const names = [...(await mirror()).keys()];
  t.ok(names.includes('good \ufffd') && names.includes('bad \\xFF\\xFE'));
  t.equal(names.filter((name) => name.endsWith('.txt')).length, 10);
});

t.test('a missing or emptied source removes nothing from the mirror', async (t) => {
  const { folder, run, mirror } = await openSet(t);
  fill(folder, 20);
  await run();
  const before = shown(await mirror());
  renameSync(folder, `${folder} away`);
  t.match(await run(), { paused: { kind: 'vanished', reason: /is its disk mounted/ }, removed: 0 });
  mkdirSync(folder);
  t.match(await run(), { paused: { kind: 'emptied', reason: /empty/ }, removed: 0 });
  t.same(shown(await mirror()), before);
  t.match(await run({ confirm: true }), { paused: undefined });
  t.same(shown(await mirror()), []);
});

t.test('removing more than half waits for confirmation, and all other changes are made', async (t) => {
  const { folder, run, mirror } = await openSet(t);
  fill(folder, 240);
  await run();
  for (let i = 0; i < 13; i++) rmSync(join(folder, `dir ${i}`), { recursive: true });
  writeFileSync(join(folder, 'new'), 'new');
  t.match(await run(), { paused: { kind: 'mass-removal', reason: /156 of 240 files/ }, removed: 0, added: 1 });
  t.equal([...(await mirror()).keys()].filter((path) => path.endsWith('.txt')).length, 240);
  t.match(await run({ confirm: true }), { paused: undefined, removed: 13 });
  t.same(shown(await mirror()), listed(folder));
});

/** The same names as `run` takes them. */
function scope(names: Record<string, string[] | 'all'>): BackupOptions['scope'] {
  return new Map(Object.entries(names).map(([folder, some]) => [folder, some === 'all' ? some : new Set(some)]));
}

t.test('a run of some names sees these, and nothing else', async (t) => {
  const { folder, run, mirror, proxy } = await openSet(t);
  const path = (name: string) => join(folder, name);
  fill(folder, 60);
  await run();
  const before = await mirror();

  appendFileSync(path('dir 0/sub 0/file 0.txt'), 'more');
  appendFileSync(path('dir 1/sub 1/file 1.txt'), 'not looked at');
  unlinkSync(path('dir 2/sub 2/file 2.txt'));
  renameSync(path('dir 4'), path('dir 5/moved'));
  mkdirSync(path('new/deep'), { recursive: true });
  writeFileSync(path('new/deep/file'), 'x');
  proxy.reset();
  const some = scope({
    '': ['dir 4', 'new', 'never there'],
    'dir 0/sub 0': ['file 0.txt'],
    'dir 2/sub 2': ['file 2.txt'],
    'dir 4/sub 1': ['file 4.txt'],
    'dir 5': 'all',
    'dir 5/moved/sub 1': 'all',
    'new/deep': ['file'],
  });
  t.match(await run({ scope: some }), { added: 3, changed: 1, removed: 1, moved: 1, lost: 2, paused: undefined });
  const nodes = await mirror();
  t.equal(nodes.get('dir 5/moved')?.id, before.get('dir 4')?.id);
  t.same(
    listed(folder).filter((line) => !line.includes('file 1.txt')),
    shown(nodes).filter((line) => !line.includes('file 1.txt')),
    'folders, too, whose times are those of what changed in them',
  );
  t.equal(nodes.get('dir 1/sub 1/file 1.txt')?.version, before.get('dir 1/sub 1/file 1.txt')?.version);
  t.match(await run({ scope: scope({ 'dir 1/sub 1': ['file 1.txt'] }) }), { changed: 1 });
  t.match(await run(), { added: 0, changed: 0, moved: 0, removed: 0 });
});

t.test('what is half of the files is counted with those that came by runs of some names', async (t) => {
  const { folder, run, mirror } = await openSet(t);
  t.match(await run(), { paused: undefined });
  fill(folder, 400);
  t.match(await run({ scope: scope({ '': 'all' }) }), { paused: undefined });
  for (let i = 0; i < 8; i++) rmSync(join(folder, `dir ${i}`), { recursive: true });
  t.match(await run({ scope: scope({ '': 'all' }) }), { paused: undefined, lost: 160 });
  for (let i = 8; i < 16; i++) rmSync(join(folder, `dir ${i}`), { recursive: true });
  t.match(await run({ scope: scope({ '': 'all' }) }), { paused: { reason: /^160 of 240 files/ } });
  t.equal([...(await mirror()).keys()].filter((path) => path.endsWith('.txt')).length, 240);
});

t.test(
  'a log that grows all the time, or is cut off, is taken as it was at a moment, one that is overwritten is reported',
  async (t) => {
    const { folder, run, mirror, remote } = await openSet(t);
    const lines = Buffer.alloc(12 * 1024 * 1024, 'a line\n');
    for (const name of ['cut', 'log', 'state']) writeFileSync(join(folder, name), lines);
    const program = `
    const { ftruncateSync, openSync, writeSync } = require('node:fs');
    const [cut, log, state] = [openSync('cut', 'r+'), openSync('log', 'a'), openSync('state', 'r+')];
    let lines = 0;
    for (;;) {
      ftruncateSync(cut, Math.max(100, ${lines.length} - 1000 * lines));
      writeSync(log, 'line ' + lines++ + '\\n');
      writeSync(state, 'state ' + lines, 1000);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }`;
    const writer = spawn(process.execPath, ['-e', program], { cwd: folder, stdio: 'ignore' });
    const ended = once(writer, 'exit');
    t.teardown(() => writer.kill('SIGKILL'));
    const before = statSync(join(folder, 'log')).size;
    while (statSync(join(folder, 'log')).size === before) await sleep(20);
    const { problems, paused } = await run();
    t.equal(paused, undefined);
    t.match(problems.at(-1), { path: 'state', reason: /being written/ });
    writer.kill('SIGKILL');
    await ended;
    const taken = async (name: string): Promise<Buffer | undefined> => {
      const node = (await mirror()).get(name);
      return node && (await contentOf(remote, node));
    };
    const log = (await taken('log')) ?? Buffer.alloc(0);
    t.ok(log.length > before);
    t.ok(readFileSync(join(folder, 'log')).subarray(0, log.length).equals(log), 'no byte is from another time');
    const cut = await taken('cut');
    if (cut === undefined) t.match(problems, [{ path: 'cut', reason: /being written/ }]);
    else t.ok(lines.subarray(0, cut.length).equals(cut), 'as it was at a moment');
    t.match(await run(), { problems: { length: 0 } }, 'the next run finds all at rest');
    t.same(shown(await mirror()), listed(folder));
  },
);

t.test('what is excluded is not in the mirror, or not any more', async (t) => {
  const { folder, run, mirror } = await openSet(t);
  for (const name of ['a/node_modules/x', 'a/b.tmp', 'a/keep.tmp', 'build/out', 'src/build/out']) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), name);
  }
  const exclude = ['node_modules/', '*.tmp', '!keep.tmp', '/build'];
  t.match(await run({ exclude }), { paused: undefined });
  const names = ['a', 'a/keep.tmp', 'src', 'src/build', 'src/build/out'];
  t.same([...(await mirror()).keys()].sort(), names);
  t.match(await run({ exclude, scope: scope({ a: ['b.tmp'], 'a/node_modules': 'all' }) }), { added: 0 });
  t.match(await run({ exclude: [...exclude, 'src'] }), { removed: 1 });
  t.same([...(await mirror()).keys()].sort(), ['a', 'a/keep.tmp']);
});

t.test('every file that could not be taken is in the log, until it is taken', async (t) => {
  const { folder, run, problems } = await openSet(t);
  mkdirSync(join(folder, 'pipes'));
  execFileSync('sh', ['-c', 'for i in $(seq 1200); do echo "$0/pipes/$i"; done | xargs mkfifo', folder]);
  execFileSync('mkfifo', [join(folder, 'a\npipe')]);
  t.match(await run({ now: () => 1 }), { problemCount: 0 });
  t.equal((await problems()).length, 1201);
  rmSync(join(folder, 'pipes/1'));
  rmSync(join(folder, 'pipes/2'));
  await run({ now: () => 2, scope: scope({ pipes: ['1'] }) });
  t.equal((await problems()).length, 1200, 'only what was looked at is known');
  await run({ now: () => 3, scope: scope({ pipes: 'all' }) });
  t.equal((await problems()).length, 1199);
  rmSync(join(folder, 'pipes'), { recursive: true });
  await run({ now: () => 4 });
  t.match(await problems(), [{ path: 'a\npipe', reason: /pipe/, skipped: true, at: 4 }]);
});

t.test('most files changed at once are kept as they were, also while nobody decides', async (t) => {
  const { folder, run, mirror } = await openSet(t);
  fill(folder, 240);
  await run();
  const before = await mirror();
  for (const line of listed(folder)) {
    const path = /^(.*\.txt) /.exec(line)?.[1];
    if (path) appendFileSync(join(folder, path), 'encrypted');
  }
  t.match(await run(), { paused: { kind: 'mass-change', reason: /of 240 files would be replaced/ }, changed: 120 });
  t.match(await run({ asked: true }), { paused: { kind: 'mass-change' }, changed: 0 });
  const kept = [...(await mirror())].filter(([path, { version }]) => before.get(path)?.version === version);
  t.equal(kept.filter(([path]) => path.endsWith('.txt')).length, 120);
  t.match(await run({ confirm: true }), { paused: undefined, changed: 120 });
  t.same(shown(await mirror()), listed(folder));
  t.match(await run({ recentlyLost: 100 }), { paused: undefined });
});

t.test('a cloud that disturbs is no obstacle, and one that is gone ends the run', async (t) => {
  const { folder, run, mirror, proxy } = await openSet(t);
  fill(folder, 300);
  let count = 0;
  proxy.affects = () => (count += 1) % 3 === 0;
  proxy.mode = { kind: 'reset', executed: true };
  t.match(await run(), { problems: { length: 0 }, added: 380, uploaded: { blocks: 300 } });
  proxy.reset();
  t.same(shown(await mirror()), listed(folder));
  writeFileSync(join(folder, 'new'), 'new');
  proxy.affects = ({ path }) => path !== '/v1/spaces';
  proxy.mode = { kind: 'refuse', status: 503 };
  await t.rejects(run(), { code: 'EAGAIN' });
  proxy.reset();
  t.match(await run(), { added: 1 });
});

t.test('an aborted run throws EINTR, and the next one continues', async (t) => {
  const { folder, run, mirror, proxy } = await openSet(t);
  fill(folder, 300);
  const stop = new AbortController();
  proxy.affects = ({ path }) => path === '/v1/intents' && (stop.abort(), false);
  await t.rejects(run({ signal: stop.signal }), { code: 'EINTR' });
  proxy.reset();
  t.match(await run(), { problems: { length: 0 } });
  t.same(shown(await mirror()), listed(folder));
});
