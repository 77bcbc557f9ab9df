import { getEventListeners } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { slices, Bandwidth } from '../../../src/cloud/http/bandwidth.ts';
import { TokenBucket, type Lane } from '../../../src/cloud/http/token-bucket.ts';

/** A clock that stands still, and timers that run when it passes them. */
function clock() {
  let now = 0;
  const timers = new Set<{ readonly at: number; readonly run: () => void }>();
  return {
    now: () => now,
    after: (ms: number, run: () => void) => {
      const timer = { at: now + ms, run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    timers,
    pass: async (ms: number): Promise<void> => {
      const until = now + ms;
      for (;;) {
        // What was let pass needs some turns to come back.
        for (let turns = 0; turns < 4; turns++) await turn();
        const [next] = [...timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at);
        if (next === undefined) break;
        now = next.at;
        timers.delete(next);
        next.run();
      }
      now = until;
    },
  };
}

const never = new AbortController().signal;
const MB = 1e6;

/** Takes again and again, as a sender does. */
function sender(bucket: TokenBucket, lane: Lane, signal = never, slice = 10_000) {
  const sent = { bytes: 0 };
  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      await bucket.take(slice, lane, signal);
      sent.bytes += slice;
      await turn();
    }
  };
  void run().catch(() => undefined);
  return sent;
}

t.test('without a limit nothing waits', async (t) => {
  const bucket = new TokenBucket(clock());
  for (let i = 0; i < 100; i++) t.equal(bucket.take(MB, 'backup', never), undefined);
  t.equal(Atomics.load(bucket.limit, 0), 0);
});

t.test('over a minute the limit is kept to a percent, however many send', async (t) => {
  for (const rate of [20_000, MB, 30 * MB]) {
    for (const senders of [1, 7]) {
      const time = clock();
      const bucket = new TokenBucket(time);
      bucket.rate = rate;
      const slice = Math.max(1000, rate / 50);
      const sent = Array.from({ length: senders }, () => sender(bucket, 'drive', never, slice));
      await time.pass(20_000);
      const bytes = sent.reduce((sum, one) => sum + one.bytes, 0);
      t.ok(Math.abs(bytes / (20 * rate) - 1) < 0.02, `${bytes} of ${20 * rate}`);
    }
  }
});

t.test('a line that was idle does not save up more than a tenth of a second', async (t) => {
  const time = clock();
  const bucket = new TokenBucket(time);
  bucket.rate = MB;
  await time.pass(3_600_000);
  const sent = sender(bucket, 'drive');
  await time.pass(1000);
  t.ok(sent.bytes <= 1.12 * MB, `${sent.bytes}`);
});

t.test('a chunk that is larger than a second of the line passes, and is paid for', async (t) => {
  const time = clock();
  const bucket = new TokenBucket(time);
  bucket.rate = 100_000;
  await time.pass(1);
  t.equal(bucket.take(MB, 'first', never), undefined);
  let passed = false;
  void bucket.take(1, 'first', never)?.then(() => (passed = true));
  await time.pass(9900);
  t.notOk(passed);
  await time.pass(200);
  t.ok(passed);
});

t.test('drive and backup share evenly, however many of each send; one alone gets all', async (t) => {
  const time = clock();
  const bucket = new TokenBucket(time);
  bucket.rate = MB;
  const stop = new AbortController();
  const backups = Array.from({ length: 5 }, () => sender(bucket, 'backup', stop.signal));
  const total = (): number => backups.reduce((sum, { bytes }) => sum + bytes, 0);
  await time.pass(10_000);
  t.ok(total() > 9.8 * MB, 'alone');
  const before = total();
  const drive = sender(bucket, 'drive');
  await time.pass(10_000);
  const ratio = drive.bytes / (total() - before);
  t.ok(ratio > 0.9 && ratio < 1.1, `${ratio}`);
  stop.abort();
  const then = drive.bytes;
  await time.pass(10_000);
  t.ok(drive.bytes - then > 9.8 * MB, 'what ended leaves its share');
});

t.test('what programs wait for goes first, and the rest goes on behind it', async (t) => {
  const time = clock();
  const bucket = new TokenBucket(time);
  bucket.rate = MB;
  const backup = sender(bucket, 'backup');
  sender(bucket, 'drive');
  await time.pass(1000);
  const stop = new AbortController();
  const first = sender(bucket, 'first', stop.signal);
  const before = backup.bytes;
  await time.pass(1000);
  t.ok(first.bytes > 0.4 * MB, `${first.bytes}`);
  let waited = Infinity;
  const began = time.now();
  void bucket.take(1000, 'first', never, 0)?.then(() => (waited = time.now() - began));
  await time.pass(200);
  t.ok(waited <= 60, `${waited} ms behind slices that were under way`);
  stop.abort();
  await time.pass(1000);
  t.ok(backup.bytes > before);
});

t.test('requests of a lane end one after the other', async (t) => {
  const time = clock();
  const bandwidth = new Bandwidth(time);
  bandwidth.up.rate = MB;
  const ended: number[] = [];
  const send = async (): Promise<void> => {
    for await (const _ of slices(new Uint8Array(MB), bandwidth, 'drive', never)) await turn();
    ended.push(time.now());
  };
  const all = Promise.all([send(), send(), send()]);
  await time.pass(4000);
  await all;
  t.ok((ended[0] ?? 0) < 1300 && (ended[1] ?? 0) < 2300, String(ended));
  t.equal(bandwidth.passed.up, 3 * MB);
});

t.test('a change of the limit counts for what waits already', async (t) => {
  const time = clock();
  const bucket = new TokenBucket(time);
  bucket.rate = 20_000;
  const stop = new AbortController();
  const sent = sender(bucket, 'drive', stop.signal);
  await time.pass(5000);
  const slow = sent.bytes;
  bucket.rate = 10 * MB;
  await time.pass(1000);
  t.ok(sent.bytes - slow > 8 * MB, `${sent.bytes - slow}`);
  stop.abort();
  bucket.rate = undefined;
  let passed = 0;
  for (let i = 0; i < 100; i++) if (bucket.take(MB, 'drive', never) === undefined) passed += 1;
  t.equal(passed, 100);
});

t.test('the signal ends a wait and leaves nothing behind', async (t) => {
  const time = clock();
  const bucket = new TokenBucket(time);
  bucket.rate = 20_000;
  await time.pass(10);
  bucket.take(MB, 'drive', never);
  const stop = new AbortController();
  const waits = [bucket.take(1, 'drive', stop.signal), bucket.take(1, 'first', stop.signal)];
  const kept = bucket.take(1, 'backup', never);
  stop.abort(new Error('enough'));
  for (const wait of waits) await t.rejects(wait ?? Promise.resolve(), { message: 'enough' });
  await t.rejects(bucket.take(1, 'drive', stop.signal) ?? Promise.resolve(), { message: 'enough' });
  t.equal(getEventListeners(stop.signal, 'abort').length, 0);
  await time.pass(60_000);
  await kept;
  t.equal(time.timers.size, 0);
});
