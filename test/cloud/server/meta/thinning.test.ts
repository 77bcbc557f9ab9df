import fc from 'fast-check';
import t from 'tap';
import { leastMissed, type Thinnable } from '../../../../src/cloud/server/meta/thinning.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const KEPT = 5;

type Version = Thinnable & { readonly name?: string };

/** Simulates saves in order, with thinning after each. Returns the kept versions, newest first. */
function keep(saves: Iterable<Version>): Version[] {
  const kept: Version[] = [];
  for (const save of saves) {
    const before = kept[0];
    if (before !== undefined) kept[0] = { ...before, until: save.since };
    kept.unshift(save);
    if (kept.length > KEPT) kept.splice(leastMissed(kept, save.since), 1);
  }
  return kept;
}

function at(...times: readonly number[]): Version[] {
  return times.map((since) => ({ since, until: null, size: 1 }));
}

function every(from: number, until: number, step: number): number[] {
  return Array.from({ length: Math.floor((until - from) / step) + 1 }, (_, i) => from + i * step);
}

function agesOf(kept: readonly Version[]): number[] {
  const now = kept[0]?.since ?? 0;
  return kept.map(({ since }) => now - since);
}

/** Whether one of the ages is between two limits. */
function hasAge(ages: readonly number[], low: number, high: number): boolean {
  return ages.some((age) => age >= low && age <= high);
}

const pace = fc.integer({ min: 300, max: 10 * MINUTE });

t.test("an afternoon of saves keeps yesterday's version and one from the month before", async () => {
  const afternoon = fc.record({ step: pace, length: fc.integer({ min: MINUTE, max: 10 * HOUR }) });
  fc.assert(
    fc.property(afternoon, fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 4 }), ({ step, length }, days) => {
      const start = 100 * DAY;
      const old = [...new Set(days)].sort((a, b) => b - a).map((day) => start - day * DAY);
      const pause = Math.ceil(Math.max(step, length / 500));
      const ages = agesOf(keep(at(...old, start - 16 * HOUR, ...every(start, start + length, pause))));
      const passed = Math.floor(length / pause) * pause;
      const reach = start + passed - (old[0] ?? start - 16 * HOUR);
      if (!hasAge(ages, 0.95 * reach, reach)) return false;
      return hasAge(ages, passed + 16 * HOUR, passed + 16 * HOUR);
    }),
    { numRuns: 300 },
  );
});

t.test('after years of any work something of the first days is kept, and gaps grow no faster than ages', async () => {
  const day = fc.record({
    // Days until the next day of work.
    rest: fc.oneof({ weight: 4, arbitrary: fc.constant(1) }, fc.integer({ min: 1, max: 60 })),
    step: pace,
    length: fc.integer({ min: 0, max: 4 * HOUR }),
  });
  fc.assert(
    fc.property(fc.array(day, { minLength: 30, maxLength: 60 }), (days) => {
      const saves: number[] = [];
      let from = 0;
      for (const { rest, step, length } of days) {
        saves.push(...every(from, from + length, Math.max(step, length / 200)));
        from += rest * DAY;
      }
      const kept = keep(at(...saves));
      const ages = agesOf(kept);
      const reach = saves.at(-1) ?? 0;
      if ((ages.at(-1) ?? 0) < 0.75 * reach) return false;
      // Besides the newest and the oldest: one that is days old and one that is older, if there was any.
      return ages.slice(1, -1).some((age) => age >= 12 * HOUR);
    }),
    { numRuns: 100 },
  );
});

t.test('evenly spaced saves are kept at distances that grow', async (t) => {
  for (const step of [2 * SECOND, MINUTE, HOUR, DAY]) {
    const [, ...ages] = agesOf(keep(at(...every(0, 2000 * step, step))));
    t.equal(ages.at(-1), 2000 * step, 'the first is kept');
    const grain = (age: number): number => Math.log(age + MINUTE);
    const steps = ages.map((age, i) => grain(age) - grain(ages[i - 1] ?? 0));
    const total = grain(2000 * step) - grain(0);
    t.ok(Math.max(...steps) <= 0.75 * total, `no hole is most of the scale: ${ages.join(' ')}`);
  }
});

t.test('of an old burst only the last version remains', async (t) => {
  const burst = every(0, 5 * MINUTE, MINUTE).map((since, i) => ({
    since,
    until: null,
    size: 1,
    name: `burst ${i}`,
  }));
  const kept = keep([...burst, ...at(...every(20 * DAY, 21 * DAY, HOUR))]);
  t.equal(kept.at(-1)?.name, 'burst 5');
  t.equal(kept.filter(({ name }) => name !== undefined).length, 1);
});

t.test('an empty version is dropped first, but never the current one', async (t) => {
  t.equal(
    leastMissed([{ since: 9, until: null, size: 0 }, ...at(8, 7), { since: 6, until: null, size: 0 }, ...at(1)], 9),
    3,
  );
  fc.assert(
    fc.property(
      fc.array(fc.record({ since: fc.nat(), until: fc.constant(null), size: fc.nat(3) }), { minLength: 3 }),
      fc.nat(),
      (all, now) => {
        const gone = leastMissed(all, now);
        return Number.isInteger(gone) && gone > 0 && gone < all.length;
      },
    ),
  );
});

t.test('a clock that is wrong for a while affects only the versions of that time', async (t) => {
  const year = 365 * DAY;
  const history = at(...every(0, 3, 1).map((month) => 50 * year + 30 * month * DAY));
  const after = at(...every(50 * year + 120 * DAY, 50 * year + 121 * DAY, HOUR));
  const ofHistory = (kept: readonly Version[]): number =>
    kept.filter(({ since }) => history.some((version) => version.since === since)).length;
  const behind = at(...every(0, HOUR, MINUTE));
  t.equal(ofHistory(keep([...history, ...behind])), 4, 'a clock that is behind touches nothing');
  for (const wrong of [behind, at(60 * year)]) {
    const kept = keep([...history, ...wrong, ...after]);
    t.ok(ofHistory(kept) >= 2);
    t.equal(kept.at(-1)?.since, 50 * year);
    t.notOk(
      kept.some(({ since }) => since < 50 * year || since > 51 * year),
      'nothing of the wrong time is left',
    );
  }
  const ahead = keep([...history, ...at(...every(60 * year, 60 * year + HOUR, MINUTE))]);
  t.equal(ahead.at(-1)?.since, 50 * year, 'a clock that is ahead leaves the oldest');
});
