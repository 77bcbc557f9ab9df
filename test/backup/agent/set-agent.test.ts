import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import type { BackupSet } from '../../../src/backup/agent/backup-set.ts';
import { SetAgent, type RunRequest } from '../../../src/backup/agent/set-agent.ts';
import type { Halt } from '../../../src/backup/halt.ts';
import { Tally } from '../../../src/backup/tally.ts';
import { FsError } from '../../../src/vfs/fs-error.ts';
import type { WatchListener } from '../../../src/watch/folder-watcher.ts';

const at = (text: string): number => new Date(text).getTime();

/** An agent over runs, a clock and events that the test makes. */
function setup(t: Test, more: Partial<BackupSet> = {}, start = '2026-11-10T12:00') {
  const time = { now: at(start), monotonic: 1e9 };
  const runs: (RunRequest & { readonly set: BackupSet })[] = [];
  const saved: BackupSet[] = [];
  const watches: WatchListener[] = [];
  let ending: (run: RunRequest) => Promise<Halt | undefined> = async () => undefined;
  let gone: Halt | undefined;
  let answering = true;
  const agent = new SetAgent({
    set: { name: 'set', folder: '/source', ...more },
    run: async (set, request) => {
      runs.push({ ...request, set });
      const halt = await ending(request);
      return { summary: new Tally().summary(halt), changes: {} };
    },
    probe: async (_set, _halt, signal) => {
      if (answering) return gone;
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(new FsError('EINTR', 'backup')), { once: true });
      });
    },
    watch: (_options, listener) => {
      watches.push(listener);
      return { ready: Promise.resolve(), blind: undefined, close: () => undefined };
    },
    save: async (set) => void saved.push(set),
    clock: { now: () => time.now, monotonic: () => time.monotonic },
    random: () => 0.5,
    onFault: (error) => t.fail(String(error)),
  });
  t.teardown(() => agent.stop());
  agent.start();
  /** Lets so many ms pass, as far as the agent can know. */
  const pass = async (ms: number): Promise<void> => {
    time.now += ms;
    time.monotonic += Math.max(ms, 0);
    await agent.resume();
    await sleep(20);
  };
  return {
    agent,
    time,
    runs,
    saved,
    watches,
    pass,
    ends: (how: typeof ending) => void (ending = how),
    source: (halt: Halt | undefined) => void (gone = halt),
    answers: (so: boolean) => void (answering = so),
  };
}

const HOUR = 3_600_000;

t.test('continuous: everything at the start, then what is quiet, then everything after lost events', async (t) => {
  const { agent, runs, watches, pass, saved } = setup(t);
  await sleep(20);
  t.equal(runs.length, 1);
  t.equal(runs[0]?.scope, undefined);
  t.match(agent.state, { doing: 'watching', scanning: undefined });
  t.match(saved.at(-1), { started: Number, finished: Number });
  watches[0]?.changed('a', 'b');
  await pass(1000);
  t.equal(runs.length, 1, 'not quiet yet');
  await pass(1000);
  t.same(runs[1]?.scope, new Map([['a', new Set(['b'])]]));
  watches[0]?.ended({ why: 'overflow', reason: 'lost' });
  await pass(1);
  t.equal(runs.length, 3);
  t.equal(runs[2]?.scope, undefined);
  t.equal(watches.length, 2);
  watches[1]?.ended({ why: 'unsupported', reason: 'no events on it' });
  await pass(1);
  t.equal(runs.length, 4);
  t.match(agent.state, { doing: 'watching', scanning: 'no events on it' });
  await pass(HOUR / 4);
  t.equal(runs.length, 5, 'compared from time to time');
});

t.test('a daily run: once, at its time; after sleep; and after the clock was set back', async (t) => {
  const { agent, runs, pass, watches } = setup(t, { schedule: 'daily 02:00', started: at('2026-11-10T02:00:01') });
  await sleep(20);
  t.equal(runs.length, 0);
  t.same(agent.state, { doing: 'waiting', next: at('2026-11-11T02:00') });
  await pass(14 * HOUR);
  t.equal(runs.length, 1);
  await pass(HOUR);
  t.equal(runs.length, 1, 'not twice');
  await pass(50 * HOUR);
  t.equal(runs.length, 2, 'what was slept through, once');
  await pass(-1000 * HOUR);
  t.equal(runs.length, 2);
  await pass(24 * HOUR);
  t.equal(runs.length, 3, 'a clock that was set back does not stop it');
  t.equal(watches.length, 0, 'nothing is watched for it');
});

t.test('a window: runs inside, is interrupted at its end, and goes on in the next one', async (t) => {
  const { agent, runs, pass, ends, time } = setup(t, { schedule: 'daily 22:00-06:00' });
  await sleep(20);
  t.same([runs.length, agent.state.doing], [0, 'waiting']);
  let aborted = 0;
  ends(async ({ signal }) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    aborted += 1;
    time.now = at('2026-11-11T06:00');
    throw new FsError('EINTR', 'backup');
  });
  await pass(18 * HOUR - 50);
  t.same([runs.length, agent.state.doing], [1, 'running']);
  await sleep(150);
  t.equal(aborted, 1);
  ends(async () => undefined);
  await pass(100);
  t.same([runs.length, agent.state.doing], [1, 'waiting']);
  await pass(16 * HOUR);
  t.equal(runs.length, 2);
  t.match(agent.state, { doing: 'watching' });
});

t.test('paused: what runs is stopped, nothing begins, and it goes on', async (t) => {
  const { agent, runs, pass, ends } = setup(t);
  ends(async ({ signal }) => {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    throw new FsError('EINTR', 'backup');
  });
  await sleep(20);
  const asked = t.rejects(agent.ask({ confirm: false }), { code: 'EBUSY', reason: /paused/ });
  await agent.pause(at('2026-11-10T14:00'));
  await asked;
  await sleep(20);
  t.same([runs.length, agent.state], [1, { doing: 'paused', until: at('2026-11-10T14:00') }]);
  await t.rejects(agent.ask({ confirm: false }), { code: 'EBUSY' });
  ends(async () => undefined);
  await pass(1);
  t.same([runs.length, agent.state.doing], [2, 'watching']);
});

t.test('who asks waits for a run that began later, and hears how it ended', async (t) => {
  const { agent, runs, ends } = setup(t);
  await sleep(20);
  let finish: () => void = () => undefined;
  ends(() => new Promise((resolve) => (finish = () => resolve(undefined))));
  const first = agent.ask({ confirm: false });
  await sleep(20);
  const second = agent.ask({ confirm: true });
  t.equal(runs.length, 2);
  finish();
  await first;
  await sleep(20);
  t.equal(runs.length, 3, 'what runs already does not see everything that is there now');
  t.equal(runs[2]?.confirm, true);
  finish();
  await second;
  ends(() => Promise.reject(new FsError('EAGAIN', 'backup', { reason: 'no cloud' })));
  await t.rejects(agent.ask({ confirm: false }), { code: 'EAGAIN' });
  t.match(agent.state, { doing: 'failing', reason: 'no cloud' });
});

t.test('what a person has to decide waits, what comes back by itself goes on', async (t) => {
  const { agent, runs, pass, ends, source } = setup(t);
  await sleep(20);
  ends(async () => ({ kind: 'mass-change', reason: 'many' }));
  await agent.ask({ confirm: false });
  t.match(agent.state, { doing: 'halted', halt: { kind: 'mass-change' } });
  await pass(24 * HOUR);
  t.equal(runs.length, 2);
  await agent.ask({ confirm: false });
  t.match(runs[2], { asked: true, confirm: false });
  const vanished: Halt = { kind: 'vanished', reason: 'not mounted' };
  ends(async () => vanished);
  source(vanished);
  await agent.ask({ confirm: true });
  t.match(agent.set.halt, vanished);
  await pass(HOUR);
  await pass(HOUR);
  t.equal(runs.length, 4);
  ends(async () => undefined);
  source(undefined);
  await pass(HOUR);
  t.equal(runs.length, 5);
  t.match(runs[4], { asked: false });
  t.match([agent.state, agent.set.halt], [{ doing: 'watching' }, undefined]);
});

t.test('a clock that is set back delays neither the look for a disk nor the next try', async (t) => {
  const { agent, runs, pass, source, ends, time } = setup(t);
  await sleep(20);
  const gone: Halt = { kind: 'vanished', reason: 'gone' };
  ends(async () => gone);
  source(gone);
  await t.resolves(agent.ask({ confirm: false }));
  t.match(agent.state, { doing: 'halted' });
  time.now -= 1000 * HOUR;
  source(undefined);
  ends(async () => undefined);
  time.monotonic += 6000;
  await pass(0);
  t.match(agent.state, { doing: 'watching' }, 'the disk is back');

  ends(async () => {
    throw new FsError('EIO', 'backup', { reason: 'no' });
  });
  await t.rejects(agent.ask({ confirm: false }), { code: 'EIO' });
  t.match(agent.state, { doing: 'failing', next: Number });
  const count = runs.length;
  time.now -= 1000 * HOUR;
  ends(async () => undefined);
  time.monotonic += 60_000;
  agent.start();
  await agent.edit({});
  await sleep(20);
  t.equal(runs.length, count + 1);
});

t.test('a disk that does not answer is what a run says that it waits for, and can be stopped', async (t) => {
  const { agent, runs, pass, answers } = setup(t);
  await sleep(20);
  answers(false);
  await agent.edit({});
  await sleep(20);
  t.match(agent.state, { doing: 'running', silent: undefined });
  await pass(11_000);
  t.match(agent.state, { doing: 'running', silent: Number });
  t.equal(runs.length, 1);
  await agent.pause(undefined);
  await sleep(20);
  t.match(agent.state, { doing: 'paused' });
  answers(true);
  await pass(1);
  t.match(agent.state, { doing: 'watching' });
});
