import t, { type Test } from 'tap';
import { attachFixedFolders, attachSpaces } from '../../../src/mounts/drive/mount-table.ts';
import { ROOT } from '../../../src/mounts/policy/layout.ts';
import { openRecords } from '../../../src/cache/tree/records.ts';
import type { Catalog } from '../../../src/cache/tree/catalog.ts';
import type { GroupWriter } from '../../../src/cache/db/group-writer.ts';
import type { SpaceRecord } from '../../../src/cloud/records.ts';
import { openCacheDisk } from '../../helpers/cache-disk.ts';
import { MemorySource } from '../../helpers/memory-source.ts';
import { temporary } from '../../helpers/temporary.ts';

const sync: SpaceRecord = { id: 's', kind: 'sync', name: 'sync', root: 'sr', rev: 3, writable: true };
const archive: SpaceRecord = { id: 'a', kind: 'archive', name: 'archive', root: 'ar', rev: 0, writable: true };

t.test('before the first contact the drive is empty', async (t) => {
  const { catalog, writer } = await start(t);
  await writer.write(attachFixedFolders(catalog, 1));
  t.same(await tree(catalog), ['/Backup']);
});

t.test('spaces are attached where the drive shows them', async (t) => {
  const { catalog, hang } = await start(t);
  await hang([sync, archive, backup('x', 'd1', 'laptop', 'photos'), backup('y', 'd1', 'laptop', 'work')]);
  const all = ['/Archive', '/Backup', '/Backup/laptop', '/Backup/laptop/photos', '/Backup/laptop/work', '/Sync'];
  t.same(await tree(catalog), all);
  t.match(catalog.get('sr'), { parent: ROOT, space: 's' });
  t.match(catalog.space('s'), { cursor: -1, root: 'sr', kind: 'sync' });
  t.same(
    (await hang([sync, archive, backup('x', 'd1', 'laptop', 'photos'), backup('y', 'd1', 'laptop', 'work')])).ops,
    [],
  );
});

t.test('a cursor is kept, names are updated', async (t) => {
  const { catalog, writer, hang } = await start(t);
  await hang([sync, backup('x', 'd1', 'laptop', 'photos')]);
  const space = catalog.space('s');
  if (space === undefined) throw new Error('no space');
  await writer.write([catalog.putSpace({ ...space, cursor: 9 })]);
  await hang([{ ...sync, rev: 12 }, backup('x', 'd1', 'desktop', 'photos')]);
  t.equal(catalog.space('s')?.cursor, 9);
  t.same(await tree(catalog), ['/Backup', '/Backup/desktop', '/Backup/desktop/photos', '/Sync']);
});

t.test('a removed space is detached', async (t) => {
  const { catalog, hang } = await start(t);
  await hang([sync, backup('x', 'd1', 'laptop', 'photos')]);
  const { gone } = await hang([sync]);
  t.match(gone, [{ id: 'x-root', name: 'photos' }]);
  t.equal(catalog.space('x'), undefined);
  t.same(await tree(catalog), ['/Backup', '/Sync']);
});

t.test('devices with the same name, and invalid names', async (t) => {
  const { catalog, hang } = await start(t);
  await hang([backup('x', 'd1', 'pc', 'a/b'), backup('y', 'd2', 'pc', '..'), backup('z', 'd1', 'pc', 'c')]);
  t.same(await tree(catalog), [
    '/Backup',
    '/Backup/pc',
    '/Backup/pc (2)',
    '/Backup/pc (2)/-',
    '/Backup/pc/a-b',
    '/Backup/pc/c',
  ]);
});

t.test(
  'every name that leads to something else is reported, so that no program keeps what it was told before',
  async (t) => {
    const { catalog, hang } = await start(t);
    const names = async (spaces: readonly SpaceRecord[]): Promise<string[]> =>
      (await hang(spaces)).names.map(({ folder, name }) => `${catalog.get(folder)?.name ?? folder}/${name}`).sort();
    t.same(
      (await names([])).filter((name) => name.includes('pc')),
      [],
    );
    t.same(await names([backup('a', 'd1', 'pc', 'docs')]), ['Backup/pc', 'pc/docs']);
    t.same(await names([backup('a', 'd1', 'pc', 'docs')]), [], 'nothing is new');
    t.same(await names([backup('a', 'd1', 'pc', 'docs'), backup('b', 'd1', 'pc', 'more')]), ['pc/more']);
    t.same(await names([backup('a', 'd1', 'pc', 'papers'), backup('b', 'd1', 'pc', 'more')]), ['pc/docs', 'pc/papers']);
    const gone = await hang([]);
    t.same(gone.names.map(({ name }) => name).sort(), ['more', 'papers', 'pc']);
  },
);

function backup(id: string, device: string, deviceName: string, name: string): SpaceRecord {
  return {
    id,
    kind: 'backup',
    name,
    root: `${id}-root`,
    rev: 0,
    writable: true,
    device: { id: device, name: deviceName },
  };
}

async function tree(catalog: Catalog): Promise<string[]> {
  const found: string[] = [];
  for await (const entry of catalog.below(ROOT)) found.push(catalog.path(entry));
  return found.sort();
}

async function start(t: Test) {
  const { db, writer, close } = await openCacheDisk(temporary(t), new MemorySource());
  t.teardown(() => close());
  const { catalog }: { catalog: Catalog; writer: GroupWriter } = await openRecords(db, writer, 1 << 20);
  const hang = async (spaces: readonly SpaceRecord[]) => {
    const hanging = await attachSpaces(catalog, spaces, 1000);
    await writer.write(hanging.ops);
    return hanging;
  };
  return { catalog, writer, hang };
}
