import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { MAX_INTENTS } from '../../src/cloud/limits.ts';
import type { Intent, IntentResult } from '../../src/cloud/records.ts';
import { CommitQueue } from '../../src/transfer/commit-queue.ts';

const context = { signal: new AbortController().signal };

interface Change {
  readonly intent: Intent;
}

function change(i: number, list = 0): Change {
  const [id, ids] = [`i${i}`, { space: 's', node: `n${i}`, version: `v${i}` }];
  const content = { size: 1, blocks: 'A'.repeat(list) };
  const attrs = { mode: 0o644, mtime: 0, birthtime: 0 };
  return { intent: { op: 'put', id, ...ids, base: null, parent: 'p', name: id, ...attrs, content } };
}

class Recorder {
  readonly batches: string[][] = [];
  readonly settled: string[] = [];
  busy = false;
  settling = false;
  failAt = Infinity;
  readonly queue: CommitQueue<Change>;

  constructor() {
    this.queue = new CommitQueue<Change>({
      remote: { commit: async (intents) => this.#commit(intents) },
      context,
      settle: async (batch, results) => {
        if (this.settling) throw new Error('the batch before is not settled');
        this.settling = true;
        await turn();
        await turn();
        if (results.length !== batch.length) throw new Error('results are lost');
        this.settled.push(...batch.map(({ intent }) => intent.id));
        this.settling = false;
      },
    });
  }

  async #commit(intents: readonly Intent[]): Promise<IntentResult[]> {
    if (this.busy) throw new Error('the batch before is not committed');
    this.busy = true;
    this.batches.push(intents.map(({ id }) => id));
    await turn();
    this.busy = false;
    if (this.batches.length >= this.failAt) throw new Error('unreachable');
    return intents.map(({ id }) => ({ id, status: 'refused', code: 'gone', message: '' }));
  }
}

t.test('what is added soon after, or while a batch is under way, goes together and in order', async (t) => {
  const { queue, batches, settled } = new Recorder();
  queue.add(change(1));
  queue.add(change(2));
  await turn();
  t.strictSame(batches, []);
  for (let i = 3; i < 1200; i++) queue.add(change(i));
  await queue.flush();
  t.strictSame(
    batches.map(({ length }) => length),
    [MAX_INTENTS, MAX_INTENTS, 199],
  );
  t.strictSame(
    settled,
    Array.from({ length: 1199 }, (_, i) => `i${i + 1}`),
  );
});

t.test('a few changes are sent without a flush, after a while', async (t) => {
  const { queue, settled } = new Recorder();
  queue.add(change(1));
  while (settled.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  t.strictSame(settled, ['i1']);
});

t.test('long lists of blocks go in requests of their own', async (t) => {
  const { queue, batches } = new Recorder();
  for (const [i, list] of [10, 2_000_000, 10, 600_000, 600_000].entries()) queue.add(change(i, list));
  await queue.flush();
  t.strictSame(batches, [['i0'], ['i1'], ['i2', 'i3'], ['i4']]);
});

t.test('adding waits while thousands are pending, and no longer', async (t) => {
  const { queue, settled } = new Recorder();
  await queue.room();
  for (let i = 0; i < 5 * MAX_INTENTS; i++) queue.add(change(i));
  await queue.room();
  t.ok(settled.length < 5 * MAX_INTENTS, 'it does not wait for all');
  await queue.flush();
  t.equal(settled.length, 5 * MAX_INTENTS);
});

t.test('a failure ends the queue and rejects all waiting calls', async (t) => {
  const recorder = new Recorder();
  recorder.failAt = 2;
  const { queue, batches, settled } = recorder;
  for (let i = 0; i < 10 * MAX_INTENTS; i++) queue.add(change(i));
  await t.rejects(queue.room(), { message: 'unreachable' });
  await t.rejects(queue.flush(), { message: 'unreachable' });
  queue.add(change(9999));
  await t.rejects(queue.flush(), { message: 'unreachable' });
  t.equal(batches.length, 2);
  t.equal(settled.length, MAX_INTENTS, 'committed changes are settled');
});
