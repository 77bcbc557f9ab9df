import t from 'tap';
import { type BatchWriter, GroupWriter, type Op } from '../../../src/cache/db/group-writer.ts';
import { type Rows, Table } from '../../../src/cache/db/table.ts';

interface Batch {
  readonly ops: readonly Op[];
  readonly sync: boolean;
  readonly logged: number | undefined;
  readonly finish: (error?: Error) => void;
}

/** A disk whose writes complete when the test says so. */
class SlowDisk implements BatchWriter {
  readonly batches: Batch[] = [];

  write(ops: readonly Op[], sync: boolean, { logged }: { readonly logged?: number | undefined } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const finish = (error?: Error): void => (error === undefined ? resolve() : reject(error));
      this.batches.push({ ops: [...ops], sync, logged, finish });
    });
  }
}

const put = (key: string, value: unknown): Op => ({ type: 'put', table: 't', key, value });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

t.test('ops submitted during a write are written as one batch, in order', async (t) => {
  const disk = new SlowDisk();
  const writer = new GroupWriter(disk);
  const first = [writer.write([put('a', 1)]), writer.write([put('b', 2)])];
  await turn();
  const second = [writer.write([put('a', 3), put('c', 4)]), writer.write([put('d', 5)], { sync: true })];
  await turn();
  t.equal(disk.batches.length, 1, 'the second group waits for the first');
  t.same(disk.batches[0]?.ops, [put('a', 1), put('b', 2)]);
  t.equal(disk.batches[0]?.sync, false);
  disk.batches[0]?.finish();
  await Promise.all(first);
  await turn();
  t.same(disk.batches[1]?.ops, [put('a', 3), put('c', 4), put('d', 5)]);
  t.equal(disk.batches[1]?.sync, true, 'one write with sync syncs the whole group');
  disk.batches[1]?.finish();
  await Promise.all(second);
  await writer.idle();
});

t.test('submitted records are pending until their own batch is written', async (t) => {
  const disk = new SlowDisk();
  const writer = new GroupWriter(disk);
  const first = writer.write([put('a', 1)]);
  t.equal(writer.pending('t').get('a')?.value, 1, 'at once');
  await turn();
  const second = writer.write([put('a', 2)]);
  disk.batches[0]?.finish();
  await first;
  t.equal(writer.pending('t').get('a')?.value, 2, 'a newer record is not removed with the older one');
  await turn();
  disk.batches[1]?.finish();
  await second;
  t.equal(writer.pending('t').size, 0);
});

t.test('a failed write rejects exactly the calls that wait for it', async (t) => {
  const disk = new SlowDisk();
  const writer = new GroupWriter(disk);
  const lost = [writer.write([put('a', 1)]), writer.write([put('b', 1)])];
  await turn();
  disk.batches[0]?.finish(new Error('disk on fire'));
  for (const write of lost) await t.rejects(write, /disk on fire/);
  const next = writer.write([put('c', 1)]);
  await turn();
  disk.batches[1]?.finish();
  await t.resolves(next);
});

t.test('an observer sees every op of its table as it is submitted', async (t) => {
  const disk = new SlowDisk();
  const writer = new GroupWriter(disk);
  const seen: string[] = [];
  writer.observe('t', { submitted: ({ key }) => void seen.push(key), lost: () => undefined });
  const written = writer.write([put('a', 1), { ...put('x', 1), table: 'other' }, put('b', 1)]);
  t.same(seen, ['a', 'b']);
  await turn();
  disk.batches[0]?.finish();
  await written;
});

t.test('records that could not be written are not visible', async (t) => {
  const rows: Rows = { getSync: (key) => (key === 'old' ? '{"at":1}' : undefined), range: async () => [] };
  const failing = new GroupWriter({ write: () => Promise.reject(new Error('the disk is gone')) });
  const table = new Table<{ at: number }>('things', rows, failing, 1 << 20);
  t.same(table.get('old'), { at: 1 });
  const write = failing.write([table.put('new', { at: 2 }), table.put('old', { at: 2 })]);
  t.same(table.get('new'), { at: 2 }, 'until it has failed');
  await t.rejects(write, /disk is gone/);
  t.equal(table.get('new'), undefined);
  t.same(table.get('old'), { at: 1 });
});

t.test('lazy ops are written with the next ones, or after a delay', async (t) => {
  const batches: number[] = [];
  const writer = new GroupWriter({ write: async (ops) => void batches.push(ops.length) });
  const op = (key: string): Op => ({ type: 'put', table: 'things', key, value: 1 });
  void writer.write([op('a')], { lazy: true });
  t.equal(writer.pending('things').size, 1, 'visible at once');
  await writer.write([op('b')]);
  t.same(batches, [2]);
  await writer.write([op('c')], { lazy: true });
  t.same(batches, [2, 1]);
  void writer.write([op('d')], { lazy: true });
  await writer.idle();
  t.same(batches, [2, 1, 1]);
});

t.test('the writer works after lazy ops were written early with others', async (t) => {
  const disk = new SlowDisk();
  const writer = new GroupWriter(disk);
  const first = writer.write([put('a', 1)]);
  await turn();
  const late = writer.write([put('b', 2)], { lazy: true });
  disk.batches[0]?.finish();
  await first;
  await turn();
  disk.batches[1]?.finish();
  await late;
  // Longer than lazy ops wait; their timer was set before this one.
  await new Promise((resolve) => setTimeout(resolve, 20));
  void writer.write([put('c', 3)]);
  await turn();
  t.same(disk.batches[2]?.ops, [put('c', 3)]);
  disk.batches[2]?.finish();
  await writer.idle();
});

/** A disk with a log, which can be full. */
class LoggingDisk extends SlowDisk {
  readonly logged: Op[] = [];
  full = false;

  log(ops: readonly Op[]): number | undefined {
    if (this.full) return undefined;
    this.logged.push(...ops);
    return this.logged.length;
  }
}

/** Whether a promise is settled after a turn. */
async function isAnswered(promise: Promise<void>): Promise<boolean> {
  let answered = false;
  void promise.then(() => (answered = true));
  await turn();
  return answered;
}

t.test('logged ops are acknowledged at once, and soon written as one batch of the last states', async (t) => {
  const disk = new LoggingDisk();
  const writer = new GroupWriter(disk);
  t.ok(await isAnswered(writer.write([put('a', 1)])));
  await writer.write([put('b', 1)]);
  await writer.write([put('a', 2)]);
  t.same(disk.logged, [put('a', 1), put('b', 1), put('a', 2)]);
  t.equal(disk.batches.length, 0);
  t.equal(writer.pending('t').get('a')?.value, 2);
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.match(disk.batches, [{ ops: [put('a', 2), put('b', 1)], sync: false, logged: 3 }]);
  disk.batches[0]?.finish();
  await writer.idle();
  t.equal(writer.pending('t').size, 0);
});

t.test('a sync, many changes and the end are written at once, with and without a log', async (t) => {
  const disk = new LoggingDisk();
  const writer = new GroupWriter(disk);
  await writer.write([put('a', 1)]);
  const synced = writer.write([], { sync: true });
  t.notOk(await isAnswered(synced));
  t.match(disk.batches, [{ ops: [put('a', 1)], sync: true, logged: 1 }]);
  for (let i = 0; i < 600; i++) await writer.write([put(`${i}`, i)]);
  disk.batches[0]?.finish();
  await synced;
  await turn();
  t.equal(disk.batches[1]?.ops.length, 600);
  await writer.write([put('z', 1)]);
  disk.batches[1]?.finish();
  const idle = writer.idle();
  await turn();
  t.match(disk.batches[2], { ops: [put('z', 1)], logged: 602 });
  disk.batches[2]?.finish();
  await idle;
  await writer.write([]);
  await writer.idle();
  t.equal(disk.batches.length, 3, 'an empty call writes nothing');
});

t.test('writers wait for a disk that is far behind', async (t) => {
  const disk = new LoggingDisk();
  const writer = new GroupWriter(disk);
  for (let i = 0; i < 500; i++) await writer.write([put(`first${i}`, i)]);
  await turn();
  for (let i = 0; i < 10_000; i++) await writer.write([put(`${i}`, i)]);
  const late = writer.write([put('late', 1)]);
  t.notOk(await isAnswered(late));
  disk.batches[0]?.finish();
  await turn();
  disk.batches[1]?.finish();
  await late;
});

t.test('ops that could not be logged are waited for, and logged before later ones', async (t) => {
  const disk = new LoggingDisk();
  const writer = new GroupWriter(disk);
  await writer.write([put('a', 1)]);
  disk.full = true;
  const waits = writer.write([put('b', 1)]);
  t.notOk(await isAnswered(waits));
  t.match(disk.batches, [{ ops: [put('a', 1), put('b', 1)], logged: 1 }]);
  disk.full = false;
  disk.batches[0]?.finish();
  await waits;
  t.ok(await isAnswered(writer.write([put('c', 1)])), 'positions in the log have no gap');
  disk.full = true;
  const late = writer.write([put('e', 1)]);
  disk.full = false;
  t.ok(await isAnswered(writer.write([put('f', 1)])));
  t.same(disk.logged.slice(-2), [put('e', 1), put('f', 1)], 'in their order');
  disk.batches[1]?.finish();
  await turn();
  disk.batches[2]?.finish();
  await late;
  await writer.idle();
});

t.test('what is joined in one turn is logged as one frame, with what is written in between', async (t) => {
  const disk = new LoggingDisk();
  const frames: string[][] = [];
  const log = disk.log.bind(disk);
  disk.log = (ops) => (frames.push(ops.map(({ key }) => key)), log(ops));
  const writer = new GroupWriter(disk);
  const joined = writer.join([put('a', 1)]);
  t.equal(writer.pending('t').get('a')?.value, 1, 'visible at once');
  void writer.write([put('b', 1)]);
  void writer.join([put('a', 2)]);
  t.same(frames, []);
  await joined;
  void writer.join([put('c', 1)]);
  await turn();
  void writer.join([put('d', 1)]);
  const synced = writer.write([put('e', 1)], { sync: true });
  t.same(frames, [['a', 'b', 'a'], ['c'], ['d'], ['e']], 'a sync does not wait for the turn');
  await turn();
  t.match(disk.batches, [{ ops: ['a', 'b', 'c', 'd', 'e'].map((key) => ({ key })), sync: true, logged: 6 }]);
  disk.batches[0]?.finish();
  await synced;
  await writer.idle();
});

t.test('any number of ops can be joined', async (t) => {
  const disk = new LoggingDisk();
  const writer = new GroupWriter(disk);
  let logged = 0;
  disk.log = (all) => (logged = all.length);
  const ops = Array.from({ length: 150_000 }, (_, i) => put(String(i), 1));
  const joined = writer.join(ops);
  await turn();
  t.equal(logged, ops.length);
  disk.batches[0]?.finish();
  await joined;
});

t.test('joined ops that cannot be logged are waited for', async (t) => {
  const disk = new LoggingDisk();
  const writer = new GroupWriter(disk);
  disk.full = true;
  const waits = writer.join([put('a', 1)]);
  t.notOk(await isAnswered(waits));
  t.match(disk.batches, [{ ops: [put('a', 1)] }]);
  disk.batches[0]?.finish();
  await t.resolves(waits);
});
