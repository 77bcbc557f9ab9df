import t, { type Test } from 'tap';
import { background as context } from '../../../../src/vfs/context.ts';
import { Database } from '../../../../src/cache/db/database.ts';
import { GroupWriter } from '../../../../src/cache/db/group-writer.ts';
import { Catalog } from '../../../../src/cache/tree/catalog.ts';
import type { Entry } from '../../../../src/cache/tree/entry.ts';
import { RemovalGuard } from '../../../../src/mounts/sync/follow/removal-guard.ts';
import type { GatewayOptions } from '../../../../src/mounts/compose.ts';
import { openPair, type Pair } from '../../../helpers/devices.ts';
import { openHttpPair } from '../../../helpers/http-devices.ts';

t.setTimeout(240_000);

const HOUR = 3_600_000;

/** Two computers that show a folder of files which were made two hours ago. */
async function openOld<P extends Pick<Pair, 'a' | 'b' | 'converge'>>(
  t: Test,
  count: number,
  open: (t: Test, options: Partial<GatewayOptions>) => Promise<P>,
) {
  let late = 0;
  const pair = await open(t, { now: () => Date.now() + late });
  const pass = (ms: number): void => void (late += ms);
  const files = Array.from({ length: count }, (_, i) => `/Sync/photos/${i}`);
  await pair.a.mkdir('/Sync/photos');
  for (const file of files) await pair.a.write(file, file);
  await pair.converge();
  pass(2 * HOUR);
  /** Does something to some files at a time at the first computer, and shows that at the second. */
  const inPieces = async (paths: readonly string[], piece: number, change: (path: string) => Promise<void>) => {
    for (let i = 0; i < paths.length; i += piece) {
      for (const path of paths.slice(i, i + piece)) await change(path);
      await pair.a.sync();
      await pair.b.sync();
    }
  };
  return { ...pair, files, pass, inPieces };
}

t.test('a mass removal that comes in pieces is held once most files have gone', async (t) => {
  const { a, b, files, pass, inPieces, converge } = await openOld(t, 200, openHttpPair);
  const before = await b.tree();
  await inPieces(files.slice(0, 150), 30, (path) => a.unlink(path));
  // Of 200 files, 120 are more than half.
  const held = { files: 60, gone: 90, by: ['alpha'] };
  t.match(b.gateway.status().held, [held]);
  t.equal(Object.keys(await b.tree('/Sync/photos')).length, 110, 'what had gone has gone, the rest is kept');
  await b.restart();
  await b.sync();
  t.match(b.gateway.status().held, [held], 'a new process holds it, too');
  pass(3 * HOUR);
  await b.sync();
  t.match(b.gateway.status().held, [held], 'and time does not end it');
  t.match(await b.gateway.restoreRemoved({ by: 'alpha' }, context), { items: 150 });
  await converge();
  t.same(b.gateway.status().held, [], 'what is there again was not removed');
  t.same(await b.tree(), before);
});

t.test('what is removed after its hour, or was confirmed, counts from nothing', async (t) => {
  const { a, b, files, pass, inPieces } = await openOld(t, 160, openPair);
  await inPieces(files.slice(0, 80), 40, (path) => a.unlink(path));
  pass(HOUR + 1000);
  await inPieces(files.slice(80, 120), 40, (path) => a.unlink(path));
  t.same(b.gateway.status().held, [], 'not a hundred within an hour');
  await inPieces(files.slice(120, 160), 20, (path) => a.unlink(path));
  t.same(b.gateway.status().held, []);
});

t.test('files that come and go, or are replaced, are not removed', async (t) => {
  const { a, b, files, inPieces } = await openOld(t, 110, openPair);
  await inPieces(
    Array.from({ length: 160 }, (_, i) => `/Sync/tmp-${i}`),
    80,
    (path) => a.write(path, path),
  );
  await inPieces(
    Array.from({ length: 160 }, (_, i) => `/Sync/tmp-${i}`),
    80,
    (path) => a.unlink(path),
  );
  t.same(b.gateway.status().held, [], 'temporary files');
  await inPieces(files, 55, async (path) => {
    await a.write(`${path}.new`, 'new');
    await a.rename(`${path}.new`, path);
  });
  t.same(b.gateway.status().held, [], 'renamed over');
});

t.test('files that were removed and made again under their names are not lost', async (t) => {
  const { a, b, files, inPieces } = await openOld(t, 150, openPair);
  for (let i = 0; i < files.length; i += 50) {
    const some = files.slice(i, i + 50);
    await inPieces(some, 50, (path) => a.unlink(path));
    await inPieces(some, 50, (path) => a.write(path, 'again'));
  }
  t.same(b.gateway.status().held, []);
});

t.test('files that are copied to other names one by one and then removed are lost', async (t) => {
  const { a, b, files, inPieces } = await openOld(t, 150, openPair);
  await inPieces(files, 50, async (path) => {
    await a.write(`${path}.locked`, 'unreadable');
    await a.unlink(path);
  });
  t.match(b.gateway.status().held, [{ files: 50, gone: 100 }]);
  t.ok(await b.exists(files[149] ?? ''));
  b.gateway.confirm();
  await b.sync();
  t.same(b.gateway.status().held, []);
  t.notOk(await b.exists(files[149] ?? ''));
});

t.test('any number of removals can be held, and folders may be in each other meanwhile', async (t) => {
  const database = await Database.open(t.testdir());
  t.teardown(() => database.close());
  const writer = new GroupWriter(database);
  const entries = await database.rows('entries');
  const rows = { entries, places: await database.rows('places'), spaces: await database.rows('spaces') };
  const catalog = new Catalog(rows, writer, 1 << 20);
  const entry = (id: string, parent: string, kind: Entry['kind']): Entry => {
    const about = { space: 's', size: 0, mode: 0o644, version: 'v', rev: 1, mtime: 1, ctime: 1, birthtime: 1 };
    return { id, parent, name: id, kind, ...about };
  };
  const files = Array.from({ length: 101 }, (_, i) => entry(`f${i}`, 'root', 'file'));
  const others = [entry('root', 'root', 'folder'), entry('a', 'b', 'folder'), entry('b', 'a', 'folder')];
  const inside = entry('inside', 'b', 'file');
  await writer.write([...others, ...files, inside].flatMap((one) => catalog.put(one)));
  const guard = new RemovalGuard(catalog, () => 1);
  const unknown = Array.from({ length: 150_000 }, (_, i) => ({ id: `x${i}`, at: 5 }));
  const removals = [...files, inside].map(({ id }) => ({ id, at: 7 }));
  t.match(await guard.judge('root', [...removals, ...unknown], false), { files: 102, since: 5 });
});
