import t, { type Test } from 'tap';
import { WorkerThread } from '../../src/threads/worker-thread.ts';

interface Request {
  readonly what: 'double' | 'fail' | 'die' | 'take';
  readonly value: number;
  readonly data?: Uint8Array<ArrayBuffer>;
}

interface Response {
  readonly value: number;
  readonly data: Uint8Array | undefined;
}

function open(t: Test): WorkerThread<Request, Response> {
  const thread = new WorkerThread<Request, Response>(new URL('echo-thread.mjs', import.meta.url), { name: 'echo' });
  t.teardown(() => thread.terminate());
  return thread;
}

t.test('responds to requests in their order', async (t) => {
  const thread = open(t);
  const responses = await Promise.all([1, 2, 3].map((value) => thread.request({ what: 'double', value })));
  t.strictSame(
    responses.map(({ value }) => value),
    [2, 4, 6],
  );
});

t.test('memory is transferred and returned', async (t) => {
  const data = new Uint8Array([1, 2, 3]);
  const response = await open(t).request({ what: 'take', value: 0, data }, [data.buffer]);
  t.equal(data.length, 0);
  t.strictSame(Array.from(response.data ?? []), [1, 2, 3]);
});

t.test('an error keeps its code, and the thread keeps running', async (t) => {
  const thread = open(t);
  await t.rejects(thread.request({ what: 'fail', value: 0 }), { code: 'ENOENT', message: 'no such thing' });
  t.match(await thread.request({ what: 'double', value: 4 }), { value: 8 });
});

t.test('a dying thread rejects pending and later requests', async (t) => {
  const thread = open(t);
  const waiting = [thread.request({ what: 'die', value: 3 }), thread.request({ what: 'double', value: 1 })];
  for (const one of waiting) await t.rejects(one, { code: 'EIO', reason: 'the thread has ended: 3' });
  t.ok(thread.hasEnded);
  await t.rejects(thread.request({ what: 'double', value: 1 }), { code: 'EIO' });
});

t.test('`end` lets earlier requests complete', async (t) => {
  const thread = open(t);
  const before = [1, 2].map((value) => thread.request({ what: 'double', value }));
  thread.end();
  t.match(await Promise.all(before), [{ value: 2 }, { value: 4 }]);
  await t.rejects(thread.request({ what: 'double', value: 1 }), { code: 'EINTR' });
});

t.test('`terminate` rejects pending requests', async (t) => {
  const thread = open(t);
  const waiting = thread.request({ what: 'double', value: 1 });
  const rejected = t.rejects(waiting, { code: 'EINTR' });
  await thread.terminate();
  await rejected;
});
