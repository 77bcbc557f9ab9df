import t from 'tap';
import type { ClockGuard } from '../../../src/cloud/server/clock-guard.ts';
import type { Collector } from '../../../src/cloud/server/collector.ts';
import { Jobs, type JobsOptions } from '../../../src/cloud/server/jobs.ts';

function jobs(clock: Pick<ClockGuard, 'check' | 'confirm'>, failures: unknown[] = []): Jobs {
  const options = { clock, meta: {}, collector: {} as Collector, every: 1e9, relieveEvery: 1e9 };
  return new Jobs({ ...options, failed: (error: unknown) => failures.push(error) } as unknown as JobsOptions);
}

t.test('rounds do not overlap, and a failed one ends only itself', async (t) => {
  let [running, rounds] = [0, 0];
  const failures: unknown[] = [];
  const clock = {
    check: async () => {
      t.equal(++running, 1);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      if (++rounds === 2) throw new Error('no disk');
      return undefined;
    },
    confirm: async () => undefined,
  };
  const some = jobs(clock, failures);
  await Promise.all([some.run(), some.run(), some.run()]);
  t.equal(rounds, 3);
  t.match(failures, [{ message: 'no disk' }]);
  await some.close();
});

t.test('a confirmation that could not be written down does not end the housekeeping', async (t) => {
  let rounds = 0;
  const clock = {
    check: async () => void rounds++,
    confirm: () => Promise.reject(new Error('no disk')),
  };
  const some = jobs(clock);
  await t.rejects(some.confirmClock(), { message: 'no disk' });
  await some.run();
  t.equal(rounds, 1);
  await some.close();
});
