import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { OwnRevisions, stretchesOf } from '../../src/backup/own-revisions.ts';
import { contentOf, openSet } from '../helpers/backup-set.ts';
import { noise } from '../helpers/intents.ts';

t.setTimeout(500_000);

/** Files in folders, with their contents by path. */
function fill(folder: string, count: number): Map<string, Buffer> {
  const contents = new Map<string, Buffer>();
  for (let i = 0; i < count; i++) {
    const dir = i % 3 === 0 ? '' : `folder ${i % 11}/below/`;
    mkdirSync(join(folder, dir), { recursive: true });
    const path = `${dir}file ${i}`;
    contents.set(path, i % 50 === 0 ? Buffer.alloc(0) : noise(1 + (i % 700)));
    writeFileSync(join(folder, path), contents.get(path) ?? '');
  }
  return contents;
}

type Set = Awaited<ReturnType<typeof openSet>>;

async function checkMirror(t: Test, { mirror, remote, run, verify }: Set, contents: ReadonlyMap<string, Buffer>) {
  const nodes = await mirror();
  const files = [...nodes].filter(([, { kind }]) => kind === 'file').map(([path]) => path);
  t.same(files.sort(), [...contents.keys()].sort());
  for (const [path, bytes] of [...contents].filter((_, i) => i % 40 === 0)) {
    const node = nodes.get(path);
    t.ok(node && bytes.equals(await contentOf(remote, node)), path);
  }
  t.same(await verify(1), []);
  t.match(await run(), { added: 0, changed: 0, touched: 0, moved: 0, removed: 0, uploaded: { bytes: 0 } });
}

t.test('small files are made many at once, and nothing is asked or sent for each', async (t) => {
  const set = await openSet(t);
  const contents = fill(set.folder, 2500);
  const bytes = [...contents.values()].reduce((sum, { length }) => sum + length, 0);
  const filled = [...contents.values()].filter(({ length }) => length > 0).length;
  const summary = await set.run();
  t.match(summary, { added: 2500 + 22, scanned: { files: 2500, folders: 22, bytes }, problems: { length: 0 } });
  t.match(summary, { uploaded: { blocks: filled, bytes } });
  t.equal(set.proxy.count(/POST \/v1\/files$/), 3);
  t.equal(set.proxy.count(/POST \/v1\/blocks/), 0);
  await checkMirror(t, set, contents);
});

t.test('a file that is not ordinary is mirrored, too', async (t) => {
  const set = await openSet(t);
  const { folder } = set;
  const contents = fill(folder, 30);
  const add = (path: string, bytes: Buffer) => {
    writeFileSync(join(folder, path), bytes);
    contents.set(path, bytes);
  };
  add('large', noise(70_000));
  add('larger', noise(1_200_000));
  mkdirSync(join(folder, 'odd'));
  add(`odd/\ufffd`, noise(11));
  add('odd/beside it', noise(12));
  linkSync(join(folder, 'large'), join(folder, 'other name'));
  contents.set('other name', contents.get('large') ?? Buffer.alloc(0));
  symlinkSync('large', join(folder, 'link'));
  mkdirSync(join(folder, 'empty', 'below'), { recursive: true });
  t.match(await set.run(), { problems: { length: 0 } });
  await checkMirror(t, set, contents);
});

t.test('what is excluded is not read', async (t) => {
  const set = await openSet(t);
  const contents = fill(set.folder, 100);
  const exclude = ['file 3*', 'folder 4'];
  const summary = await set.run({ exclude });
  const left = [...contents.keys()].filter((path) => !/^(?:folder 4\/)|file 3\d*$/.test(path));
  t.match(summary, { scanned: { files: left.length }, problems: { length: 0 } });
  const nodes = await set.mirror();
  const files = [...nodes].filter(([, { kind }]) => kind === 'file').map(([path]) => path);
  t.same(files.sort(), left.sort());
  t.match(await set.run({ exclude }), { added: 0, removed: 0 });
});

t.test('a cloud that refuses that, as an older one does, gets each file by its own change', async (t) => {
  const set = await openSet(t);
  const contents = fill(set.folder, 300);
  const bytes = [...contents.values()].reduce((sum, { length }) => sum + length, 0);
  set.proxy.affects = ({ path }) => path === '/v1/files';
  set.proxy.mode = { kind: 'refuse', status: 404, code: 'not_found' };
  t.match(await set.run(), { problems: { length: 0 }, scanned: { files: 300, bytes }, uploaded: { bytes } });
  set.proxy.reset();
  await checkMirror(t, set, contents);
});

t.test('a lost response changes nothing: they are made once', async (t) => {
  const set = await openSet(t);
  const contents = fill(set.folder, 1200);
  set.proxy.affects = ({ path }) => path === '/v1/files';
  set.proxy.next({ kind: 'reset', executed: true }, { kind: 'reset', executed: true }, { kind: 'reset' });
  t.match(await set.run(), { problems: { length: 0 }, scanned: { files: 1200 } });
  set.proxy.reset();
  await checkMirror(t, set, contents);
});

t.test('a run that ends while they are sent is continued by the next one', async (t) => {
  const set = await openSet(t);
  const contents = fill(set.folder, 2500);
  for (let call = 1; call <= 3; call++) {
    const stop = new AbortController();
    let seen = 0;
    set.proxy.affects = ({ path }) => {
      if (path === '/v1/files' && ++seen === 2) stop.abort();
      return false;
    };
    await set.run({ signal: stop.signal }).catch((error: unknown) => t.match(error, { code: 'EINTR' }));
  }
  set.proxy.reset();
  t.match(await set.run(), { problems: { length: 0 } });
  await checkMirror(t, set, contents);
});

t.test('revisions that are learned of in any order', async (t) => {
  const own = new OwnRevisions();
  t.same(stretchesOf([5, 3, 4, 9, 9, 7]), [
    [3, 5],
    [7, 7],
    [9, 9],
  ]);
  own.add(6, 10);
  t.equal(own.after(2), 2);
  own.add(3, 3);
  t.equal(own.after(2), 3);
  own.add(4, 5);
  t.equal(own.after(3), 10);
  own.add(12, 12);
  t.equal(own.after(10), 10, 'a revision of others ends it');
});
