import t from 'tap';
import { Activity } from '../../../src/mounts/drive/activity.ts';

const SETTLE = 10_000;

function start() {
  const clock = { now: 1_000_000 };
  const activity = new Activity({ now: () => clock.now, settle: SETTLE });
  const told: string[] = [];
  activity.watch((node) => told.push(node));
  return { clock, activity, told, in: (node: string, settle = 0) => wait(activity.readyAt(node, settle), clock.now) };
}

/** ms from now; `never` while it depends on an event. */
function wait(at: number | undefined, now: number): number | 'never' {
  return at === undefined ? 'never' : Math.max(0, at - now);
}

t.test('if nothing is sealed', async (t) => {
  const rig = start();
  const { activity, clock, told } = rig;
  t.equal(rig.in('n'), 0, 'it is neither open nor locked');
  activity.opened('n');
  activity.changed('n', 5);
  t.equal(rig.in('n'), 30_000, 'a file that is kept open is sent after a while');
  clock.now += 20_000;
  activity.changed('n', 9);
  t.equal(rig.in('n'), 30_000, 'counted from the last write');
  activity.flushed('n');
  t.equal(rig.in('n'), 0, 'an fsync makes it ready');
  t.same(told, ['n']);
  activity.changed('n', 9);
  t.equal(rig.in('n'), 30_000);
  activity.closed('n');
  t.equal(rig.in('n'), 0);
  t.same(told, ['n', 'n']);
});

t.test('an empty file waits for its content', async (t) => {
  const rig = start();
  rig.activity.changed('n', 0);
  t.equal(rig.in('n'), 2000);
  rig.activity.changed('n', 1);
  t.equal(rig.in('n'), 0);
  rig.activity.changed('n', 0);
  rig.activity.flushed('n');
  t.equal(rig.in('n'), 0, 'unless it is fsynced');
});

t.test('if it is then sealed', async (t) => {
  const rig = start();
  const { activity, clock } = rig;
  activity.opened('n');
  activity.changed('n', 5);
  activity.flushed('n');
  clock.now += 100_000;
  t.equal(rig.in('n', SETTLE), 'never', 'neither time nor an fsync seals an open file');
  activity.closed('n');
  t.equal(rig.in('n', SETTLE), SETTLE);
  const hold = activity.hold('n');
  clock.now += 100_000;
  t.equal(rig.in('n', SETTLE), 'never', 'nor a locked one');
  hold.release();
  hold.release();
  t.equal(rig.in('n', SETTLE), SETTLE);
  activity.changed('n');
  clock.now += SETTLE;
  t.equal(rig.in('n', SETTLE), 0);
});

t.test('a new folder waits until something is put into it', async (t) => {
  const rig = start();
  rig.activity.madeFolder('d');
  t.equal(rig.in('d', SETTLE), 600_000);
  t.equal(rig.in('d'), 0, 'but not if nothing is sealed');
  rig.activity.filled('d');
  t.equal(rig.in('d', SETTLE), SETTLE);
});

t.test('activity continues under another id', async (t) => {
  const rig = start();
  rig.activity.opened('a');
  rig.activity.rebind('a', 'b');
  t.notOk(rig.activity.isBusy('a'));
  t.ok(rig.activity.isBusy('b'));
});

t.test('ended activity is forgotten, current activity is not', async (t) => {
  const { activity, clock } = start();
  activity.opened('open');
  const hold = activity.hold('held');
  for (let i = 0; i < 10_000; i++) {
    activity.changed(`n${i}`, 1);
    clock.now += 10;
  }
  t.ok(activity.size < 2500, `${activity.size} of 10,000`);
  t.ok(activity.isBusy('open'));
  t.ok(activity.isBusy('held'));
  hold.release();
  activity.forget('held');
  activity.forget('open');
  t.ok(activity.isBusy('open'), 'an open file cannot be forgotten');
});
