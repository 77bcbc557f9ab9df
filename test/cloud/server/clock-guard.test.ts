import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { ClockGuard } from '../../../src/cloud/server/clock-guard.ts';
import { Api } from '../../helpers/cloud-api.ts';
import { startTestCloud } from '../../helpers/cloud.ts';
import { noise, remove } from '../../helpers/intents.ts';
import { temporary } from '../../helpers/temporary.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Clocks that the test controls. */
class Clocks {
  wall = 1.8e12;
  monotonic = 1000;
  readonly now = (): number => this.wall;
  readonly elapsed = (): number => this.monotonic;

  run(ms: number): void {
    this.wall += ms;
    this.monotonic += ms;
  }
}

function rig(t: Test) {
  const clocks = new Clocks();
  const file = join(temporary(t), 'clock.json');
  const warnings: string[] = [];
  const warn = (_details: object, message: string): void => void warnings.push(message);
  const open = async (): Promise<ClockGuard> => ClockGuard.open({ ...clocks, now: clocks.now, file, warn });
  return { clocks, file, warnings, open };
}

t.test('a jump is doubted until the service has run for a day, in one run or several', async (t) => {
  const { clocks, warnings, open } = rig(t);
  let guard = await open();
  t.equal(await guard.check(), clocks.wall);
  clocks.wall += 365 * DAY;
  t.equal(await guard.check(), undefined);
  t.match(warnings, [/clock has jumped/]);
  for (let hours = 0; hours < 23; hours += 1) {
    clocks.run(HOUR);
    t.equal(await guard.check(), undefined);
    if (hours % 5 !== 0) continue;
    clocks.wall += 3 * DAY;
    clocks.monotonic = 7;
    guard = await open();
  }
  t.equal(warnings.length, 1 + 5, 'logged once in each run');
  clocks.run(HOUR);
  t.equal(await guard.check(), clocks.wall);
  t.equal(await (await open()).check(), clocks.wall);
});

t.test('a clock that returns is trusted at once; another jump starts over', async (t) => {
  const { clocks, open } = rig(t);
  const guard = await open();
  clocks.wall += 365 * DAY;
  await guard.check();
  clocks.run(20 * HOUR);
  t.equal(await guard.check(), undefined);
  clocks.wall += 365 * DAY;
  clocks.run(20 * HOUR);
  t.equal(await guard.check(), undefined);
  clocks.wall -= 730 * DAY;
  clocks.run(HOUR);
  t.equal(await guard.check(), clocks.wall);
});

t.test('a start at a wrong time does no harm: first before the epoch, then right', async (t) => {
  const { clocks, open } = rig(t);
  await (await open()).check();
  const right = clocks.wall;
  clocks.wall = 5;
  const guard = await open();
  t.equal(await guard.check(), undefined);
  clocks.monotonic += HOUR;
  clocks.wall = right + HOUR;
  t.equal(await guard.check(), clocks.wall);
});

t.test('a night of sleep is no jump; after a long time off the clock is doubted and can be confirmed', async (t) => {
  const { clocks, open, file } = rig(t);
  const guard = await open();
  await guard.check();
  clocks.wall += 14 * HOUR;
  t.equal(await guard.check(), clocks.wall);
  clocks.wall += 3 * DAY;
  const later = await open();
  t.equal(await later.check(), undefined);
  await later.confirm();
  t.equal(await later.check(), clocks.wall);
  writeFileSync(file, 'damaged');
  t.equal(await (await open()).check(), clocks.wall);
});

t.test('a cloud whose clock jumps by a year keeps its Trash, until it is confirmed', async (t) => {
  const clocks = new Clocks();
  const data = temporary(t);
  const { cloud, url, login } = await startTestCloud(t, { data, now: clocks.now, elapsed: clocks.elapsed });
  const api = new Api(url, await login());
  const file = await api.store(await api.space('sync'), 'f', noise(10));
  await api.commit(remove(file.space, file.id, file.version ?? null, file.rev));
  const trash = async (): Promise<number> => (await api.call('GET', '/v1/trash')).body.length;
  t.equal(await trash(), 1);
  clocks.wall += 365 * DAY;
  await cloud.housekeep();
  t.equal(await trash(), 1);
  t.ok(cloud.clock.state.doubted);
  clocks.run(20 * HOUR);
  await cloud.housekeep();
  t.equal(await trash(), 1);
  await cloud.clock.confirm();
  t.equal(await trash(), 0);
});
