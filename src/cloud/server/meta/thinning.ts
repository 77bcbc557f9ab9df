/** Smallest age that the scale distinguishes, ms. */
const FINEST = 60000;
/** Two versions whose ages differ by less than this fraction belong to one burst of saves. */
const BURST = 0.05;

/** A version that was current for this long, such as overnight, is what a person remembers as the file, ms. */
const LASTING = 4 * 60 * 60 * 1000;
/** Number of shorter-lived versions that are kept besides the current one, if there are as many. */
const PASSING = 2;

/** The properties of a version that decide whether it is kept. */
export interface Thinnable {
  /** When it became the current one, ms. */
  readonly since: number;
  /** When it was superseded, ms; `null` for the current one and where it was not recorded. */
  readonly until: number | null;
  /** Bytes. */
  readonly size: number;
}

/**
 * Selects the version of a file that is missed least, as an index into `versions`. `versions` are newest first, and at
 * least three. The current one is never selected. In this order:
 * 1. an empty one, which is never searched for;
 * 2. the one whose time contradicts the order of most others, as it was created while a clock was wrong;
 * 3. any version of a burst of saves but the last, which is the one that a person remembers;
 * 4. the one whose loss leaves the smallest gap on a logarithmic scale of ages, on which a gap counts in proportion to
 *   the age. Never the oldest, nor the last that was current for hours; nor any other that was current for
 * hours, while enough others remain. So the kept versions spread over minutes, hours, days and years, whatever the
 * pace of saving, and today's work does not push out yesterday's.
 */
export function leastMissed(versions: readonly Thinnable[], now: number): number {
  const [, ...older] = versions;
  const empty = older.findLastIndex(({ size }) => size === 0);
  if (empty >= 0) return empty + 1;
  return contradiction(versions, now) ?? leastHole(older, now);
}

/** Index of the older version whose time contradicts the most others; the newest of equals. */
function contradiction(versions: readonly Thinnable[], now: number): number | undefined {
  const times = versions.map(({ since }, at) => (at === 0 ? now : since));
  const counts = times.map((time, at) => {
    if (at === 0) return 0;
    return times.filter((other, place) => (place < at ? other < time : other > time)).length;
  });
  const most = Math.max(...counts);
  return most === 0 ? undefined : counts.indexOf(most);
}

function leastHole(older: readonly Thinnable[], now: number): number {
  const latest = Math.max(now, ...older.map(({ since }) => since));
  const ages = [0, ...older.map(({ since }) => latest - since)];
  const burst = closestOfBurst(ages);
  if (burst !== undefined) return burst;
  const steps = differences(ages.map((age) => Math.log(age + FINEST)));
  const holes = steps.slice(1).map((step, at) => step + (steps[at] as number));
  const lasting = holes.map((_, at) => isLasting(older, at));
  const passing = holes.map((hole, at) => (lasting[at] === true ? Infinity : hole));
  if (passing.filter(Number.isFinite).length > PASSING) return indexOfLeast(passing) + 1;
  const last = lasting.indexOf(true);
  return indexOfLeast(holes.map((hole, at) => (at === last ? Infinity : hole))) + 1;
}

/** Of the two versions that are closest relative to their age the older one, if they belong to one burst. */
function closestOfBurst(ages: readonly number[]): number | undefined {
  const parts = differences(ages).map((difference, at) =>
    difference < LASTING ? difference / Math.max(1, ages[at + 1] as number) : Infinity,
  );
  const closest = indexOfLeast(parts);
  return (parts[closest] as number) < BURST ? closest + 1 : undefined;
}

function isLasting(older: readonly Thinnable[], at: number): boolean {
  const { since, until } = older[at] as Thinnable;
  return (until ?? older[at - 1]?.since ?? since) - since >= LASTING;
}

function differences(values: readonly number[]): number[] {
  return values.slice(1).map((value, at) => value - (values[at] as number));
}

function indexOfLeast(values: readonly number[]): number {
  return values.reduce((least, value, at) => (value < (values[least] as number) ? at : least), 0);
}
