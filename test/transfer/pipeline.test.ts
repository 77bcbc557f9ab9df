import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { Pipeline } from '../../src/transfer/pipeline.ts';

/** A promise that the test settles. */
function gate(): { readonly open: () => void; readonly passed: Promise<void> } {
  let open = (): void => undefined;
  const passed = new Promise<void>((resolve) => (open = resolve));
  return { open, passed };
}

t.test('first stages run concurrently, second ones in the order of their jobs', async (t) => {
  const pipeline = new Pipeline(3);
  const gates = [gate(), gate(), gate()];
  const log: string[] = [];
  const runs = gates.map(({ passed }, i) =>
    pipeline.run(
      async () => {
        log.push(`begin ${i}`);
        await passed;
        return i;
      },
      async (result) => {
        log.push(`commit ${result}`);
        await turn();
        log.push(`done ${result}`);
      },
    ),
  );
  t.strictSame(log, ['begin 0', 'begin 1', 'begin 2']);
  t.notOk(pipeline.hasRoom);
  gates[2]?.open();
  gates[1]?.open();
  await turn();
  t.equal(log.length, 3, 'the last is ready first, and waits');
  gates[0]?.open();
  await Promise.all(runs);
  t.strictSame(log.slice(3), ['commit 0', 'done 0', 'commit 1', 'done 1', 'commit 2', 'done 2']);
  t.ok(pipeline.hasRoom);
});

t.test('there is room when a job has ended, and the pipeline is idle when all have', async (t) => {
  const pipeline = new Pipeline(2);
  const gates = [gate(), gate()];
  let done = 0;
  for (const { passed } of gates) {
    void pipeline.run(
      () => passed,
      async () => void done++,
    );
  }
  let room = false;
  const roomed = pipeline.room().then(() => (room = true));
  await turn();
  t.notOk(room);
  gates[0]?.open();
  await roomed;
  t.equal(done, 1);
  gates[1]?.open();
  await pipeline.idle();
  t.equal(done, 2);
  await pipeline.room();
  await pipeline.idle();
});

t.test('a stage that fails rejects its own job alone', async (t) => {
  const pipeline = new Pipeline(2);
  let committed = false;
  const first = pipeline.run(
    () => Promise.reject(new Error('first')),
    async () => void (committed = true),
  );
  const second = pipeline.run(
    async () => 1,
    () => Promise.reject(new Error('second')),
  );
  await t.rejects(first, { message: 'first' });
  await t.rejects(second, { message: 'second' });
  t.notOk(committed);
  await pipeline.run(
    async () => 2,
    async (two) => void t.equal(two, 2),
  );
});
