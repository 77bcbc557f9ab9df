import t, { type Test } from 'tap';
import { background } from '../../../src/vfs/context.ts';
import type { FileSystem } from '../../../src/vfs/file-system.ts';
import { isFsError } from '../../../src/vfs/fs-error.ts';
import type { NodeId } from '../../../src/vfs/node.ts';
import { find } from '../../../src/vfs/walk.ts';
import { replaceTree } from '../../../src/webdav/replace-tree.ts';
import { openTestDrive, SETTLE, type TestDrive } from '../../helpers/drive.ts';
import { addRemoteFile, addRemoteFolder } from '../../helpers/remote-entries.ts';
import { temporary } from '../../helpers/temporary.ts';

t.setTimeout(500_000);

/** The columns of the table: a folder with the members `file`, `folder`, `link` and `other`. */
const columns = ['fixed', 'sync', 'backup', 'settling', 'sealed'] as const;
type Column = (typeof columns)[number];

type Act = (fs: FileSystem, at: NodeId, ids: Ids) => unknown;
interface Ids {
  readonly file: NodeId;
  readonly folder: NodeId;
  readonly sync: NodeId;
}

const context = background;
const write = { read: false, write: true };

/**
 * The operations of a program, and the result in each part of the drive: `yes`, or a code; `-` if it does not apply.
 */
const table: readonly [string, Act, Readonly<Record<Column, string>>][] = [
  ['list', (fs, at) => fs.readdir(at, { limit: 10 }, context), same('yes')],
  ['stat a file', (fs, at) => fs.lookup(at, 'file', context), row('-', 'yes', 'yes', 'yes', 'yes')],
  ['read', (fs, _at, { file }) => read(fs, file), row('-', 'yes', 'yes', 'yes', 'EACCES')],
  ['create', (fs, at) => create(fs, at, 'new'), row('EROFS', 'yes', 'EROFS', 'yes', 'yes')],
  ['mkdir', (fs, at) => fs.mkdir(at, 'new', {}, context), row('EROFS', 'yes', 'EROFS', 'yes', 'yes')],
  ['symlink', (fs, at) => fs.symlink(at, 'new', 'x', context), row('EROFS', 'yes', 'EROFS', 'yes', 'yes')],
  ['draft of a new name', (fs, at) => draft(fs, at, 'new'), row('EROFS', 'yes', 'EROFS', 'yes', 'yes')],
  ['draft over a file', (fs, at) => draft(fs, at, 'file'), row('EROFS', 'yes', 'EROFS', 'yes', 'yes')],
  ['open with truncate', (fs, _at, { file }) => rewrite(fs, file), row('-', 'yes', 'EROFS', 'yes', 'yes')],
  ['rename a file over a file', (fs, at) => moveOver(fs, at), row('-', 'yes', '-', 'yes', 'yes')],
  ['copy a symlink over a file', (fs, at) => copyOver(fs, at), row('-', 'yes', '-', 'yes', 'EPERM')],
  ['write in part', (fs, _at, { file }) => open(fs, file, write), row('-', 'yes', 'EROFS', 'yes', 'EPERM')],
  [
    'append',
    (fs, _at, { file }) => open(fs, file, { ...write, append: true }),
    row('-', 'yes', 'EROFS', 'yes', 'EPERM'),
  ],
  [
    'truncate in part',
    (fs, _at, { file }) => fs.setattr(file, { size: 1 }, context),
    row('-', 'yes', 'EROFS', 'yes', 'EPERM'),
  ],
  ['rename a file', (fs, at) => move(fs, at, 'file', at, 'x'), row('-', 'yes', 'EROFS', 'yes', 'EPERM')],
  ['rename a folder', (fs, at) => move(fs, at, 'folder', at, 'x'), row('-', 'yes', 'EROFS', 'yes', 'EPERM')],
  ['delete a file', (fs, at) => fs.unlink(at, 'file', context), row('-', 'yes', 'EROFS', 'yes', 'EPERM')],
  ['delete a folder', (fs, at) => fs.rmdir(at, 'folder', context), row('-', 'yes', 'EROFS', 'yes', 'EPERM')],
  ['delete a tree', (fs, at) => fs.removeTree(at, 'folder', context), row('-', 'yes', 'EROFS', 'yes', 'EPERM')],
  ['times', (fs, _at, { file }) => fs.setattr(file, { mtime: 1 }, context), row('-', 'yes', 'EROFS', 'yes', 'EPERM')],
  ['mode', (fs, _at, { file }) => fs.setattr(file, { mode: 0o600 }, context), row('-', 'yes', 'EROFS', 'yes', 'EPERM')],
  [
    'xattr',
    (fs, _at, { file }) => fs.setattr(file, { xattrs: { a: 'AAAA' } }, context),
    row('-', 'yes', 'EROFS', 'yes', 'EPERM'),
  ],
  ['copy into Sync', (fs, _at, { file, sync }) => copy(fs, file, sync), row('-', 'yes', 'yes', 'yes', 'EACCES')],
];

function row(fixed: string, sync: string, backup: string, settling: string, sealed: string): Record<Column, string> {
  return { fixed, sync, backup, settling, sealed };
}

function same(answer: string): Record<Column, string> {
  return row(answer, answer, answer, answer, answer);
}

for (const column of columns) {
  t.test(column, async (t) => {
    for (const [name, act, answers] of table) {
      if (answers[column] === '-') continue;
      const clock = { now: 1_800_000_000_000 };
      const rig = await openTestDrive(temporary(t), { now: () => clock.now });
      const [at, ids] = await furnish(rig, column, clock);
      t.equal(await answerOf(() => act(rig.guard, at, ids)), answers[column], name);
      await rig.close();
    }
  });
}

t.test('every rename to another mount is EXDEV', async (t) => {
  const rig = await openTestDrive(temporary(t));
  t.teardown(() => rig.close());
  const device = (await rig.guard.lookup('backup', 'laptop', context)).id;
  await addRemoteFile(rig, { space: 'sync', parent: 'sync-root', name: 'file' }, 'x');
  await addRemoteFolder(rig, { space: 'sync', parent: 'sync-root', name: 'folder' });
  await addRemoteFile(rig, { space: 'set', parent: 'set-root', name: 'file' }, 'x');
  await addRemoteFile(rig, { space: 'archive', parent: 'archive-root', name: 'sealed' }, 'x');
  await draft(rig.guard, 'archive-root', 'settling');
  const mounts = ['root', 'sync-root', 'set-root', 'archive-root'];
  const sources: readonly [mount: string, folder: NodeId, name: string][] = [
    ['root', 'root', 'Sync'],
    ['root', 'root', 'Backup'],
    ['root', 'backup', 'laptop'],
    ['root', device, 'set'],
    ['sync-root', 'sync-root', 'file'],
    ['sync-root', 'sync-root', 'folder'],
    ['set-root', 'set-root', 'file'],
    ['archive-root', 'archive-root', 'sealed'],
    ['archive-root', 'archive-root', 'settling'],
  ];
  const reason = /different mounts; copy the file, then delete the original/;
  for (const [mount, from, name] of sources) {
    for (const to of mounts.filter((one) => one !== mount)) {
      for (const fs of [rig.guard, rig.drive]) {
        const answer = async () => await move(fs, from, name, to, 'x');
        await t.rejects(answer, { code: 'EXDEV', reason }, `${from}/${name} → ${to}`);
      }
    }
  }
});

t.test('a folder of a backup is copied into Sync under another name only', async (t) => {
  const rig = await openTestDrive(temporary(t));
  t.teardown(() => rig.close());
  const device = (await rig.guard.lookup('backup', 'laptop', context)).id;
  const set = (await rig.guard.lookup(device, 'set', context)).id;
  const { id: docs } = await addRemoteFolder(rig, { space: 'set', parent: 'set-root', name: 'docs' });
  const { id: file } = await addRemoteFile(rig, { space: 'set', parent: 'set-root', name: 'file' }, 'x');
  const copy = (node: NodeId, folder: NodeId, name: string, member?: boolean) => async () =>
    await rig.guard.copy(node, { parent: folder, name }, { replace: false, ...(member ? { member } : {}) }, context);

  const refused = { code: 'EPERM', reason: /in Sync or in Backup, never in both: copy it under a new name/ };
  await t.rejects(copy(docs, 'sync-root', 'docs'), refused);
  await t.rejects(copy(set, 'sync-root', 'set'), refused);
  await t.rejects(copy(device, 'sync-root', 'laptop'), refused);
  const made = await copy(docs, 'sync-root', 'docs-2')();
  await rig.guard.mkdir('sync-root', 'docs', {}, context);
  const there = await find(rig.guard, 'sync-root', 'docs', context);
  const [source, place] = [await rig.guard.getattr(docs, context), { parent: 'sync-root', name: 'docs' }];
  const replace = replaceTree(
    rig.guard,
    source,
    place,
    { deep: true, names: ['Sync', 'docs'], name: '.scratch' },
    context,
  );
  await t.rejects(replace, refused, 'nor in the place of one that has the name');
  t.equal((await find(rig.guard, 'sync-root', 'docs', context))?.id, there?.id);
  t.equal(made.name, 'docs-2');
  t.equal((await copy(docs, made.id, 'docs', true)()).name, 'docs', 'what is in a folder keeps its name');
  t.equal((await copy(docs, 'archive-root', 'docs')()).name, 'docs', 'the Archive is another thing');
  t.equal((await copy(file, 'sync-root', 'file')()).name, 'file', 'a file is no folder');
});

t.test('the folders at the top cannot be changed', async (t) => {
  const { guard, close } = await rigOf(t);
  t.teardown(close);
  const device = (await guard.lookup('backup', 'laptop', context)).id;
  const acts: Record<string, Act> = {
    'mkdir in /': (fs) => fs.mkdir('root', 'x', {}, context),
    'mkdir in /Backup': (fs) => fs.mkdir('backup', 'x', {}, context),
    'mkdir in /Backup/laptop': (fs) => fs.mkdir(device, 'x', {}, context),
    'rmdir /Sync': (fs) => fs.rmdir('root', 'Sync', context),
    'rename /Sync': (fs) => move(fs, 'root', 'Sync', 'root', 'x'),
    'remove /Backup/laptop/set': (fs) => fs.removeTree(device, 'set', context),
    'touch /Sync': (fs) => fs.setattr('sync-root', { mtime: 1 }, context),
    'chmod /Backup': (fs) => fs.setattr('backup', { mode: 0o777 }, context),
    'put into /': (fs) => draft(fs, 'root', 'x'),
  };
  const ids = { file: '', folder: '', sync: '' };
  for (const [name, act] of Object.entries(acts)) t.equal(await answerOf(() => act(guard, 'root', ids)), 'EROFS', name);
});

t.test('archive.readable lets programs read sealed files', async (t) => {
  const rig = await openTestDrive(temporary(t), { readable: true });
  t.teardown(() => rig.close());
  const { id } = await addRemoteFile(rig, { space: 'archive', parent: 'archive-root', name: 'f' }, 'x');
  t.equal(await answerOf(() => read(rig.guard, id)), 'yes');
  t.equal(await answerOf(() => rig.guard.unlink('archive-root', 'f', context)), 'EPERM');
});

t.test('a refusal names the rule', async (t) => {
  const rig = await openTestDrive(temporary(t));
  t.teardown(() => rig.close());
  await addRemoteFile(rig, { space: 'archive', parent: 'archive-root', name: 'f' }, 'x');
  await t.rejects(async () => await rig.guard.unlink('archive-root', 'f', context), {
    code: 'EPERM',
    subject: 'f',
    reason: /Archive.*can only be deleted with/,
  });
});

t.test('a replaced sealed file can be completed, and cannot be removed', async (t) => {
  const clock = { now: 1_800_000_000_000 };
  const rig = await openTestDrive(temporary(t), { now: () => clock.now });
  t.teardown(() => rig.close());
  const { guard } = rig;
  const old = await addRemoteFile(rig, { space: 'archive', parent: 'archive-root', name: 'f' }, 'old');
  await draft(guard, 'archive-root', 'f');
  t.equal((await guard.lookup('archive-root', 'f', context)).id, old.id);
  t.equal(await answerOf(() => guard.setattr(old.id, { mtime: 1 }, context)), 'yes', 'PROPPATCH after PUT');
  t.equal(await answerOf(() => open(guard, old.id, write)), 'yes');
  t.equal(await answerOf(() => guard.unlink('archive-root', 'f', context)), 'EPERM');
  clock.now += SETTLE + 1;
  t.equal(await answerOf(() => guard.setattr(old.id, { mtime: 1 }, context)), 'EPERM');
});

t.test('a settling file renamed over a sealed one is its next version', async (t) => {
  const rig = await openTestDrive(temporary(t));
  t.teardown(() => rig.close());
  const { guard, parts } = rig;
  const old = await addRemoteFile(rig, { space: 'archive', parent: 'archive-root', name: 'f' }, 'old');
  await draft(guard, 'archive-root', 'f.part');
  const attr = await move(guard, 'archive-root', 'f.part', 'archive-root', 'f');
  t.match(attr, { id: old.id, name: 'f', size: 7 });
  const waiting = [...parts.journal.all()];
  t.match(waiting, [{ op: 'put', node: old.id, base: old.remote }]);
  t.equal(waiting.length, 1);
  t.equal(await read(rig.drive, old.id), 'content');
});

t.test('replacing a sealed file by the same bytes changes nothing', async (t) => {
  const rig = await openTestDrive(temporary(t));
  t.teardown(() => rig.close());
  const old = await addRemoteFile(rig, { space: 'archive', parent: 'archive-root', name: 'f' }, 'content');
  const attr = await draft(rig.guard, 'archive-root', 'f');
  t.match(attr, { id: old.id, version: old.version, mtime: old.mtime });
  t.equal(rig.parts.journal.size, 0);
});

t.test('a file that is still being written when it is renamed over a sealed one', async (t) => {
  const rig = await openTestDrive(temporary(t));
  t.teardown(() => rig.close());
  const { guard, parts } = rig;
  const old = await addRemoteFile(rig, { space: 'archive', parent: 'archive-root', name: 'f' }, 'old');
  const handle = await guard.create('archive-root', 'f.part', {}, write, context);
  await handle.write(Buffer.from('one'), 0, context);
  await move(guard, 'archive-root', 'f.part', 'archive-root', 'f');
  await handle.write(Buffer.from('two'), 3, context);
  t.equal(handle.node, old.id);
  await handle.close();
  t.equal(await read(rig.drive, old.id), 'onetwo');
  const waiting = [...parts.journal.all()];
  t.equal(waiting.length, 1);
  t.match(waiting[0], { op: 'put', node: old.id, version: parts.catalog.get(old.id)?.version, writing: undefined });
});

t.test('litter in the Archive is never sealed', async (t) => {
  const clock = { now: 1_800_000_000_000 };
  const rig = await openTestDrive(temporary(t), { now: () => clock.now });
  t.teardown(() => rig.close());
  await draft(rig.guard, 'archive-root', '.DS_Store');
  clock.now += 10 * SETTLE;
  t.equal(await answerOf(() => draft(rig.guard, 'archive-root', '.DS_Store')), 'yes');
  t.equal(await answerOf(() => rig.guard.unlink('archive-root', '.DS_Store', context)), 'yes');
});

t.test('a symlink settles like a file', async (t) => {
  const clock = { now: 1_800_000_000_000 };
  const rig = await openTestDrive(temporary(t), { now: () => clock.now });
  t.teardown(() => rig.close());
  const { guard } = rig;
  const { id } = await guard.symlink('archive-root', 'link', 'target', context);
  clock.now += SETTLE - 1;
  t.equal(await answerOf(() => guard.setattr(id, { mtime: 1 }, context)), 'yes', 'cp -a');
  clock.now += SETTLE + 1;
  t.equal(await answerOf(() => guard.setattr(id, { mtime: 2 }, context)), 'EPERM');
});

t.test('nothing is sealed while it is open, locked, or an empty new folder', async (t) => {
  const clock = { now: 1_800_000_000_000 };
  const rig = await openTestDrive(temporary(t), { now: () => clock.now });
  t.teardown(() => rig.close());
  const { guard } = rig;
  const handle = await guard.create('archive-root', 'open', {}, write, context);
  await handle.write(Buffer.from('x'), 0, context);
  const locked = await draft(guard, 'archive-root', 'locked');
  const hold = await guard.hold(locked.id, context);
  await guard.mkdir('archive-root', 'New Folder', {}, context);
  clock.now += 6 * SETTLE;
  t.equal(await answerOf(() => move(guard, 'archive-root', 'open', 'archive-root', 'o')), 'yes');
  t.equal(await answerOf(() => move(guard, 'archive-root', 'locked', 'archive-root', 'l')), 'yes');
  t.equal(await answerOf(() => move(guard, 'archive-root', 'New Folder', 'archive-root', 'named')), 'yes');
  await handle.close();
  hold.release();
  clock.now += SETTLE + 1;
  t.equal(await answerOf(() => move(guard, 'archive-root', 'o', 'archive-root', 'x')), 'EPERM');
  t.equal(await answerOf(() => move(guard, 'archive-root', 'l', 'archive-root', 'x')), 'EPERM');
  t.same(
    [...rig.parts.journal.all()].filter(({ op }) => op === 'mkdir' || op === 'move').map(({ op, name }) => [op, name]),
    [['mkdir', 'named']],
    'the first name is never uploaded',
  );
});

async function rigOf(t: Test) {
  const rig = await openTestDrive(temporary(t));
  return { guard: rig.guard, close: () => rig.close() };
}

async function furnish(rig: TestDrive, column: Column, clock: { now: number }): Promise<[NodeId, Ids]> {
  const at = { fixed: 'root', sync: 'sync-root', backup: 'set-root', settling: 'archive-root', sealed: 'archive-root' }[
    column
  ];
  if (column === 'fixed') return [at, { file: '', folder: '', sync: 'sync-root' }];
  if (column === 'backup' || column === 'sealed') {
    const space = column === 'backup' ? 'set' : 'archive';
    const file = await addRemoteFile(rig, { space, parent: at, name: 'file' }, 'content');
    const folder = await addRemoteFolder(rig, { space, parent: at, name: 'folder' });
    return [at, { file: file.id, folder: folder.id, sync: 'sync-root' }];
  }
  const file = await draft(rig.drive, at, 'file');
  const folder = await rig.drive.mkdir(at, 'folder', {}, context);
  clock.now += SETTLE / 2;
  return [at, { file: file.id, folder: folder.id, sync: 'sync-root' }];
}

async function answerOf(act: () => unknown): Promise<string> {
  try {
    await act();
    return 'yes';
  } catch (error) {
    if (isFsError(error)) return error.code;
    throw error;
  }
}

async function read(fs: FileSystem, file: NodeId): Promise<string> {
  const handle = await fs.open(file, { read: true, write: false }, context);
  const into = Buffer.alloc(100);
  const count = await handle.read(into, 0, context);
  await handle.close();
  return into.toString('utf8', 0, count);
}

async function create(fs: FileSystem, at: NodeId, name: string): Promise<void> {
  const handle = await fs.create(at, name, {}, write, context);
  await handle.close();
}

async function draft(fs: FileSystem, at: NodeId, name: string) {
  const made = await fs.draft(at, name, {}, context);
  await made.append(Buffer.from('content'), context);
  return await made.commit({}, context);
}

async function open(fs: FileSystem, file: NodeId, mode: { read: boolean; write: boolean; append?: boolean }) {
  const handle = await fs.open(file, mode, context);
  await handle.write(Buffer.from('y'), 0, context);
  await handle.close();
}

async function rewrite(fs: FileSystem, file: NodeId): Promise<void> {
  const handle = await fs.open(file, { ...write, truncate: true }, context);
  await handle.write(Buffer.from('again'), 0, context);
  await handle.close();
}

async function move(fs: FileSystem, from: NodeId, name: string, to: NodeId, as: string) {
  return await fs.rename({ parent: from, name }, { parent: to, name: as }, {}, context);
}

async function moveOver(fs: FileSystem, at: NodeId) {
  await draft(fs, at, 'part');
  return await move(fs, at, 'part', at, 'file');
}

async function copyOver(fs: FileSystem, at: NodeId) {
  const link = await fs.symlink(at, 'made', 'x', context);
  return await fs.copy(link.id, { parent: at, name: 'file' }, { replace: true }, context);
}

async function copy(fs: FileSystem, file: NodeId, to: NodeId) {
  return await fs.copy(file, { parent: to, name: 'copied' }, { replace: false }, context);
}
