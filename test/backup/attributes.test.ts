import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  lchownSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { BackupSummary } from '../../src/backup/tally.ts';
import { XATTRS_MAX } from '../../src/cloud/limits.ts';
import type { HttpRemote } from '../../src/cloud/http/http-remote.ts';
import type { Attributes } from '../../src/cloud/records.ts';
import { background } from '../../src/vfs/context.ts';
import { blocksOf, openSet, tree } from '../helpers/backup-set.ts';
import { smallDisk, temporary } from '../helpers/temporary.ts';

t.setTimeout(500_000);

const ODD = join(import.meta.dirname, '../helpers/odd-tree.py');
const isRoot = process.getuid?.() === 0;
const NOTHING: Partial<BackupSummary> = { added: 0, changed: 0, touched: 0, moved: 0, removed: 0, problemCount: 0 };

function odd(what: string, folder: string, ...more: string[]): string {
  return execFileSync('python3', [ODD, what, folder, ...more], { encoding: 'utf8', maxBuffer: 2 ** 28 });
}

/** Removes what Node cannot. */
function removesLong(t: Test, folder: string): void {
  t.teardown(() => execFileSync('rm', ['-rf', folder]));
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** A node as `odd-tree.py rebuild` takes it. */
function described({ mode, mtime, xattrs = {}, posix }: Attributes) {
  const { uid, gid, mtimeNs } = posix ?? {};
  if (Number(mtimeNs) / 1e6 !== mtime) throw new Error(`${mtimeNs} ns do not round to ${mtime} ms`);
  return { mode, uid, gid, mtimeNs, xattrs };
}

/** Makes the tree again from the records and blocks of the cloud alone. */
async function rebuilt(t: Test, remote: HttpRemote): Promise<string> {
  const folder = temporary(t);
  const { attributes } = await remote.openBackup('set', background);
  const lines: object[] = [{ path: '', kind: 'folder', ...described(attributes as Attributes) }];
  const nodes = await tree(remote);
  const raw = new Map<string, Buffer>([['', Buffer.alloc(0)]]);
  for (const [path, node] of [...nodes].sort(([a], [b]) => a.split('/').length - b.split('/').length)) {
    const above = raw.get(path.split('/').slice(0, -1).join('/')) as Buffer;
    const name = node.posix?.name === undefined ? Buffer.from(node.name) : Buffer.from(node.posix.name, 'base64');
    const place = above.length === 0 ? name : Buffer.concat([above, Buffer.from('/'), name]);
    raw.set(path, place);
    const blocks = node.kind === 'file' ? await blocksOf(remote, node) : [];
    lines.push({
      path: place.toString('base64'),
      kind: node.kind,
      ...described(node),
      target: node.posix?.target ?? base64(node.target ?? ''),
      size: node.size,
      blocks: blocks.map((block) => Buffer.from(block).toString('base64')),
      ...(node.posix?.link === undefined ? {} : { link: node.posix.link }),
    });
  }
  const input = lines.map((line) => JSON.stringify(line)).join('\n');
  execFileSync('python3', [ODD, 'rebuild', folder], { input, maxBuffer: 2 ** 28 });
  return folder;
}

/** What rsync would have to do to make one tree the other, times to the second. */
function differences(from: string, to: string): string {
  const args = ['-aHAXnc', '--no-devices', '--no-specials', '--delete', '--itemize-changes', `${from}/`, `${to}/`];
  const { stdout, stderr } = spawnSync('rsync', args, { encoding: 'utf8' });
  return stdout + stderr.replace(/^skipping non-regular file .*\n/gm, '');
}

async function checkEqual(t: Test, folder: string, remote: HttpRemote): Promise<void> {
  const copy = await rebuilt(t, remote);
  t.same(odd('list', copy).split('\n'), odd('list', folder).split('\n'), 'equal to the nanosecond');
  t.equal(
    differences(folder, copy)
      .split('\n')
      .filter((line) => !/^skipping|^$/.test(line))
      .join('\n'),
    '',
    'rsync has nothing to do',
  );
}

t.test('a tree with every oddity can be made again from the cloud alone', async (t) => {
  const { folder, run, remote, problems, proxy, loseIndex } = await openSet(t);
  odd('make', folder);
  const skipped = isRoot ? 3 : 2;
  t.match(await run(), { problemCount: 0, paused: undefined });
  t.equal((await problems()).filter((problem) => problem.skipped).length, skipped);
  await checkEqual(t, folder, remote);
  const nodes = await tree(remote);
  t.match(nodes.get('caf\\xE9')?.posix, {
    v: 1,
    name: base64('x').slice(0, 0) + Buffer.from('caf\xe9', 'latin1').toString('base64'),
  });
  t.match(nodes.get('caf\\x5CxE9'), { posix: { name: base64('caf\\xE9') } });
  t.match(nodes.get('fold\\xE9r/in \\xFC'), { kind: 'file' });
  if (isRoot) t.match(nodes.get('plain'), { posix: { uid: 1, gid: 2, user: 'daemon', group: 'bin' } });
  t.equal(new Set(['plain', 'hard 1', 'hard 2', 'folder/hard 3'].map((path) => nodes.get(path)?.posix?.link)).size, 1);

  proxy.reset();
  t.match(await run(), NOTHING);
  t.equal(proxy.count(/intents|blocks|attributes/), 0, 'a second run sends nothing');
  await loseIndex();
  t.match(await run(), NOTHING, 'nor does one that has lost its index');
  t.equal(proxy.count(/intents|attributes/), 0);
});

t.test('names that are not UTF-8 are looked at one by one, and follow what happens to them', async (t) => {
  const { folder, run, remote } = await openSet(t);
  odd('make', folder);
  await run();
  const bytes = (name: string) => Buffer.concat([Buffer.from(`${folder}/`), Buffer.from(name, 'latin1')]);
  const before = await tree(remote);
  writeFileSync(bytes('fold\xe9r/in \xfc'), 'changed');
  writeFileSync(bytes(`${'\xfe'.repeat(255)}/in it`), 'changed, too');
  const cut = [...before.keys()].find((path) => /^(\\xFE)+\\x~[0-9a-f]+$/.test(path)) ?? '';
  const scope = new Map([
    ['fold\\xE9r', new Set(['in \\xFC'])],
    [cut, new Set(['in it'])],
  ]);
  t.match(await run({ scope }), { changed: 2, problemCount: 0 });
  renameSync(bytes('fold\xe9r'), bytes('moved \xe9'));
  renameSync(bytes('caf\xe9'), bytes('th\xe9'));
  renameSync(bytes('\xff\xfe'), bytes('plain now'));
  t.match(await run(), { added: 0, moved: 3, removed: 0, uploaded: { bytes: 0 } });
  const after = await tree(remote);
  t.equal(after.get('moved \\xE9/in \\xFC')?.id, before.get('fold\\xE9r/in \\xFC')?.id);
  t.equal(after.get('plain now')?.id, before.get('\\xFF\\xFE')?.id);
  await checkEqual(t, folder, remote);
  t.match(await run(), NOTHING);
});

t.test('a change of attributes alone sends no bytes', { skip: !isRoot && 'needs root' }, async (t) => {
  const { folder, run, remote, proxy } = await openSet(t);
  odd('make', folder);
  await run();
  const path = (name: string) => join(folder, name);
  const set = (...args: string[]) => execFileSync('setfattr', args);
  const cases: [what: string, change: () => void, touched: number][] = [
    ['owner of a file', () => lchownSync(path('exact'), 3, 3), 1],
    ['owner of a link', () => lchownSync(path('dangling'), 3, 3), 1],
    ['owner of a folder', () => lchownSync(path('empty'), 3, 3), 1],
    ['mode of a folder', () => chmodSync(path('empty'), 0o500), 1],
    ['time', () => utimesSync(path('none'), 5, 5), 1],
    ['time of a folder', () => utimesSync(path('empty'), 5, 5), 1],
    ['an attribute more', () => set('-n', 'user.more', '-v', '0x00ff', path('exact')), 1],
    ['another value', () => set('-n', 'user.more', '-v', '0x00fe', path('exact')), 1],
    ['one less', () => set('-x', 'user.more', path('exact')), 1],
    ['of a folder', () => set('-n', 'user.x', '-v', 'y', path('folder/inner')), 1],
    ['of a folder, less', () => set('-x', 'user.x', path('folder/inner')), 1],
    ['an ACL', () => execFileSync('setfacl', ['-m', 'u:7:r', path('none')]), 1],
    ['a default ACL', () => execFileSync('setfacl', ['-d', '-m', 'u:7:r', path('empty')]), 1],
    ['no ACL', () => execFileSync('setfacl', ['-b', path('exact')]), 1],
    ['of one file with several names', () => lchownSync(path('hard 1'), 9, 9), 4],
    ['the root folder', () => chmodSync(folder, 0o711), 0],
  ];
  for (const [what, change, touched] of cases) {
    proxy.reset();
    change();
    t.match(await run(), { ...NOTHING, touched, uploaded: { bytes: 0, blocks: 0 } }, what);
    t.equal(proxy.count(/POST \/v1\/blocks$/), 0, what);
    t.match(await run(), NOTHING, `${what}: once`);
  }
  await checkEqual(t, folder, remote);
});

t.test('a file that moves and changes its attributes keeps both', { skip: !isRoot && 'needs root' }, async (t) => {
  const { folder, run, remote } = await openSet(t);
  odd('make', folder);
  await run();
  renameSync(join(folder, 'exact'), join(folder, 'folder/moved'));
  lchownSync(join(folder, 'folder/moved'), 77, 78);
  execFileSync('setfattr', ['-n', 'user.moved', '-v', 'yes', join(folder, 'folder/moved')]);
  t.match(await run(), { added: 0, changed: 0, moved: 1, removed: 0, uploaded: { bytes: 0 } });
  await checkEqual(t, folder, remote);
});

t.test('links are made and cut', async (t) => {
  const { folder, run, remote } = await openSet(t);
  writeFileSync(join(folder, 'a'), 'one file');
  await run();
  const ln = (from: string, to: string) => execFileSync('ln', [join(folder, from), join(folder, to)]);
  ln('a', 'b');
  t.match(await run(), { added: 1, touched: 1, uploaded: { bytes: 0 } });
  await checkEqual(t, folder, remote);
  renameSync(join(folder, 'a'), join(folder, 'c'));
  t.match(await run(), { added: 0, moved: 1, removed: 0 });
  await checkEqual(t, folder, remote);
  execFileSync('sh', ['-c', 'cp -p "$0/b" "$0/new" && mv "$0/new" "$0/b"', folder]);
  t.match(await run(), { uploaded: { bytes: 0 } });
  await checkEqual(t, folder, remote);
});

t.test(
  'what becomes of one name of a file becomes of its others, though only the one is known to have changed',
  async (t) => {
    const { folder, run, remote } = await openSet(t);
    mkdirSync(join(folder, 'folder'));
    for (const name of ['a', 'alone', 'still']) writeFileSync(join(folder, name), `first ${name}`);
    const ln = (from: string, to: string) => linkSync(join(folder, from), join(folder, to));
    ln('a', 'folder/a');
    for (let i = 0; i < 20; i++) ln('a', `folder/a ${i}`);
    await run();
    const of = (...names: string[]) => run({ scope: new Map([['', new Set(names)]]) });

    writeFileSync(join(folder, 'a'), 'second');
    await of('a');
    await checkEqual(t, folder, remote);
    ln('alone', 'alone no more');
    await of('alone no more');
    await checkEqual(t, folder, remote);
    rmSync(join(folder, 'alone no more'));
    await of('alone no more');
    await checkEqual(t, folder, remote);
    execFileSync('sh', ['-c', 'cp -p "$0/still" "$0/new" && mv "$0/new" "$0/a" && rm "$0/folder/a"', folder]);
    await of('a');
    t.match(await of('a', 'still'), NOTHING, 'what is as it was needs no other look');
    t.match(await run(), { touched: 0, changed: 0, removed: 0 }, 'nothing is left to a run of everything');
    await checkEqual(t, folder, remote);
  },
);

t.test('folders 200 deep, on paths that no system call takes', async (t) => {
  const { folder, run, remote } = await openSet(t);
  removesLong(t, folder);
  odd('deep', folder, '200');
  t.match(await run(), { added: 400, problemCount: 0 });
  t.match(await run(), NOTHING);
  const list = odd('list', folder).split('\n');
  t.equal(list.length, 402);
  const copy = await rebuilt(t, remote);
  removesLong(t, copy);
  t.same(odd('list', copy).split('\n'), list);
  const deepest = [...(await tree(remote)).keys()].sort((a, b) => b.length - a.length)[0] ?? '';
  const name = deepest.slice(deepest.lastIndexOf('/') + 1);
  const scope = new Map([[deepest.slice(0, -name.length - 1), new Set([name])]]);
  t.match(await run({ scope }), NOTHING);
});

t.test(
  'attributes that are too large are named in each run, and the rest is kept',
  { skip: !isRoot && 'needs root' },
  async (t) => {
    const { folder, run, remote, problems } = await openSet(t);
    const disk = smallDisk(t, 2 ** 24);
    writeFileSync(join(disk, 'file'), 'content');
    mkdirSync(join(folder, 'disk'));
    execFileSync('mount', ['--bind', disk, join(folder, 'disk')]);
    t.teardown(() => execFileSync('umount', [join(folder, 'disk')]));
    const script = `import os, sys; [os.setxattr(sys.argv[1], 'user.%d' % i, b'x' * 30000) for i in range(3)]`;
    execFileSync('python3', ['-c', script, join(disk, 'file')]);
    for (let round = 1; round <= 2; round++) {
      await run({ now: () => round });
      t.match(await problems(), [
        { path: 'disk/file', reason: new RegExp(`more than ${XATTRS_MAX / 1024} KiB`), at: round },
      ]);
    }
    t.match((await tree(remote)).get('disk/file'), {
      size: 7,
      mode: statSync(join(disk, 'file')).mode & 0o7777,
    });
    execFileSync('setfattr', ['-x', 'user.1', join(disk, 'file')]);
    await run();
    t.same(await problems(), []);
    t.same(Object.keys((await tree(remote)).get('disk/file')?.xattrs ?? {}).sort(), ['user.0', 'user.2']);
  },
);
