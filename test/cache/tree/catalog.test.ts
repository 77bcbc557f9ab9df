import t, { type Test } from 'tap';
import { Catalog } from '../../../src/cache/tree/catalog.ts';
import { Database } from '../../../src/cache/db/database.ts';
import type { Entry } from '../../../src/cache/tree/entry.ts';
import { GroupWriter } from '../../../src/cache/db/group-writer.ts';

async function open(t: Test): Promise<{ catalog: Catalog; writer: GroupWriter }> {
  const database = await Database.open(t.testdir());
  t.teardown(() => database.close());
  const writer = new GroupWriter(database);
  const [entries, places, spaces] = await Promise.all(
    ['entries', 'places', 'spaces'].map((name) => database.rows(name)),
  );
  if (entries === undefined || places === undefined || spaces === undefined) throw new Error('no rows');
  return { catalog: new Catalog({ entries, places, spaces }, writer, 1 << 20), writer };
}

function entry(id: string, parent: string, name: string, more: Partial<Entry> = {}): Entry {
  const times = { mtime: 1, ctime: 1, birthtime: 1 };
  return { id, parent, name, space: 's', kind: 'file', size: 0, mode: 0o644, version: 'v', rev: 1, ...times, ...more };
}

t.test('an entry is found by id and by name, before and after a move', async (t) => {
  const { catalog, writer } = await open(t);
  const before = entry('n1', 'root', 'a');
  await writer.write(catalog.put(before));
  t.strictSame(catalog.get('n1'), before);
  t.strictSame(catalog.child('root', 'a'), before);
  const after = { ...before, parent: 'folder', name: 'b' };
  void writer.write(catalog.put(after, before));
  t.equal(catalog.child('root', 'a'), undefined);
  t.strictSame(catalog.child('folder', 'b'), after);
  t.strictSame(catalog.get('n1'), after);
  await writer.write(catalog.remove(after));
  t.equal(catalog.get('n1'), undefined);
  t.equal(catalog.child('folder', 'b'), undefined);
});

t.test('removing an entry leaves its name to the node that has got it', async (t) => {
  const { catalog, writer } = await open(t);
  const [old, taker] = [entry('n1', 'root', 'a'), entry('n2', 'root', 'a')];
  await writer.write(catalog.put(taker));
  await writer.write(catalog.remove(old));
  t.strictSame(catalog.child('root', 'a'), taker);
  await writer.write(catalog.remove(taker));
  t.equal(catalog.child('root', 'a'), undefined);
});

t.test('pages contain only the children of one folder, in byte order', async (t) => {
  const { catalog, writer } = await open(t);
  const names = ['a', 'B', 'é', '\uffee', '\u{1f600}', '!', '~', '0'];
  await writer.write(names.flatMap((name, i) => catalog.put(entry(`n${i}`, 'f', name))));
  await writer.write([...catalog.put(entry('x', 'f0', 'not mine')), ...catalog.put(entry('y', 'e', 'nor that'))]);
  const sorted = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const seen: string[] = [];
  for (let after: string | undefined, more = true; more;) {
    const page = await catalog.page('f', after, 3);
    seen.push(...page.entries.map(({ name }) => name));
    ({ more } = page);
    after = seen.at(-1);
  }
  t.same(seen, sorted);
  t.equal(await catalog.isEmpty('f'), false);
  t.equal(await catalog.isEmpty('nowhere'), true);
});

t.test('`below` walks down a tree, `ancestors` walks up, and `path` names a node', async (t) => {
  const { catalog, writer } = await open(t);
  const folder = { kind: 'folder' } as const;
  const tree = [
    entry('root', 'root', '', folder),
    entry('f', 'root', 'f', folder),
    entry('g', 'f', 'g', folder),
    entry('h', 'g', 'h.txt'),
  ];
  await writer.write(tree.flatMap((one) => catalog.put(one)));
  const below: string[] = [];
  for await (const { id } of catalog.below('f')) below.push(id);
  t.same(below, ['g', 'h']);
  const leaf = catalog.get('h');
  t.ok(leaf);
  if (leaf === undefined) return;
  t.same(
    [...catalog.ancestors(leaf)].map(({ id }) => id),
    ['g', 'f', 'root'],
  );
  t.equal(catalog.path(leaf), '/f/g/h.txt');
});

t.test('`ancestors` ends at an unknown folder, and both end in a circle of folders', async (t) => {
  const { catalog, writer } = await open(t);
  const folder = { kind: 'folder' } as const;
  await writer.write([
    ...catalog.put(entry('a', 'b', 'a', folder)),
    ...catalog.put(entry('b', 'a', 'b', folder)),
    ...catalog.put(entry('f', 'b', 'f')),
  ]);
  const a = catalog.get('a');
  t.same(a && [...catalog.ancestors(a)].map(({ id }) => id), ['b']);
  t.same([...catalog.ancestors(entry('o', 'gone', 'orphan'))], []);
  const below: string[] = [];
  for await (const { id } of catalog.below('a')) below.push(id);
  t.same(below, ['b', 'f']);
});
