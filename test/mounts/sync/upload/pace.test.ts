import fc from 'fast-check';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { LONGEST, nextUpload, REMEMBERED } from '../../../../src/mounts/sync/upload/pace.ts';
import { background } from '../../../../src/vfs/context.ts';
import { openPair } from '../../../helpers/devices.ts';

t.setTimeout(500_000);

const times = fc
  .array(fc.integer({ min: 0, max: 2 * REMEMBERED }), { maxLength: 30 })
  .map((all) => all.sort((a, b) => a - b));

t.test('pauses grow, end, and do not depend on a wrong clock', async () => {
  fc.assert(
    fc.property(times, fc.integer({ min: 0, max: 4 * REMEMBERED }), (uploads, now) => {
      const ready = nextUpload(uploads, now);
      if (ready > now + LONGEST) return false;
      const recent = uploads.filter((at) => at <= now && at > now - REMEMBERED);
      if (recent.length === 0) return ready <= now;
      // Each further upload makes the pause longer or leaves it unchanged; times after `now` change nothing.
      const more = nextUpload([...uploads, now], now);
      return more >= ready && nextUpload([...uploads, now + 1], now) === ready;
    }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 30_000 }), (step) => {
      const uploads: number[] = [];
      for (let now = 0; now <= 4 * REMEMBERED; now += step) if (nextUpload(uploads, now) <= now) uploads.push(now);
      const within = uploads.map((at) => uploads.filter((other) => other >= at && other < at + REMEMBERED).length);
      const gaps = uploads.slice(1).map((at, i) => at - (uploads[i] as number));
      return Math.max(...within) <= 16 && Math.max(...gaps) <= LONGEST + step;
    }),
    { numRuns: 30 },
  );
});

async function start(t: Test) {
  const clock = { now: Date.now() };
  const pair = await openPair(t, { now: () => clock.now });
  const { a, cloud } = pair;
  const idle = async (): Promise<void> => {
    do await sleep(2);
    while (a.gateway.stack.uploader.status.inFlight > 0);
  };
  /** The number of commits that the cloud gets while an operation is repeated at an interval for some time. */
  const during = async (length: number, step: number, work: () => Promise<void>): Promise<number> => {
    const before = commits();
    for (const end = clock.now + length; clock.now < end; clock.now += step) {
      await work();
      await idle();
    }
    return commits() - before;
  };
  const commits = (): number => cloud.calls.filter((call) => call === 'commit').length;
  const pass = (ms: number): void => {
    clock.now += ms;
    a.gateway.stack.uploader.reachable();
  };
  const queued = (): number => a.gateway.status().queued;
  /** Waits until nothing is queued; otherwise the test fails by its time limit. */
  const sent = async (): Promise<void> => {
    while (queued() > 0) await sleep(5);
  };
  return { ...pair, clock, during, pass, sent, queued };
}

t.test(
  'a file that is saved every two seconds is uploaded at growing intervals, and always its last state',
  async (t) => {
    const { a, during, pass, sent, queued } = await start(t);
    let count = 0;
    const save = (): Promise<void> => a.write('/Sync/busy', `state ${++count}`);
    const commits = await during(600_000, 2000, save);
    t.ok(commits >= 10 && commits <= 16, `${commits} of 300 states`);
    t.equal(queued(), 1);
    await a.write('/Sync/other', 'x');
    // Other files do not wait for it.
    while (queued() > 1) await sleep(5);
    pass(LONGEST);
    // The last state is uploaded without a flush.
    await sent();
    await save();
    t.equal(queued(), 1);
    await a.gateway.flush();
    t.equal(queued(), 0, 'a flush sends at once');
    pass(REMEMBERED);
    await save();
    // After a quiet time a save is uploaded at once.
    await sent();
  },
);

t.test('so is one that is saved by renaming a new file over it', async (t) => {
  const { a, b, during, converge, queued } = await start(t);
  let count = 0;
  await a.write('/Sync/thesis.odt', 'the first');
  const commits = await during(600_000, 2000, async () => {
    await a.write(`/Sync/.tmp-${++count}`, `state ${count}`);
    await a.rename(`/Sync/.tmp-${count}`, '/Sync/thesis.odt');
  });
  t.ok(commits >= 8 && commits <= 24, `${commits} commits of 300 states`);
  await converge();
  t.equal(queued(), 0);
  t.same(await b.tree(), { '/Sync/thesis.odt': `state ${count}` });

  const versions = await a.gateway.versions('/Sync/thesis.odt', background);
  t.equal(versions.length, 5);
});

t.test('a removal, a rename and a restart do not wait', async (t) => {
  const { a, b, during, sent, queued } = await start(t);
  let count = 0;
  const save = (): Promise<void> => a.write('/Sync/busy', `state ${++count}`);
  await during(60_000, 2000, save);
  t.equal(queued(), 1);
  await a.rename('/Sync/busy', '/Sync/calm');
  // A new name has no history.
  await sent();
  await b.sync();
  t.same(await b.tree(), { '/Sync/calm': `state ${count}` });
  await a.write('/Sync/calm', 'again');
  await a.unlink('/Sync/calm');
  await sent();
  await during(60_000, 2000, save);
  t.equal(queued(), 1);
  await a.restart();
  await a.sync();
  await b.sync();
  t.same(await b.tree(), { '/Sync/busy': `state ${count}` });
});
