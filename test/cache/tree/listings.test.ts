import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import { Catalog, type CatalogPage } from '../../../src/cache/tree/catalog.ts';
import { Database } from '../../../src/cache/db/database.ts';
import type { Entry } from '../../../src/cache/tree/entry.ts';
import { GroupWriter } from '../../../src/cache/db/group-writer.ts';
import { compareUtf8 } from '../../../src/cache/db/table.ts';

const name = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'é', '\u{1f600}', '\uffee');
const parent = fc.constantFrom('f', 'f', 'g');
const put = fc.record({ do: fc.constant('put' as const), parent, name });
const step = fc.oneof(
  { weight: 3, arbitrary: put },
  fc.record({ do: fc.constant('remove' as const), parent, name }),
  fc.record({
    do: fc.constant('page' as const),
    parent,
    after: fc.option(name, { nil: undefined, freq: 1 }),
    limit: fc.oneof(fc.integer({ min: 1, max: 3 }), fc.constant(20)),
    wait: fc.boolean(),
  }),
  fc.record({
    do: fc.constant('walk' as const),
    parent,
    limit: fc.integer({ min: 1, max: 3 }),
    /** Number of entries after which a reader stops. */
    pages: fc.integer({ min: 1, max: 9 }),
  }),
);

/** The entries of the folders, by key. */
type Model = Map<string, Entry>;

function expected(model: Model, folder: string, after: string | undefined, limit: number): CatalogPage {
  const all = [...model.values()]
    .filter((entry) => entry.parent === folder && (after === undefined || compareUtf8(entry.name, after) > 0))
    .sort((a, b) => compareUtf8(a.name, b.name));
  return { entries: all.slice(0, limit), more: all.length > limit };
}

function entry(folder: string, child: string, size: number): Entry {
  const times = { mtime: 0, ctime: 0, birthtime: 0 };
  const rest = { space: 's', kind: 'file', mode: 0o644, version: 'v', rev: 0 } as const;
  return { id: `${folder}-${child}`, parent: folder, name: child, size, ...rest, ...times };
}

function names({ entries }: CatalogPage): string[] {
  return entries.map(({ name }) => name);
}

t.test('pages have the content as of their request, whatever was listed and changed before', async (t) => {
  const database = await Database.open(t.testdir());
  const writer = new GroupWriter(database);
  const tables = {
    entries: await database.rows('entries'),
    places: await database.rows('places'),
    spaces: await database.rows('spaces'),
  };
  t.teardown(async () => {
    await writer.idle();
    await database.close();
  });
  const run = fc.asyncProperty(
    fc.array(put, { minLength: 5, maxLength: 15 }),
    fc.array(step, { minLength: 5, maxLength: 60 }),
    fc.constantFrom(10_000, 60_000),
    async (before, after, hot) => {
      await writer.idle();
      const catalog = new Catalog(tables, writer, hot);
      for await (const one of catalog.everything()) void writer.write(catalog.remove(one));
      const model: Model = new Map();
      /** Everything that was ever put, in order. */
      const puts: Entry[] = [];
      const checks: Promise<void>[] = [];
      const page = async (folder: string, after: string | undefined, limit: number) => {
        const wanted = expected(model, folder, after, limit);
        const found = await catalog.page(folder, after, limit);
        assert.deepEqual([names(found), found.more], [names(wanted), wanted.more]);
        // An entry may be newer than the call if it comes from memory.
        for (const [i, one] of found.entries.entries()) {
          const since = puts.slice(puts.indexOf(wanted.entries[i] as Entry));
          assert.ok(since.some((put) => isDeepStrictEqual(put, one)));
        }
        return found;
      };
      for (const one of [...before, ...after]) {
        const key = 'name' in one ? `${one.parent}/${one.name}` : '';
        if (one.do === 'put') {
          const made = entry(one.parent, one.name, puts.length);
          puts.push(made);
          model.set(key, made);
          void writer.write(catalog.put(made));
        } else if (one.do === 'remove') {
          const old = model.get(key);
          model.delete(key);
          if (old !== undefined) void writer.write(catalog.remove(old));
        } else if (one.do === 'page') {
          const check = page(one.parent, one.after, one.limit).then(() => undefined);
          // Awaited below; until then a rejection must not count as unhandled.
          check.catch(() => undefined);
          checks.push(check);
          if (one.wait) await check;
        } else {
          let pages = 0;
          for (let after: string | undefined, more = true; more && pages++ < one.pages;) {
            const found = await page(one.parent, after, one.limit);
            after = found.entries.at(-1)?.name;
            more = found.more && after !== undefined;
          }
        }
      }
      await Promise.all(checks);
    },
  );
  await t.resolves(fc.assert(run, { numRuns: 200 }));
});

t.test('entries that could not be written are not listed, and those that they would have replaced are', async (t) => {
  const database = await Database.open(t.testdir());
  t.teardown(() => database.close());
  let isFull = false;
  const writer = new GroupWriter({
    write: (ops, sync) => (isFull ? Promise.reject(new Error('the disk is full')) : database.write(ops, sync)),
  });
  const tables = {
    entries: await database.rows('entries'),
    places: await database.rows('places'),
    spaces: await database.rows('spaces'),
  };
  const catalog = new Catalog(tables, writer, 60_000);
  await writer.write([entry('f', 'a', 1), entry('f', 'b', 1)].flatMap((one) => catalog.put(one)));
  const sizes = async (): Promise<(string | number)[]> =>
    (await catalog.page('f', undefined, 9)).entries.flatMap(({ name, size }) => [name, size]);
  t.same(await sizes(), ['a', 1, 'b', 1]);
  isFull = true;
  const write = writer.write([
    ...catalog.put(entry('f', 'a', 2)),
    ...catalog.remove(entry('f', 'b', 1)),
    ...catalog.put(entry('f', 'c', 1)),
  ]);
  t.same(await sizes(), ['a', 2, 'c', 1], 'until it has failed');
  await t.rejects(write, /disk is full/);
  t.same(await sizes(), ['a', 1, 'b', 1]);
});
