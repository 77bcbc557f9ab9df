import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { Database } from '../../../src/cache/db/database.ts';
import { isFsError } from '../../../src/vfs/fs-error.ts';
import { killAfter } from '../../helpers/killed-child.ts';
import { canMount, smallDisk, temporary } from '../../helpers/temporary.ts';

const all = { gt: '', lt: '\u{10ffff}', limit: 100 };

t.test('a batch can span tables and is read back after reopening', async (t) => {
  const dir = temporary(t);
  const db = await Database.open(dir);
  await db.write(
    [
      { type: 'put', table: 'a', key: 'x', value: { n: 1 } },
      { type: 'put', table: 'b', key: 'x', value: 'text' },
      { type: 'put', table: 'a', key: 'y', value: 2 },
      { type: 'del', table: 'a', key: 'y' },
    ],
    false,
  );
  t.equal((await db.rows('a')).getSync('x'), '{"n":1}');
  t.same(await (await db.rows('a')).range(all), [['x', '{"n":1}']]);
  await db.close();
  const again = await Database.open(dir);
  t.teardown(() => again.close());
  t.equal((await again.rows('b')).getSync('x'), '"text"');
  t.equal((await again.rows('a')).getSync('y'), undefined);
});

t.test('a folder that is in use is refused with EBUSY', async (t) => {
  const dir = temporary(t);
  const db = await Database.open(dir);
  t.teardown(() => db.close());
  const script = `
    import { Database } from ${JSON.stringify(join(import.meta.dirname, '../../../src/cache/db/database.ts'))};
    await Database.open(${JSON.stringify(dir)}).catch((error) => console.log(error.code, error.reason));`;
  const said = execFileSync(process.execPath, ['--import=tsx', '--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  t.match(said, /^EBUSY another process/);
});

t.test('opening a damaged database throws EIO', async (t) => {
  const dir = temporary(t);
  writeFileSync(join(dir, 'CURRENT'), 'nonsense');
  await t.rejects(Database.open(dir), { code: 'EIO' });
});

t.test('barriers share a sync and cover all batches that resolved before', async (t) => {
  const db = await Database.open(temporary(t));
  t.teardown(() => db.close());
  await db.write([{ type: 'put', table: 'a', key: 'x', value: 1 }], false);
  t.equal(db.barrier(), db.barrier(), 'waiting calls share one sync');
  await db.barrier();
  await db.barrier();
});

t.test('the log before the newest one is synced, too', async (t) => {
  const dir = temporary(t);
  const db = await Database.open(dir);
  t.teardown(() => db.close());
  const value = 'x'.repeat(100_000);
  for (let i = 0; i < 120; i++) await db.write([{ type: 'put', table: 'a', key: `${i}`, value }], i % 10 === 0);
  await db.barrier();
  t.equal((await db.rows('a')).getSync('119'), JSON.stringify(value));
});

t.test(
  'on a full disk writes are refused and reads work; once there is space writes work again',
  { skip: !canMount },
  async (t) => {
    const small = smallDisk(t, 2 << 20);
    const db = await Database.open(join(small, 'db'));
    t.teardown(() => db.close());
    await db.write([{ type: 'put', table: 'a', key: 'x', value: 1 }], true);
    writeFileSync(join(small, 'filler'), Buffer.alloc(1 << 20));
    const value = 'x'.repeat(1_500_000);
    const error: unknown = await db
      .write([{ type: 'put', table: 'a', key: 'y', value }], false)
      .catch((e: unknown) => e);
    t.ok(isFsError(error, 'ENOSPC'), 'the disk is full');
    await t.rejects(db.write([{ type: 'put', table: 'a', key: 'z', value: 1 }], false), { code: 'ENOSPC' });
    await t.rejects(db.barrier(), { code: 'ENOSPC' });
    t.throws(() => db.checkRoom(), { code: 'ENOSPC' });
    t.equal(db.log([{ type: 'put', table: 'a', key: 'z', value: 1 }]), undefined);
    t.equal((await db.rows('a')).getSync('x'), '1');
    rmSync(join(small, 'filler'));
    execFileSync('mount', ['-o', 'remount,size=64m', small]);
    await db.write([{ type: 'put', table: 'a', key: 'z', value }], true);
    for (let i = 0; i < 20; i++) await db.write([{ type: 'put', table: 'a', key: `after${i}`, value }], false);
    db.checkRoom();
    await db.close();
    const again = await Database.open(join(small, 'db'));
    t.teardown(() => again.close());
    const rows = await again.rows('a');
    t.equal(rows.getSync('x'), '1');
    t.equal(rows.getSync('z'), JSON.stringify(value));
    t.equal(rows.getSync('after19'), JSON.stringify(value));
    t.equal(rows.getSync('y'), undefined, 'what was refused');
  },
);

t.test(
  'a LevelDB that refuses all writes is replaced once there is space, and reads continue meanwhile',
  { skip: !canMount },
  async (t) => {
    const small = smallDisk(t, 24 << 20);
    const dir = join(small, 'db');
    const db = await Database.open(dir);
    t.teardown(() => db.close());
    const rows = await db.rows('a');
    const value = 'x'.repeat(500_000);
    const done: string[] = [];
    const write = async (key: string) => {
      await db.write([{ type: 'put', table: 'a', key, value }], false);
      done.push(key);
    };
    const reader = new AbortController();
    let reads = 0;
    const reading = (async () => {
      for (; !reader.signal.aborted; reads++) {
        const last = done.at(-1);
        const count = Math.min(all.limit, done.length);
        if (last !== undefined && rows.getSync(last) === undefined) throw new Error(`${last} is lost`);
        if ((await rows.range(all)).length < count) throw new Error('records are lost');
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    for (let round = 0; round < 4; round++) {
      const before = reads;
      for (let i = 0; i < 6; i++) await write(`${round} before ${i}`);
      const filler = join(small, 'filler');
      // Leaves enough space for the log, and too little for a table.
      writeFileSync(filler, Buffer.alloc(Math.max(0, free(small) - (6 << 20))));
      for (let i = 0; i < 40; i++) await write(`${round} more ${i}`).catch(() => undefined);
      writeFileSync(filler, Buffer.alloc(free(small)), { flag: 'a' });
      for (let i = 0; i < 3; i++) {
        await t.rejects(write(`${round} full ${i}`), { code: 'ENOSPC' });
        t.equal(rows.getSync(`${round} before 5`), JSON.stringify(value), 'reads');
      }
      rmSync(filler);
      execFileSync('mount', ['-o', `remount,size=${24 + 24 * (round + 1)}m`, small]);
      await write(`${round} after`);
      t.ok(reads > before, 'reads during the replacement');
    }
    reader.abort();
    await reading;
    t.ok(readdirSync(dir).includes('generation'), 'it was replaced');
    await db.close();
    const again = await Database.open(dir);
    t.teardown(() => again.close());
    for (const key of done) {
      if ((await again.rows('a')).getSync(key) !== JSON.stringify(value)) t.fail(`${key} is lost`);
    }
  },
);

function free(dir: string): number {
  const { bavail, bsize } = statfsSync(dir);
  return bavail * bsize;
}

t.test('acknowledged batches survive SIGKILL', async (t) => {
  const dir = temporary(t);
  const script = `
    import { Database } from ${JSON.stringify(join(import.meta.dirname, '../../../src/cache/db/database.ts'))};
    const db = await Database.open(${JSON.stringify(dir)});
    for (let i = 0; ; i++) {
      await db.write([{ type: 'put', table: 'a', key: String(i).padStart(6, '0'), value: i }], false);
      say(i);
    }`;
  const lines = await killAfter(500, join(temporary(t), 'said'), script);
  const last = Number(lines.at(-1));
  const db = await Database.open(dir);
  t.teardown(() => db.close());
  t.ok(last >= 499);
  const rows = await db.rows('a');
  for (let i = 0; i <= last; i++) {
    if (rows.getSync(String(i).padStart(6, '0')) !== String(i)) t.fail(`record ${i} is lost`);
  }
});

t.test('what a writer has acknowledged survives SIGKILL, in the database or in its log', async (t) => {
  const dir = temporary(t);
  const cache = join(import.meta.dirname, '../../../src/cache/db');
  const script = `
    import { Database } from ${JSON.stringify(join(cache, 'database.ts'))};
    import { GroupWriter } from ${JSON.stringify(join(cache, 'group-writer.ts'))};
    const writer = new GroupWriter(await Database.open(${JSON.stringify(dir)}));
    for (let i = 0; ; i++) {
      const key = String(i).padStart(6, '0');
      await writer.write([{ type: 'put', table: 'a', key, value: i }, { type: 'put', table: 'b', key: '', value: i }]);
      if (i % 3 === 2) await writer.write([{ type: 'del', table: 'a', key }]);
      say(i);
      if (i % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }`;
  const lines = await killAfter(3000, join(temporary(t), 'said'), script);
  const last = Number(lines.at(-1));
  t.ok(last >= 2999);
  for (const _ of [1, 2]) {
    const db = await Database.open(dir);
    const rows = await db.rows('a');
    for (let i = 0; i <= last; i++) {
      const found = rows.getSync(String(i).padStart(6, '0'));
      if (found !== (i % 3 === 2 ? undefined : String(i))) t.fail(`record ${i} is ${found}`);
    }
    t.ok(Number((await db.rows('b')).getSync('')) >= last);
    await db.close();
  }
});

t.test('logged but unwritten changes are written when the database is opened next, once', async (t) => {
  const dir = temporary(t);
  const first = await Database.open(dir);
  t.equal(first.log([{ type: 'put', table: 'a', key: 'x', value: 1 }]), 1);
  t.equal(first.log([{ type: 'put', table: 'a', key: 'y', value: 1 }]), 2);
  await first.write([{ type: 'put', table: 'a', key: 'x', value: 1 }], false, { logged: 1 });
  await first.write([{ type: 'put', table: 'a', key: 'x', value: 2 }], false);
  await first.close();
  t.equal(first.log([]), undefined, 'not after the end');
  const second = await Database.open(dir);
  const rows = await second.rows('a');
  t.same([rows.getSync('x'), rows.getSync('y')], ['2', '1']);
  t.equal(second.log([{ type: 'put', table: 'a', key: 'z', value: 1 }]), 3);
  await second.close();
});
