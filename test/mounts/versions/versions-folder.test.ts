import t, { type Test } from 'tap';
import { VersionsFolder } from '../../../src/mounts/versions/versions-folder.ts';
import { nameVersions } from '../../../src/mounts/versions/version-list.ts';
import type { VersionRecord } from '../../../src/cloud/records.ts';
import { background as context } from '../../../src/vfs/context.ts';
import { FsError, isFsError } from '../../../src/vfs/fs-error.ts';
import { openTestDrive } from '../../helpers/drive.ts';
import { addRemoteFile, addRemoteFolder } from '../../helpers/remote-entries.ts';
import { temporary } from '../../helpers/temporary.ts';

const day = new Date(2026, 2, 1, 14, 5, 9).getTime();

t.test('a hidden folder in every folder of Sync and Backup', async (t) => {
  const { fs, rig } = await start(t);
  const sub = await addRemoteFolder(rig, { space: 'sync', parent: 'sync-root', name: 'sub' });
  for (const folder of ['sync-root', sub.id, 'set-root']) {
    const versions = await fs.lookup(folder, '.versions', context);
    t.match(versions, { parent: folder, name: '.versions', kind: 'folder', mode: 0o555 });
    t.match(await fs.getattr(versions.id, context), versions);
    const { entries } = await fs.readdir(folder, { limit: 10 }, context);
    t.notOk(
      entries.some(({ name }) => name === '.versions'),
      'a listing does not show it',
    );
  }
  for (const folder of ['root', 'backup', 'archive-root']) {
    await t.rejects(async () => await fs.lookup(folder, '.versions', context), { code: 'ENOENT' }, folder);
  }
});

t.test('a folder for each file, with its versions by time', async (t) => {
  const { fs, file, records } = await start(t);
  const versions = await fs.lookup('sync-root', '.versions', context);
  const { entries } = await fs.readdir(versions.id, { limit: 10 }, context);
  t.match(entries, [{ name: 'a.txt', kind: 'folder' }]);
  const folder = await fs.lookup(versions.id, 'a.txt', context);
  t.equal(folder.parent, versions.id);
  const all = await fs.readdir(folder.id, { limit: 10 }, context);
  t.match(all, {
    more: false,
    entries: [
      { name: '2026-03-01 14.05.09.txt', kind: 'file', size: 3, mode: 0o444, mtime: 1000 },
      { name: '2026-03-01 14.06.09.txt', size: 5 },
    ],
  });
  const pages = await fs.readdir(folder.id, { limit: 1 }, context);
  t.match(pages, { more: true, entries: [{ name: '2026-03-01 14.05.09.txt' }] });
  t.match(await fs.readdir(folder.id, { after: '2026-03-01 14.05.09.txt', limit: 5 }, context), { more: false });
  const first = await fs.lookup(folder.id, '2026-03-01 14.05.09.txt', context);
  t.match(await fs.getattr(first.id, context), first);
  t.equal(first.version, records[1]?.id);
  const handle = await fs.open(first.id, { read: true, write: false }, context);
  const into = Buffer.alloc(10);
  t.equal(into.toString('utf8', 0, await handle.read(into, 0, context)), 'old');
  t.match(await handle.attr(context), { size: 3 });
  await handle.close();
  await handle.close();
  await t.rejects(async () => await fs.lookup(folder.id, 'no', context), { code: 'ENOENT' });
  t.equal(file.name, 'a.txt');
});

t.test('nothing in it can be changed', async (t) => {
  const { fs } = await start(t);
  const versions = (await fs.lookup('sync-root', '.versions', context)).id;
  const folder = (await fs.lookup(versions, 'a.txt', context)).id;
  const name = '2026-03-01 14.05.09.txt';
  const version = (await fs.lookup(folder, name, context)).id;
  const acts: (() => unknown)[] = [
    () => fs.mkdir(versions, 'x', {}, context),
    () => fs.create(folder, 'x', {}, { read: true, write: true }, context),
    () => fs.symlink(folder, 'x', 'y', context),
    () => fs.draft(folder, name, {}, context),
    () => fs.unlink(folder, name, context),
    () => fs.rmdir(versions, 'a.txt', context),
    () => fs.removeTree('sync-root', '.versions', context),
    () => fs.rename({ parent: folder, name }, { parent: 'sync-root', name: 'x' }, {}, context),
    () => fs.rename({ parent: 'sync-root', name: 'a.txt' }, { parent: folder, name: 'x' }, {}, context),
    () => fs.rename({ parent: 'sync-root', name: 'a.txt' }, { parent: 'sync-root', name: '.versions' }, {}, context),
    () => fs.setattr(version, { mtime: 1 }, context),
    () => fs.open(version, { read: false, write: true }, context),
  ];
  for (const act of acts) t.equal(await codeOf(act), 'EROFS', String(act));
  t.equal(await codeOf(() => fs.mkdir('sync-root', '.versions', {}, context)), 'EEXIST');
});

t.test('a version can be copied out', async (t) => {
  const { fs, rig } = await start(t);
  const versions = (await fs.lookup('sync-root', '.versions', context)).id;
  const folder = (await fs.lookup(versions, 'a.txt', context)).id;
  const version = await fs.lookup(folder, '2026-03-01 14.05.09.txt', context);
  const copy = await fs.copy(version.id, { parent: 'sync-root', name: 'back.txt' }, { replace: false }, context);
  t.match(copy, { name: 'back.txt', size: 3, mtime: 1000 });
  const handle = await rig.drive.open(copy.id, { read: true, write: false }, context);
  const into = Buffer.alloc(10);
  t.equal(into.toString('utf8', 0, await handle.read(into, 0, context)), 'old');
  await handle.close();
});

t.test('offline it reports that, and cached versions are available', async (t) => {
  const { fs, cloud } = await start(t);
  const versions = (await fs.lookup('sync-root', '.versions', context)).id;
  const folder = (await fs.lookup(versions, 'a.txt', context)).id;
  cloud.offline = true;
  await t.rejects(async () => await fs.readdir(folder, { limit: 1 }, context), {
    code: 'EAGAIN',
    reason: /cloud, which cannot be reached/,
  });
  t.match(await fs.readdir(versions, { limit: 1 }, context), { entries: [{ name: 'a.txt' }] });
  cloud.offline = false;
  await fs.readdir(folder, { limit: 1 }, context);
  cloud.offline = true;
  t.match(await fs.readdir(folder, { limit: 1 }, context), { more: true }, 'results are cached, failures are not');
  t.equal(cloud.calls, 2);
});

t.test('versions of the same second get numbers', async (t) => {
  const record = (created: number): VersionRecord => ({
    id: `v${created}`,
    node: 'n',
    size: 1,
    hash: '',
    mtime: 1,
    created,
    device: null,
    current: false,
  });
  t.same(
    nameVersions([record(day + 20), record(day + 10), record(day)], 'x.tar.gz').map(({ name, record }) => [
      name,
      record.id,
    ]),
    [
      ['2026-03-01 14.05.09.gz', `v${day}`],
      ['2026-03-01 14.05.09 (2).gz', `v${day + 10}`],
      ['2026-03-01 14.05.09 (3).gz', `v${day + 20}`],
    ],
  );
  t.equal(nameVersions([record(day)], 'Makefile')[0]?.name, '2026-03-01 14.05.09');
});

async function start(t: Test) {
  const rig = await openTestDrive(temporary(t));
  t.teardown(() => rig.close());
  const file = await addRemoteFile(rig, { space: 'sync', parent: 'sync-root', name: 'a.txt' }, 'newer');
  const old = rig.source.add('old-version', Buffer.from('old'));
  const common = { node: file.id, device: null };
  const records: VersionRecord[] = [
    { ...common, id: file.version, size: 5, hash: file.hash ?? '', mtime: 2000, created: day + 60_000, current: true },
    { ...common, id: old.version, size: 3, hash: old.hash, mtime: 1000, created: day, current: false },
  ];
  const cloud = {
    offline: false,
    calls: 0,
    versions: async (node: string): Promise<VersionRecord[]> => {
      cloud.calls++;
      if (cloud.offline) throw new FsError('EAGAIN', 'versions');
      if (node !== file.id) throw new FsError('ENOENT', 'versions');
      return records;
    },
  };
  const { policyState, parts, guard } = rig;
  const fs = new VersionsFolder(guard, { remote: cloud, store: parts.store, policyState });
  return { fs, rig, file, records, cloud };
}

async function codeOf(act: () => unknown): Promise<string> {
  try {
    await act();
    return 'yes';
  } catch (error) {
    if (isFsError(error)) return error.code;
    throw error;
  }
}
