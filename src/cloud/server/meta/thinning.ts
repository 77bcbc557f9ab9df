/** The finest grain of the scale of ages, ms. */
const FINEST = 60000;
/** Two versions whose ages differ by less than this part are of one burst of saving. */
const BURST = 0.05;

/** What stood for so long was the file to a person, as it is over a night, ms. */
const LASTING = 4 * 60 * 60 * 1000;
/** So many that did not are kept beside the current one if there are so many. */
const PASSING = 2;

/** What decides whether a version is kept. */
export interface Thinnable {
  /** When it became the current one, ms. */
  readonly since: number;
  /** When another one did, ms; `null`: of the current one, and where nobody has written it down. */
  readonly until: number | null;
  /** Bytes. */
  readonly size: number;
}

/**
 * Which version of a file is missed least: its place in `versions`, newest first, of which there are at least three. Never the
 * current one. In this order:
 * 1. an empty one, which nobody looks for;
 * 2. the one whose time contradicts the order of most others: it was made while a clock was wrong;
 * 3. of a burst of saving all but the last, which is what a person remembers of it;
 * 4. the one whose loss makes the smallest hole on a scale on which a minute weighs as much as an hour an hour ago and a
 *    month a month ago; never the oldest, nor the last that has stood for hours, and none of these while there are enough others. So the
 *    kept ones spread over minutes, hours, days and years, whatever the pace, and today's work leaves yesterday's.
 */
export function leastMissed(versions: readonly Thinnable[], now: number): number {
  const [, ...older] = versions;
  const empty = older.findLastIndex(({ size }) => size === 0);
  if (empty >= 0) return empty + 1;
  return contradiction(versions, now) ?? leastHole(older, now);
}

/** Which of the older ones contradicts the most of all; of equals the newest. */
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

/** Of the two that are closest for their age the older one, if they are of one burst. */
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
