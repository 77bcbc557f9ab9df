import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { fromLines, toLines } from '../../src/daemon/control/lines.ts';
import { watchProgress } from '../../src/daemon/control/watch-progress.ts';
import type { Progress } from '../../src/daemon/control/wire.ts';
import { FsError } from '../../src/vfs/fs-error.ts';

async function all<T>(values: AsyncIterable<T>): Promise<T[]> {
  const got: T[] = [];
  for await (const value of values) got.push(value);
  return got;
}

async function* some(...values: unknown[]): AsyncGenerator {
  for (const value of values) {
    if (value instanceof Error) throw value;
    yield value;
  }
}

t.test('values are decoded however the stream is split into chunks', async (t) => {
  const values = [{ name: 'a\nb' }, { name: 'ü😀' }, [1]];
  t.same(await all(fromLines(toLines(some(...values), 'test'), 'test')), values);
  const bytes = Buffer.concat(
    (await all(toLines(some(...values), 'test'))).map((chunk) => Buffer.from(chunk as string)),
  );
  async function* single(): AsyncGenerator<Uint8Array> {
    for (const byte of bytes) yield Uint8Array.of(byte);
  }
  t.same(await all(fromLines(single(), 'test')), values);
});

t.test('an error keeps its code and reason', async (t) => {
  const error = new FsError('EDQUOT', 'put', { subject: '/Sync/a', reason: 'no room' });
  const got: unknown[] = [];
  const read = async (): Promise<void> => {
    for await (const value of fromLines(toLines(some({ n: 1 }, error), 'test'), 'test')) got.push(value);
  };
  await t.rejects(read(), { name: 'FsError', code: 'EDQUOT', op: 'put', subject: '/Sync/a', reason: 'no room' });
  t.same(got, [{ n: 1 }]);
});

t.test('a truncated stream is not taken for a complete one', async (t) => {
  async function* torn(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('{"n":1}\n{"n"');
  }
  await t.rejects(all(fromLines(torn(), 'test')), { code: 'EAGAIN' });
});

function report(files: number): Progress {
  return { done: { files, bytes: 0 }, total: { files: 9, bytes: 0 } };
}

t.test('a slow reader of progress gets the newest and the last report', async (t) => {
  const got: number[] = [];
  const reports = watchProgress(async (tell) => {
    for (let i = 1; i <= 9; i++) {
      tell(report(i));
      if (i % 3 === 0) await sleep(1);
    }
  });
  for await (const { done } of reports) got.push(done.files);
  t.equal(got.at(-1), 9);
  t.same(
    got,
    [...got].sort((a, b) => a - b),
  );
});

t.test('an error comes after the last report', async (t) => {
  const got: number[] = [];
  const read = async (): Promise<void> => {
    const reports = watchProgress((tell) => {
      tell(report(3));
      return Promise.reject(new FsError('EIO', 'flush'));
    });
    for await (const { done } of reports) got.push(done.files);
  };
  await t.rejects(read(), { code: 'EIO' });
  t.same(got, [3]);
});
