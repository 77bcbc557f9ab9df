import fc from 'fast-check';
import t, { type Test } from 'tap';
import { Database } from '../../../src/cache/db/database.ts';
import { GroupWriter } from '../../../src/cache/db/group-writer.ts';
import { Table, compareUtf8 } from '../../../src/cache/db/table.ts';

interface Row {
  readonly n: number;
}

async function open(
  t: Test,
  hotBytes = 1 << 16,
): Promise<{ table: Table<Row>; writer: GroupWriter; database: Database }> {
  const database = await Database.open(t.testdir());
  t.teardown(() => database.close());
  const writer = new GroupWriter(database);
  return { table: new Table<Row>('rows', await database.rows('rows'), writer, hotBytes), writer, database };
}

t.test('compareUtf8 compares like the bytes of UTF-8', async () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
      return Math.sign(compareUtf8(a, b)) === Buffer.compare(Buffer.from(a), Buffer.from(b));
    }),
  );
  fc.assert(
    fc.property(
      fc.constantFrom('\u{1f600}', '\uffee', 'é', 'a'),
      fc.constantFrom('\u{10000}', '\ue000', 'z'),
      (a, b) => {
        return Math.sign(compareUtf8(a, b)) === Buffer.compare(Buffer.from(a), Buffer.from(b));
      },
    ),
  );
});

t.test('a submitted record can be read at once, before and after it is written', async (t) => {
  const { table, writer } = await open(t);
  const written = writer.write([table.put('a', { n: 1 })]);
  t.same(table.get('a'), { n: 1 });
  await written;
  t.same(table.get('a'), { n: 1 });
  const removed = writer.write([table.del('a')]);
  t.equal(table.get('a'), undefined);
  await removed;
  t.equal(table.get('a'), undefined);
});

t.test('records that were evicted from memory are read from the disk', async (t) => {
  const { table, writer } = await open(t, 2000);
  await writer.write(Array.from({ length: 100 }, (_, n) => table.put(`k${n}`, { n })));
  for (let n = 0; n < 100; n++) t.same(table.get(`k${n}`), { n });
});

t.test('ranges merge submitted and stored records', async (t) => {
  const { table, writer } = await open(t);
  const key = fc.constantFrom(...'abcdefgh', 'é', '\u{1f600}', '\uffee');
  const step = fc.record({ key, n: fc.option(fc.nat(), { nil: undefined }), wait: fc.boolean() });
  const model = new Map<string, Row>();
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 20 }),
      key,
      fc.integer({ min: 1, max: 5 }),
      async (steps, gt, limit) => {
        for (const { key: name, n, wait } of steps) {
          if (n === undefined) model.delete(name);
          else model.set(name, { n });
          const written = writer.write([n === undefined ? table.del(name) : table.put(name, { n })]);
          if (wait) await written;
        }
        const rows = await table.range({ gt, lt: '\u{10ffff}', limit });
        const expected = [...model].filter(([name]) => compareUtf8(name, gt) > 0).sort(([a], [b]) => compareUtf8(a, b));
        t.strictSame(rows, expected.slice(0, limit));
        await writer.idle();
      },
    ),
    { numRuns: 60 },
  );
});

t.test('all records exist after the database was reopened', async (t) => {
  const dir = t.testdir();
  const before = await Database.open(dir);
  const writer = new GroupWriter(before);
  const table = new Table<Row>('rows', await before.rows('rows'), writer, 1000);
  await writer.write([table.put('a', { n: 7 })]);
  await before.close();
  const after = await Database.open(dir);
  t.teardown(() => after.close());
  t.same(new Table<Row>('rows', await after.rows('rows'), new GroupWriter(after), 1000).get('a'), { n: 7 });
});

t.test('a key without a record is looked up on the disk once, until it gets one', async (t) => {
  const database = await Database.open(t.testdir());
  t.teardown(() => database.close());
  const writer = new GroupWriter(database);
  const rows = await database.rows('rows');
  let reads = 0;
  const counted = { ...rows, getSync: (key: string) => (reads++, rows.getSync(key)) };
  const table = new Table<Row>('rows', counted, writer, 1000);
  t.equal(table.get('a'), undefined);
  t.equal(table.get('a'), undefined);
  t.equal(reads, 1);
  const written = writer.write([table.put('a', { n: 1 })]);
  t.same(table.get('a'), { n: 1 });
  await written;
  await writer.idle();
  t.same(table.get('a'), { n: 1 });
  await writer.write([table.del('a')]);
  t.equal(table.get('a'), undefined);
  await writer.idle();
  t.equal(table.get('a'), undefined);
  await writer.write([table.put('a', { n: 2 })]);
  t.same(table.get('a'), { n: 2 });
});

t.test('keys looked up in vain, written, removed and looked up again give what a map gives', async (t) => {
  const { table, writer } = await open(t, 1);
  const model = new Map<string, Row>();
  const key = fc.constantFrom('a', 'b', 'c');
  const step = fc.record({ key, what: fc.constantFrom('get', 'put', 'del', 'idle'), n: fc.nat() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      for (const { key, what, n } of steps) {
        if (what === 'put') void writer.write([table.put(key, { n })]);
        if (what === 'del') void writer.write([table.del(key)]);
        if (what === 'put') model.set(key, { n });
        if (what === 'del') model.delete(key);
        if (what === 'idle') await writer.idle();
        t.same(table.get(key), model.get(key));
      }
    }),
    { numRuns: 100 },
  );
});
