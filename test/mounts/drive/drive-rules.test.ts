import t, { type Test } from 'tap';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { recoverWriting, sweepStaging } from '../../../src/mounts/recovery/recovery.ts';
import { background as context } from '../../../src/vfs/context.ts';
import type { FileHandle, FileSystem } from '../../../src/vfs/file-system.ts';
import type { NodeId } from '../../../src/vfs/node.ts';
import { openTestDrive } from '../../helpers/drive.ts';
import { addRemoteFile, addRemoteFolder } from '../../helpers/remote-entries.ts';
import { canMount, smallDisk, temporary } from '../../helpers/temporary.ts';

const rw = { read: true, write: true };
const SYNC = 'sync-root';

t.test('litter stays on this computer', async (t) => {
  const { drive, parts } = await start(t);
  await put(drive, SYNC, '.DS_Store', 'x');
  const folder = await drive.mkdir(SYNC, '._folder', {}, context);
  await put(drive, folder.id, 'inside', 'y');
  t.equal(parts.journal.size, 0, 'nothing is promised');
  t.equal(await get(drive, folder.id, 'inside'), 'y');
  await put(drive, SYNC, '~$doc', 'lock');
  await drive.rename({ parent: SYNC, name: '~$doc' }, { parent: SYNC, name: 'doc' }, {}, context);
  t.match([...parts.journal.all()], [{ op: 'put', name: 'doc', base: null }], 'under an ordinary name it goes up');
  await drive.rename({ parent: SYNC, name: 'doc' }, { parent: SYNC, name: '._doc' }, {}, context);
  t.match([...parts.journal.all()], [{ op: 'put', name: '._doc' }], 'an ordinary file stays one');
  await t.rejects(
    async () => await drive.rename({ parent: SYNC, name: '._folder' }, { parent: SYNC, name: 'f' }, {}, context),
    {
      code: 'EXDEV',
    },
  );
  t.equal(await get(drive, SYNC, '._doc'), 'lock');
});

t.test('copy is by reference where the cloud has the content', async (t) => {
  const { rig, drive, parts } = await start(t);
  const file = await addRemoteFile(rig, { space: 'set', parent: 'set-root', name: 'f' }, 'backed up');
  const copy = await drive.copy(file.id, { parent: SYNC, name: 'g' }, { replace: false }, context);
  t.match([...parts.journal.all()], [{ op: 'put', node: copy.id, from: file.remote, base: null, staged: undefined }]);
  t.same(await parts.staging.ids(), [], 'no bytes were moved');
  t.equal(await get(drive, SYNC, 'g'), 'backed up');
  t.equal(copy.mtime, file.mtime);
  await drive.copy(copy.id, { parent: SYNC, name: 'g2' }, { replace: false }, context);
  t.equal(await get(drive, SYNC, 'g2'), 'backed up');
  await drive.copy(file.id, { parent: SYNC, name: 'g' }, { replace: true }, context);
  t.equal((await drive.lookup(SYNC, 'g', context)).version, copy.version, 'the same bytes again are no new version');
});

t.test('a copy of a file that is being written has the content as of the copy', async (t) => {
  const { drive } = await start(t);
  const handle = await drive.create(SYNC, 'f', {}, rw, context);
  await handle.write(Buffer.from('one'), 0, context);
  await drive.copy(handle.node, { parent: SYNC, name: 'g' }, { replace: false }, context);
  await handle.write(Buffer.from('two'), 0, context);
  t.equal(await get(drive, SYNC, 'g'), 'one');
  t.equal(await get(drive, SYNC, 'f'), 'two');
  await handle.close();
});

t.test('the same bytes put again are no new version', async (t) => {
  const { rig, drive, parts } = await start(t);
  const file = await addRemoteFile(rig, { space: 'sync', parent: SYNC, name: 'f' }, 'content');
  const again = await put(drive, SYNC, 'f', 'content', { mtime: 5000 });
  t.match(again, { id: file.id, version: file.version, mtime: 5000 });
  t.match([...parts.journal.all()], [{ op: 'attr', node: file.id }]);
  t.equal(parts.journal.size, 1);
  const other = await put(drive, SYNC, 'f', 'CONTENT');
  t.not(other.version, file.version);
  t.match([...parts.journal.all()], [{ op: 'put', base: file.remote }]);
});

t.test('what the cloud never saw is removed without a word', async (t) => {
  const { rig, drive, parts } = await start(t);
  const folder = await drive.mkdir(SYNC, 'd', {}, context);
  for (const name of ['a', 'b', '._c']) await put(drive, folder.id, name, name);
  const known = await addRemoteFolder(rig, { space: 'sync', parent: SYNC, name: 'known' });
  await put(drive, known.id, 'new', 'x');
  const old = await addRemoteFile(rig, { space: 'sync', parent: known.id, name: 'old' }, 'y');
  await drive.setattr(old.id, { mtime: 1 }, context);
  await drive.removeTree(SYNC, 'd', context);
  await drive.removeTree(SYNC, 'known', context);
  t.match([...parts.journal.all()], [{ op: 'remove', node: known.id, base: null }]);
  t.equal(parts.journal.size, 1);
  await until(async () => (await parts.staging.ids()).length === 0);
  t.equal(parts.catalog.get(old.id), undefined);
});

t.test('a large tree is removed, also by the next process', async (t) => {
  const dir = temporary(t);
  const first = await openTestDrive(dir);
  const folder = await addRemoteFolder(first, { space: 'sync', parent: SYNC, name: 'd' });
  let parent = folder.id;
  for (let depth = 0; depth < 5; depth++) {
    for (let i = 0; i < 300; i++) await addRemoteFile(first, { space: 'sync', parent, name: `f${i}` }, '');
    parent = (await addRemoteFolder(first, { space: 'sync', parent, name: 'deeper' })).id;
  }
  const { catalog, writer } = first.parts;
  await writer.write([...catalog.remove(folder), first.sweeper.detach(folder)]);
  await first.close();
  const second = await openTestDrive(dir);
  t.teardown(() => second.close());
  t.ok(second.parts.catalog.get(parent));
  await second.sweeper.sweep();
  await until(async () => second.parts.catalog.get(parent) === undefined);
  let left = 0;
  for await (const entry of second.parts.catalog.everything()) if (entry.id.startsWith('remote')) left++;
  t.equal(left, 0);
});

t.test('nothing can be created in a folder that is being removed', async (t) => {
  const { drive } = await start(t);
  for (let i = 0; i < 30; i++) {
    const folder = await drive.mkdir(SYNC, 'd', {}, context);
    const outcomes = await Promise.allSettled([drive.rmdir(SYNC, 'd', context), put(drive, folder.id, 'f', 'x')]);
    const [removed, filled] = outcomes.map(({ status }) => status === 'fulfilled');
    t.not(removed, filled, 'one of the two happens');
    if (filled) await drive.removeTree(SYNC, 'd', context);
  }
});

t.test('content that was being written when the process died is there', async (t) => {
  const dir = temporary(t);
  const first = await openTestDrive(dir);
  const known = await addRemoteFile(first, { space: 'sync', parent: SYNC, name: 'known' }, 'old content');
  const a = await first.drive.create(SYNC, 'new', {}, rw, context);
  await a.write(Buffer.from('unclosed'), 0, context);
  const b = await first.drive.open(known.id, rw, context);
  await b.write(Buffer.from('OLD'), 0, context);
  await b.write(Buffer.from(' and more'), 11, context);
  const lost = await first.drive.draft(SYNC, 'draft', {}, context);
  await lost.append(Buffer.from('x'), context);
  await put(first.drive, SYNC, '.DS_Store', 'kept');
  await first.parts.writer.idle();
  await first.close();

  const second = await openTestDrive(dir, { source: first.source });
  t.teardown(() => second.close());
  const { drive, parts } = second;
  t.match(parts.catalog.get(a.node), { size: 0 }, 'the catalog had not heard of the writes');
  await recoverWriting(parts);
  t.equal(await get(drive, SYNC, 'new'), 'unclosed');
  t.equal(await get(drive, SYNC, 'known'), 'OLD content and more');
  for (const put of parts.journal.all()) {
    t.notOk(put.writing);
    t.equal(put.version, parts.catalog.get(put.node)?.version);
  }
  await sweepStaging(parts, await parts.staging.ids(), new AbortController().signal);
  t.equal((await parts.staging.ids()).length, 3, 'the draft is gone, litter is not');
  t.equal(await get(drive, SYNC, '.DS_Store'), 'kept');
});

t.test('after a crash a file has the time of its last write, or the one that was set after it', async (t) => {
  const dir = temporary(t);
  let clock = Date.now();
  const first = await openTestDrive(dir, { now: () => clock });
  const make = async (name: string): Promise<FileHandle> => await first.drive.create(SYNC, name, {}, rw, context);
  const [written, set, direct, untouched] = [await make('a'), await make('b'), await make('c'), await make('d')];
  const staged = first.parts.catalog.get(direct.node)?.staged ?? '';
  await sleep(20);
  await written.write(Buffer.from('x'), 0, context);
  await set.write(Buffer.from('x'), 0, context);
  writeFileSync(join(dir, 'staging', staged), 'x');
  const last = Date.now();
  await sleep(20);
  clock = Date.now();
  await first.drive.setattr(set.node, { mtime: 1_000_000 }, context);
  const created = first.parts.catalog.get(untouched.node)?.mtime;
  await first.parts.writer.idle();
  await first.close();

  clock += 3_600_000;
  const second = await openTestDrive(dir, { source: first.source, now: () => clock });
  t.teardown(() => second.close());
  await recoverWriting(second.parts);
  const timeOf = ({ node }: FileHandle): number => second.parts.catalog.get(node)?.mtime ?? NaN;
  t.ok(Math.abs(timeOf(written) - last) < 19, 'of the last write');
  t.ok(Math.abs(timeOf(direct) - last) < 19, 'also of one by a kernel');
  t.equal(timeOf(set), 1_000_000, 'as it was set');
  t.equal(timeOf(untouched), created, 'of its creation');
});

t.test('times are kept as they are set', async (t) => {
  const { drive } = await start(t);
  const { id } = await put(drive, SYNC, 'f', 'x');
  const set = async (mtime: number): Promise<number> => (await drive.setattr(id, { mtime }, context)).mtime;
  t.equal(await set(0), 0, '1970');
  t.equal(await set(-86_400_000.5), -86_400_000.5, 'before 1970, with a fraction');
  t.equal(await set(4_102_444_800_000), 4_102_444_800_000, 'in the future');
  t.equal(await set(Infinity), 15_032_385_535_000, 'beyond the range of file systems: their last second');
  t.equal(await set(-1e18), -2_147_483_648_000);
  await t.rejects(set(NaN), { code: 'EINVAL' });
});

t.test('extended attributes have limits', async (t) => {
  const { drive } = await start(t);
  const { id } = await put(drive, SYNC, 'f', 'x');
  const big = Buffer.alloc(40_000).toString('base64');
  await drive.setattr(id, { xattrs: { 'user.a': big } }, context);
  await t.rejects(drive.setattr(id, { xattrs: { 'user.b': big } }, context), { code: 'ENOSPC' });
  await t.rejects(drive.setattr(id, { xattrs: { '': 'AA==' } }, context), { code: 'EINVAL' });
  t.same(Object.keys(await drive.xattrs(id, context)), ['user.a']);
});

t.test('statfs reports the quota, and counts queued changes', async (t) => {
  const { drive } = await start(t);
  t.match(await drive.statfs('root', context), { total: 2 ** 40, used: 0, available: 2 ** 40 });
  drive.setQuota({ quota: 1000, used: 900, files: 7 });
  await put(drive, SYNC, 'f', 'x'.repeat(60));
  t.match(await drive.statfs('root', context), { total: 1000, used: 960, available: 40, files: 7 });
  await put(drive, SYNC, 'g', 'x'.repeat(40));
  t.match(await drive.statfs('root', context), { available: 0 });
});

t.test('opening small files in order prefetches the following ones, in few requests', async (t) => {
  const { rig, drive } = await start(t);
  const files: NodeId[] = [];
  for (let i = 0; i < 40; i++) {
    const name = `f${String(i).padStart(2, '0')}`;
    files.push((await addRemoteFile(rig, { space: 'sync', parent: SYNC, name }, `content ${i}`)).id);
  }
  rig.source.delay = 20;
  for (const id of files) {
    const handle = await drive.open(id, { read: true, write: false }, context);
    await handle.read(Buffer.alloc(20), 0, context);
    await handle.close();
  }
  t.equal(
    [...rig.source.sent.values()].reduce((sum, count) => sum + count, 0),
    40,
    'each once',
  );
  t.ok(rig.source.requests.length < 12, `${rig.source.requests.length} requests for 40 files`);
});

t.test('a full disk refuses and leaves everything as it was', { skip: !canMount && 'cannot mount' }, async (t) => {
  const dir = smallDisk(t, 4 << 20);
  const database = temporary(t);
  const rig = await openTestDrive(dir, { database, timeout: 0 });
  t.teardown(() => rig.close());
  const { drive, parts } = rig;
  const kept = await put(drive, SYNC, 'kept', 'kept');
  const handle = await drive.create(SYNC, 'f', {}, rw, context);
  const chunk = Buffer.alloc(1 << 20, 1);
  await t.rejects(
    async () => {
      for (let i = 0; i < 8; i++) await handle.write(chunk, i << 20, context);
    },
    { code: 'ENOSPC' },
  );
  const { size } = await handle.attr(context);
  t.ok(size >= 1 << 20 && size % (1 << 20) === 0, 'what was answered is there, what was refused is not');
  const draft = await drive.draft(SYNC, 'kept', {}, context);
  await t.rejects(
    async () => {
      for (let i = 0; i < 8; i++) await draft.append(chunk, context);
    },
    { code: 'ENOSPC' },
  );
  await draft.discard();
  t.match(await drive.lookup(SYNC, 'kept', context), kept);
  await handle.truncate(0, context);
  await handle.close();
  await drive.unlink(SYNC, 'f', context);
  await until(async () => (await parts.staging.ids()).length === 1);
  const after = await drive.create(SYNC, 'g', {}, rw, context);
  await after.write(chunk, 0, context);
  await after.close();
  t.match(await drive.lookup(SYNC, 'g', context), { size: 1 << 20 }, 'and recovers');
});

async function start(t: Test) {
  const rig = await openTestDrive(temporary(t));
  t.teardown(() => rig.close());
  return { rig, drive: rig.drive, parts: rig.parts };
}

async function put(fs: FileSystem, folder: NodeId, name: string, data: string, attr = {}) {
  const draft = await fs.draft(folder, name, attr, context);
  await draft.append(Buffer.from(data), context);
  return await draft.commit({}, context);
}

async function get(fs: FileSystem, folder: NodeId, name: string): Promise<string> {
  const { id, size } = await fs.lookup(folder, name, context);
  const handle = await fs.open(id, { read: true, write: false }, context);
  const into = Buffer.alloc(size);
  const count = await handle.read(into, 0, context);
  await handle.close();
  return into.toString('utf8', 0, count);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; !(await holds());) {
    if (Date.now() > end) throw new Error('it does not come true');
    await sleep(5);
  }
}
