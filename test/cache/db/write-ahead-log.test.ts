import { appendFileSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import type { Op } from '../../../src/cache/db/group-writer.ts';
import { WriteAheadLog } from '../../../src/cache/db/write-ahead-log.ts';
import { canMount, smallDisk, temporary } from '../../helpers/temporary.ts';

/** More than a call can have arguments. */
const MANY = 150_000;

const put = (key: string, value: unknown): Op => ({ type: 'put', table: 't', key, value });

/** The log as the next process opens it, and the ops that it must write. */
async function reopen(dir: string, place = 0): Promise<{ log: WriteAheadLog; keys: string[]; place: number }> {
  const keys: string[] = [];
  const log = await WriteAheadLog.open(dir, place, async (ops, now) => {
    keys.push(...ops.map(({ key }) => key));
    place = now;
  });
  return { log, keys, place };
}

async function logged(t: Test, count: number, size = 10): Promise<{ dir: string; log: WriteAheadLog }> {
  const dir = join(temporary(t), 'ahead');
  const { log } = await reopen(dir);
  for (let i = 1; i <= count; i++) t.equal(log.append([put(String(i), 'x'.repeat(size))]), i);
  return { dir, log };
}

function segments(dir: string): string[] {
  return readdirSync(dir).map((name) => join(dir, name));
}

t.test('appended frames are passed to the next process, and only to that one', async (t) => {
  const { dir } = await logged(t, 3);
  t.match(await reopen(dir), { keys: ['1', '2', '3'], place: 3 });
  t.match(await reopen(dir, 3), { keys: { length: 0 }, place: 3 });
  t.same(segments(dir), []);
});

t.test('all values are restored, including deletions and all of Unicode', async (t) => {
  const { dir, log } = await logged(t, 0);
  const ops: Op[] = [put('å/\u{1f600}', { a: [1, null], b: '\0' }), { type: 'del', table: 'other', key: 'x' }];
  log.append(ops);
  const found: Op[] = [];
  await WriteAheadLog.open(dir, 0, async (all) => void found.push(...all));
  t.same(found, ops);
});

t.test('frames that the database has are not passed again, later ones are', async (t) => {
  const { dir } = await logged(t, 5);
  t.match(await reopen(dir, 3), { keys: ['4', '5'], place: 5 });
});

t.test('a frame has any number of ops', async (t) => {
  const { dir, log } = await logged(t, 0);
  log.append(Array.from({ length: MANY }, (_, i) => put(String(i), i)));
  const counts: number[] = [];
  await WriteAheadLog.open(dir, 0, async (ops) => void counts.push(ops.length));
  t.same(counts, [MANY]);
});

t.test('positions continue after the last one', async (t) => {
  const { dir } = await logged(t, 2);
  const { log } = await reopen(dir);
  t.equal(log.append([put('a', 1)]), 3);
  t.match(await reopen(dir, 2), { keys: ['a'], place: 3 });
});

t.test('a truncated frame, or one with a changed byte, is ignored', async (t) => {
  for (const spoil of [
    (path: string) => truncateSync(path, readFileSync(path).length - 1),
    (path: string) => spoilt(path, 0, 3),
    (path: string) => spoilt(path, 0x7f, 20),
  ]) {
    const { dir } = await logged(t, 3);
    for (const path of segments(dir)) spoil(path);
    t.match(await reopen(dir), { keys: ['1', '2'], place: 2 });
  }
});

/** With other bytes at the end. */
function spoilt(path: string, byte: number, count: number): void {
  const data = readFileSync(path);
  writeFileSync(path, data.fill(byte, data.length - count));
}

t.test('garbage after the end is ignored', async (t) => {
  for (const more of [Buffer.alloc(100), Buffer.alloc(5), Buffer.alloc(20, 0xff)]) {
    const { dir } = await logged(t, 2);
    for (const path of segments(dir)) appendFileSync(path, more);
    t.match(await reopen(dir), { keys: ['1', '2'], place: 2 });
  }
});

t.test('frames after a gap are ignored, as they may depend on lost ones', async (t) => {
  const { dir } = await logged(t, 12, 1 << 20);
  const all = segments(dir);
  t.ok(all.length > 2, `${all.length} segments`);
  rmSync(all[1] as string);
  const { keys, place } = await reopen(dir);
  t.ok(place > 0 && place < 12);
  t.equal(keys.length, place);
  // The database has lost the state to which the first segment was applied.
  const second = await logged(t, 3);
  second.log.applied(3);
  second.log.append([put('4', 'x')]);
  const [path] = segments(second.dir);
  writeFileSync(path as string, readFileSync(path as string).subarray(2 * frameSize(path as string)));
  t.match(await reopen(second.dir), { keys: { length: 0 }, place: 0 });
});

function frameSize(path: string): number {
  return 8 + readFileSync(path).readUInt32LE(0);
}

t.test(
  'segments are removed once the database has them; the current one stays until it is full or the log is closed',
  async (t) => {
    const { dir, log } = await logged(t, 12, 1 << 20);
    const before = segments(dir).length;
    log.applied(5);
    t.ok(segments(dir).length < before);
    log.applied(12);
    t.ok(segments(dir).length <= 1);
    log.append([put('13', 'x')]);
    log.close(12);
    log.close(12);
    t.match(await reopen(dir, 12), { keys: ['13'] });

    const clean = await logged(t, 3);
    clean.log.applied(3);
    t.equal(segments(clean.dir).length, 1);
    clean.log.close(3);
    t.same(segments(clean.dir), []);
  },
);

t.test('on a full disk a frame is refused and the log is unchanged', { skip: !canMount }, async (t) => {
  const disk = smallDisk(t, 1 << 20);
  const dir = join(disk, 'ahead');
  const { log } = await reopen(dir);
  log.append([put('1', 'x')]);
  writeFileSync(join(disk, 'filler'), Buffer.alloc(900_000));
  t.throws(() => log.append([put('no', 'x'.repeat(500_000))]), { code: 'ENOSPC' });
  rmSync(join(disk, 'filler'));
  t.equal(log.append([put('2', 'x')]), 2);
  t.match(await reopen(dir), { keys: ['1', '2'], place: 2 });
});

t.test('wherever a log is truncated, the frames before that are found', async (t) => {
  const property = fc.asyncProperty(fc.nat(), fc.nat(20), async (end, place) => {
    const { dir } = await logged(t, 20);
    const [path = ''] = segments(dir);
    truncateSync(path, end % (readFileSync(path).length + 1));
    const found = await reopen(dir, place);
    t.same(
      found.keys,
      Array.from({ length: found.place - place }, (_, i) => String(place + i + 1)),
    );
    t.ok(found.place >= place && found.place <= 20);
  });
  await fc.assert(property, { numRuns: 50 });
});
