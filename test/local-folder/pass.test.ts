import {
  appendFileSync,
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { HaltError, type FolderHalt } from '../../src/local-folder/pass-notes.ts';
import { background as context } from '../../src/vfs/context.ts';
import { DirectCloud } from '../helpers/direct-cloud.ts';
import { openDevice, openPair, type TestDevice } from '../helpers/devices.ts';
import { SyncedFolder } from '../helpers/synced-folder.ts';
import { temporary } from '../helpers/temporary.ts';

async function rig(t: Test, fill: (folder: string, device: TestDevice) => unknown = () => undefined, selection = {}) {
  const dir = temporary(t);
  const cloud = await DirectCloud.open(dir);
  t.teardown(() => cloud.close());
  const remote = await cloud.device('alpha');
  const device = await openDevice(t, 'alpha', remote.self.id, { dir: join(dir, 'a'), remote });
  await device.sync();
  const folder = join(dir, 'folder');
  mkdirSync(folder);
  await fill(folder, device);
  const synced = await SyncedFolder.open(t, device, folder, selection);
  const put = (name: string, text: string): void => writeFileSync(synced.path(name), text);
  const same = async (t: Test, expected: Record<string, string>): Promise<void> => {
    await synced.settle();
    t.same(await synced.tree(), expected, 'the folder');
    t.same(await device.tree(), expected, 'the drive');
  };
  await synced.settle();
  return { device, synced, folder, put, same, dir };
}

async function halted(synced: SyncedFolder): Promise<FolderHalt | undefined> {
  const error: unknown = await synced.pass().catch((one: unknown) => one);
  return error instanceof HaltError ? error.halt : undefined;
}

t.test(
  'the first pass unites both sides: equal contents meet, different ones are both kept, nothing is removed',
  async (t) => {
    const { device, synced } = await rig(t, async (folder, device) => {
      mkdirSync(join(folder, 'both'));
      writeFileSync(join(folder, 'both/equal'), 'equal');
      writeFileSync(join(folder, 'both/differs.txt'), 'here');
      writeFileSync(join(folder, 'here'), 'here');
      writeFileSync(join(folder, 'kind'), 'a file');
      symlinkSync('somewhere', join(folder, 'link'));
      await device.mkdir('/Sync/both');
      await device.write('/Sync/both/equal', 'equal');
      await device.write('/Sync/both/differs.txt', 'there');
      await device.write('/Sync/there', 'there');
      await device.mkdir('/Sync/kind');
    });
    const tree = await device.tree();
    const [copy] = Object.keys(tree).filter((path) => path.includes('differs (conflict'));
    const [kind] = Object.keys(tree).filter((path) => path.includes('kind (conflict'));
    t.same(tree, {
      '/Sync/both/': '',
      '/Sync/both/equal': 'equal',
      '/Sync/both/differs.txt': 'there',
      [copy ?? 'no copy']: 'here',
      '/Sync/here': 'here',
      '/Sync/there': 'there',
      '/Sync/kind/': '',
      [kind ?? 'no copy']: 'a file',
      '/Sync/link': 'link',
    });
    t.same(await synced.tree(), tree);
    t.same(
      (await device.gateway.conflicts()).map(({ path }) => path).toSorted((one, other) => one.localeCompare(other)),
      [kind, copy].toSorted((one = '', other = '') => one.localeCompare(other)),
      'they are listed',
    );
  },
);

t.test('edits, new files and removals go both ways', async (t) => {
  const { device, synced, put, same } = await rig(t);
  mkdirSync(synced.path('a/b'), { recursive: true });
  put('a/b/one', '1');
  put('two', '2');
  await device.write('/Sync/three', '3');
  await same(t, { '/Sync/a/': '', '/Sync/a/b/': '', '/Sync/a/b/one': '1', '/Sync/two': '2', '/Sync/three': '3' });
  put('a/b/one', 'one');
  await device.write('/Sync/two', 'zwei');
  unlinkSync(synced.path('three'));
  await same(t, { '/Sync/a/': '', '/Sync/a/b/': '', '/Sync/a/b/one': 'one', '/Sync/two': 'zwei' });
  await device.removeTree('/Sync/a');
  await same(t, { '/Sync/two': 'zwei' });
  rmSync(synced.path('two'));
  mkdirSync(synced.path('two'));
  put('two/now a folder', 'x');
  await same(t, { '/Sync/two/': '', '/Sync/two/now a folder': 'x' });
  await device.removeTree('/Sync/two');
  await device.write('/Sync/two', 'a file again');
  await same(t, { '/Sync/two': 'a file again' });
});

t.test('times and modes go both ways, and a rewrite of equal bytes sends nothing', async (t) => {
  const { device, synced, put } = await rig(t);
  put('file', 'content');
  chmodSync(synced.path('file'), 0o750);
  utimesSync(synced.path('file'), 1e9, 1e9);
  await synced.settle();
  const first = await device.stat('/Sync/file');
  t.equal(first.mode & 0o777, 0o750);
  t.equal(first.mtime, 1e12);
  put('file', 'content');
  await synced.settle();
  const second = await device.stat('/Sync/file');
  t.equal(second.version, first.version, 'the content is the same version');
  t.not(second.mtime, first.mtime);
  await device.fs.setattr(first.id, { mode: 0o4640, mtime: 1.2e12 }, context);
  await synced.settle();
  const stats = statSync(synced.path('file'));
  t.equal(stats.mode & 0o7777, 0o640, 'no setuid comes from elsewhere');
  t.equal(stats.mtimeMs, 1.2e12);
});

t.test('what is moved here keeps its node, with what is in it', async (t) => {
  const { device, synced, put, same } = await rig(t);
  mkdirSync(synced.path('album'));
  put('album/1.jpg', 'one');
  put('album/2.jpg', 'two');
  await synced.settle();
  const [album, first] = [await device.stat('/Sync/album'), await device.stat('/Sync/album/1.jpg')];
  mkdirSync(synced.path('holidays'));
  renameSync(synced.path('album'), synced.path('holidays/2026'));
  renameSync(synced.path('holidays/2026/1.jpg'), synced.path('best.jpg'));
  put('holidays/2026/3.jpg', 'three');
  await same(t, {
    '/Sync/best.jpg': 'one',
    '/Sync/holidays/': '',
    '/Sync/holidays/2026/': '',
    '/Sync/holidays/2026/2.jpg': 'two',
    '/Sync/holidays/2026/3.jpg': 'three',
  });
  t.equal((await device.stat('/Sync/holidays/2026')).id, album.id);
  t.equal((await device.stat('/Sync/best.jpg')).id, first.id);
  t.equal((await device.stat('/Sync/best.jpg')).version, first.version);
});

t.test('what is moved in the drive is moved here, and names are swapped', async (t) => {
  const { device, synced, put, same } = await rig(t);
  mkdirSync(synced.path('a'));
  put('a/x', 'x');
  put('one', '1');
  put('two', '2');
  await synced.settle();
  const { ino } = statSync(synced.path('a/x'));
  await device.mkdir('/Sync/new');
  await device.rename('/Sync/a', '/Sync/new/a');
  await device.exchange('/Sync/one', '/Sync/two');
  await same(t, { '/Sync/new/': '', '/Sync/new/a/': '', '/Sync/new/a/x': 'x', '/Sync/one': '2', '/Sync/two': '1' });
  t.equal(statSync(synced.path('new/a/x')).ino, ino);
  renameSync(synced.path('one'), synced.path('swap'));
  renameSync(synced.path('two'), synced.path('one'));
  renameSync(synced.path('swap'), synced.path('two'));
  await same(t, { '/Sync/new/': '', '/Sync/new/a/': '', '/Sync/new/a/x': 'x', '/Sync/one': '1', '/Sync/two': '2' });
});

t.test('a folder that is moved on one side while a file in it is edited on the other keeps both', async (t) => {
  const { device, synced, put, same } = await rig(t);
  for (const name of ['p', 'q']) {
    mkdirSync(synced.path(name));
    put(`${name}/file`, name);
  }
  await synced.settle();
  renameSync(synced.path('p'), synced.path('p2'));
  await device.write('/Sync/p/file', 'edited there');
  await device.rename('/Sync/q', '/Sync/q2');
  put('q/file', 'edited here');
  await same(t, { '/Sync/p2/': '', '/Sync/p2/file': 'edited there', '/Sync/q2/': '', '/Sync/q2/file': 'edited here' });
});

t.test(
  'moved to different places on both sides, a node goes where the drive has it; a cycle is resolved',
  async (t) => {
    const { device, synced, put, same } = await rig(t);
    put('file', 'f');
    for (const name of ['a', 'b']) {
      mkdirSync(synced.path(name));
      put(`${name}/in ${name}`, name);
    }
    await synced.settle();
    renameSync(synced.path('file'), synced.path('here'));
    await device.rename('/Sync/file', '/Sync/there');
    renameSync(synced.path('a'), synced.path('b/a'));
    await device.rename('/Sync/b', '/Sync/a/b');
    await same(t, { '/Sync/there': 'f', '/Sync/a/': '', '/Sync/a/in a': 'a', '/Sync/a/b/': '', '/Sync/a/b/in b': 'b' });
  },
);

t.test('a true conflict leaves both contents on both sides, and equal changes none', async (t) => {
  const { device, synced, put } = await rig(t);
  put('report.odt', 'base');
  put('equal', 'base');
  await synced.settle();
  put('report.odt', 'here');
  await device.write('/Sync/report.odt', 'there');
  put('equal', 'the same');
  await device.write('/Sync/equal', 'the same');
  await synced.settle();
  const tree = await device.tree();
  t.same(Object.values(tree).sort(), ['here', 'the same', 'there']);
  t.equal(tree['/Sync/report.odt'], 'there', 'the name keeps what the drive has');
  t.same(await synced.tree(), tree);
  const [conflict] = await device.gateway.conflicts();
  t.match(conflict, { name: 'report.odt', path: /^\/Sync\/report \(conflict, alpha, .*\)\.odt$/ });
});

t.test('a removal loses to a change, on either side', async (t) => {
  const { device, synced, put, same } = await rig(t);
  for (const name of ['d', 'e']) {
    mkdirSync(synced.path(name));
    put(`${name}/kept`, 'base');
    put(`${name}/goes`, 'base');
  }
  await synced.settle();
  rmSync(synced.path('d'), { recursive: true });
  await device.write('/Sync/d/kept', 'changed there');
  await device.removeTree('/Sync/e');
  put('e/kept', 'changed here');
  await same(t, { '/Sync/d/': '', '/Sync/d/kept': 'changed there', '/Sync/e/': '', '/Sync/e/kept': 'changed here' });
});

t.test('symlinks are kept as links, and nothing is written or read through one', async (t) => {
  const { device, synced, put, dir } = await rig(t);
  const outside = join(dir, 'outside');
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret'), 'secret');
  symlinkSync('../outside', synced.path('link'));
  symlinkSync('/etc/passwd', synced.path('passwd'));
  mkdirSync(synced.path('folder'));
  put('folder/file', 'x');
  await synced.settle();
  t.equal(await device.fs.readlink((await device.stat('/Sync/link')).id, context), '../outside');
  // The folder becomes a link to the outside here while the drive gets something in it.
  rmSync(synced.path('folder'), { recursive: true });
  symlinkSync(outside, synced.path('folder'));
  await device.write('/Sync/folder/planted', 'planted');
  await device.write('/Sync/folder/file', 'changed');
  await synced.settle();
  t.same(readFileSync(join(outside, 'secret'), 'utf8'), 'secret');
  t.notOk(existsSync(join(outside, 'planted')));
  t.notOk(existsSync(join(outside, 'file')));
  await device.symlink('/Sync/evil', '/etc');
  await synced.settle();
  t.equal(readlinkSync(synced.path('evil')), '/etc');
  await device.unlink('/Sync/link');
  await synced.settle();
  t.ok(existsSync(join(outside, 'secret')));
  t.equal(lstatSync(synced.path('link'), { throwIfNoEntry: false }), undefined);
});

t.test('what is ignored stays where it is, on both sides', async (t) => {
  const { device, synced, put } = await rig(t, async (folder) => {
    writeFileSync(join(folder, '.fjordignore'), 'node_modules/\n*.tmp\n!kept.tmp\n');
    mkdirSync(join(folder, 'app/node_modules/x'), { recursive: true });
    writeFileSync(join(folder, 'app/node_modules/x/index.js'), 'x');
    writeFileSync(join(folder, 'a.tmp'), 'tmp');
    writeFileSync(join(folder, 'kept.tmp'), 'kept');
  });
  t.same(
    Object.keys(await device.tree()).sort(),
    ['/Sync/.fjordignore', '/Sync/app/', '/Sync/kept.tmp'].filter((one) => one !== '/Sync/app/'),
    'a folder with nothing else in it is left out, too',
  );
  put('app/main.js', 'main');
  await device.write('/Sync/b.tmp', 'there');
  await synced.settle();
  t.ok(await device.exists('/Sync/app/main.js'));
  t.notOk(existsSync(synced.path('b.tmp')));
  put('.fjordignore', '*.tmp\nkept.tmp\n');
  await synced.settle();
  t.ok(await device.exists('/Sync/kept.tmp'), 'what was synced is not removed as it is ignored');
  t.ok(existsSync(synced.path('kept.tmp')));
  t.ok(await device.exists('/Sync/app/node_modules/x/index.js'), 'what is not ignored any more is synced');
  await device.removeTree('/Sync/app');
  put('app/node_modules/x/y.tmp', 'ignored');
  await synced.settle();
  t.ok(existsSync(synced.path('app/node_modules/x/y.tmp')), 'what is ignored is not removed with its folder');
  t.notOk(await device.exists('/Sync/app'));
});

t.test('only chosen folders are synced', async (t) => {
  const { device, synced } = await rig(
    t,
    async (folder, device) => {
      mkdirSync(join(folder, 'work/old'), { recursive: true });
      writeFileSync(join(folder, 'work/old/draft'), 'd');
      writeFileSync(join(folder, 'elsewhere'), 'e');
      await device.mkdir('/Sync/films');
      await device.write('/Sync/films/long', 'film');
    },
    { only: ['work'], exclude: ['*.iso'] },
  );
  await device.write('/Sync/work/x.iso', 'iso');
  await synced.settle();
  t.ok(await device.exists('/Sync/work/old/draft'));
  t.notOk(await device.exists('/Sync/elsewhere'));
  t.notOk(existsSync(synced.path('films')));
  t.notOk(existsSync(synced.path('work/x.iso')));
});

t.test('the loss of most files waits for a person, on both sides', async (t) => {
  const { device, synced, put } = await rig(t);
  mkdirSync(synced.path('many'));
  for (let i = 0; i < 120; i++) put(`many/${i}`, String(i));
  await synced.settle();
  rmSync(synced.path('many'), { recursive: true });
  t.match(await halted(synced), { kind: 'removal', reason: /120 of 120 files are gone/ });
  t.equal(Object.keys(await device.tree()).length, 121);
  await synced.pass(undefined, true);
  t.same(await device.tree(), {});
  await device.mkdir('/Sync/more');
  for (let i = 0; i < 120; i++) await device.write(`/Sync/more/${i}`, String(i));
  await synced.settle();
  await device.removeTree('/Sync/more');
  t.match(await halted(synced), { kind: 'removal' });
  t.equal(Object.keys(await synced.tree()).length, 121);
  await synced.pass(undefined, true);
  t.same(await synced.tree(), {});
});

t.test('a folder that is gone, or another one, removes nothing', async (t) => {
  const { device, synced, put, folder } = await rig(t);
  put('file', 'x');
  await synced.settle();
  renameSync(folder, `${folder}.moved`);
  t.match(await halted(synced), { kind: 'gone', reason: /is not there/ });
  mkdirSync(folder);
  t.match(await halted(synced), { kind: 'gone', reason: /another folder/ });
  t.ok(await device.exists('/Sync/file'));
  rmSync(folder, { recursive: true });
  renameSync(`${folder}.moved`, folder);
  await synced.settle();
  t.same(await device.tree(), { '/Sync/file': 'x' });
});

t.test('what cannot be synced is named, and the rest goes on', async (t) => {
  const { device, synced, put } = await rig(t);
  writeFileSync(Buffer.concat([Buffer.from(`${synced.folder}/bad`), Buffer.from([0xff])]), 'x');
  put('good', 'good');
  const notes = await synced.pass();
  t.same([...notes.problems.values()], ['its name is not UTF-8; rename it']);
  t.same(await device.tree(), { '/Sync/good': 'good' });
});

t.test('a large file that is written while it is read is sent when it rests', async (t) => {
  const { device, synced, put } = await rig(t);
  put('log', 'a'.repeat(3 << 20));
  const passing = synced.pass();
  appendFileSync(synced.path('log'), 'b');
  await passing;
  appendFileSync(synced.path('log'), 'c');
  await synced.settle();
  t.equal((await device.stat('/Sync/log')).size, (3 << 20) + 2);
  t.match(await device.read('/Sync/log'), /bc$/);
});

t.test('it waits when the folder of the drive is removed', async (t) => {
  const { device, synced } = await rig(t, async (_folder, device) => device.mkdir('/Sync/sub'), {
    remote: '/Sync/sub',
  });
  writeFileSync(synced.path('x'), 'x');
  await synced.settle();
  t.equal(await device.read('/Sync/sub/x'), 'x');
  await device.removeTree('/Sync/sub');
  t.match(await halted(synced), { kind: 'remote-gone' });
  t.ok(existsSync(synced.path('x')));
});

t.test('a new folder of which the watcher has reported also what is in it is sent once', async (t) => {
  const { synced, same } = await rig(t);
  mkdirSync(synced.path('repo/sub/deep'), { recursive: true });
  for (const path of ['repo/a', 'repo/sub/b', 'repo/sub/deep/c']) writeFileSync(synced.path(path), path);
  const changed = new Map<string, Set<string> | 'all'>([
    ['', new Set(['repo'])],
    ['repo', new Set(['a', 'sub'])],
    ['repo/sub', 'all'],
    ['repo/sub/deep', new Set(['c'])],
  ]);
  await synced.pass({ local: changed, drive: new Set() });
  await same(t, {
    '/Sync/repo/': '',
    '/Sync/repo/a': 'repo/a',
    '/Sync/repo/sub/': '',
    '/Sync/repo/sub/b': 'repo/sub/b',
    '/Sync/repo/sub/deep/': '',
    '/Sync/repo/sub/deep/c': 'repo/sub/deep/c',
  });
});

t.test('a conflict copy of what was put aside for a moment gets a name without that', async (t) => {
  const { device, same } = await rig(t);
  await device.write('/Sync/.fjord-aside-0123456789ab-letter (conflict).txt', 'copy');
  await same(t, { '/Sync/letter (conflict).txt': 'copy' });
});

t.test('what a program writes into a file after another one has taken its place becomes a conflict copy', async (t) => {
  const { device, synced, put } = await rig(t);
  put('db', 'before');
  await synced.settle();
  const fd = openSync(synced.path('db'), 'r+');
  await device.write('/Sync/db', 'from there');
  await synced.settle();
  t.same(await synced.tree(), { '/Sync/db': 'from there' });
  writeSync(fd, 'late!!', 0);
  await synced.settle();
  const tree = await synced.tree();
  t.same(Object.values(tree).sort(), ['from there', 'late!!']);
  t.equal(tree['/Sync/db'], 'from there');
  writeSync(fd, 'later!', 0);
  closeSync(fd);
  await synced.settle();
  t.same(Object.values(await device.tree()).sort(), ['from there', 'later!'], 'its writer goes on in the copy');
  t.match(await device.gateway.conflicts(), [{ name: 'db', path: /^\/Sync\/db \(conflict/ }]);
});

t.test('a file that a program writes after it was removed elsewhere comes back', async (t) => {
  const { device, synced, same } = await rig(t);
  mkdirSync(synced.path('logs'));
  writeFileSync(synced.path('logs/log'), 'one');
  await synced.settle();
  const fd = openSync(synced.path('logs/log'), 'a');
  await device.removeTree('/Sync/logs');
  await same(t, {});
  writeSync(fd, ', two');
  await same(t, { '/Sync/logs/': '', '/Sync/logs/log': 'one, two' });
  closeSync(fd);
});

t.test('a replaced file that was open and is not written is dropped', async (t) => {
  const { device, synced, put } = await rig(t);
  put('db', 'before');
  await synced.settle();
  const fd = openSync(synced.path('db'), 'r+');
  await device.write('/Sync/db', 'from there');
  t.equal((await synced.settle()).waiting, 1);
  closeSync(fd);
  t.equal((await synced.settle()).waiting, 0);
  t.same(readdirSync(synced.path('.fjord-sync')), ['id']);
  t.same(await device.tree(), { '/Sync/db': 'from there' });
});

t.test('a replaced file that was written in the moment when Fjord was killed is kept', async (t) => {
  const { device, synced, put, folder } = await rig(t);
  put('db', 'before');
  put('other', 'other');
  await synced.settle();
  for (const [name, part] of [
    ['db', 'part-1'],
    ['other', 'part-2'],
  ] as const) {
    await device.write(`/Sync/${name}`, 'from there');
    renameSync(synced.path(name), synced.path(`.fjord-sync/${part}`));
    put(name, 'from there');
  }
  appendFileSync(synced.path('.fjord-sync/part-1'), ' and late');
  put('.fjord-sync/part-3', 'half of a new fi');
  await synced.sync.close();
  const again = await SyncedFolder.open(t, device, folder, { prepare: false });
  await again.settle();
  t.same(Object.values(await again.tree()).sort(), ['before and late', 'from there', 'from there']);
  t.same(await device.tree(), await again.tree());
  t.same(readdirSync(synced.path('.fjord-sync')), ['id']);
});

t.test('a move that is found in two passes is a move, and a removal is only held back', async (t) => {
  let now = 0;
  const { device, synced, put, same } = await rig(t, undefined, { hold: 1000, now: () => now });
  mkdirSync(synced.path('a'));
  put('a/x', 'x');
  mkdirSync(synced.path('b'));
  put('b/y', 'y');
  await synced.settle();
  const [x, b] = [await device.stat('/Sync/a/x'), await device.stat('/Sync/b')];
  renameSync(synced.path('a/x'), synced.path('x2'));
  renameSync(synced.path('b'), synced.path('a/b2'));
  await synced.pass({
    local: new Map([
      ['', new Set(['b'])],
      ['a', new Set(['x'])],
    ]),
    drive: 'whole',
  });
  await synced.pass({
    local: new Map([
      ['', new Set(['x2'])],
      ['a', new Set(['b2'])],
    ]),
    drive: 'whole',
  });
  await same(t, { '/Sync/a/': '', '/Sync/a/b2/': '', '/Sync/a/b2/y': 'y', '/Sync/x2': 'x' });
  t.equal((await device.stat('/Sync/x2')).id, x.id);
  t.equal((await device.stat('/Sync/a/b2')).id, b.id);
  now = 1500;
  unlinkSync(synced.path('x2'));
  const notes = await synced.pass();
  t.ok(await device.exists('/Sync/x2'));
  t.same([...notes.local], [['', new Set(['x2'])]], 'it is looked at again');
  now = 2500;
  await same(t, { '/Sync/a/': '', '/Sync/a/b2/': '', '/Sync/a/b2/y': 'y' });
});

t.test('of a large file that changes elsewhere only the blocks that are new are fetched', async (t) => {
  const { a, b, cloud, dir, converge } = await openPair(t);
  const MIB = 1 << 20;
  const content = Buffer.concat([1, 2, 3, 4].map((byte) => Buffer.alloc(MIB, byte)));
  await a.write('/Sync/large', content);
  await converge();
  const synced = await SyncedFolder.open(t, b, join(dir, 'folder'));
  await synced.settle();
  t.same(readFileSync(synced.path('large')), content);
  content[2 * MIB + 5] = 9;
  const longer = Buffer.concat([content, Buffer.from('more')]);
  await a.write('/Sync/large', longer);
  await converge();
  const before = cloud.calls.filter((call) => call === 'read').length;
  await synced.settle();
  t.same(readFileSync(synced.path('large')), longer);
  t.equal(cloud.calls.filter((call) => call === 'read').length - before, 2, 'the changed block and the new one');
});
