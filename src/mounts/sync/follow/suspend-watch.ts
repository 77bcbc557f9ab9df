/**
 * How often the clock is checked, and how much longer than that an interval must be to show that the computer slept,
 * ms.
 */
const EVERY = 3000;
const SLEPT = 10_000;

/**
 * Calls `woke` when much more time has passed than a timer was set for: the computer was suspended, and connections are
 * probably dead although no error has been reported. Returns a function that stops it.
 */
export function watchSuspend(now: () => number, woke: () => void): () => void {
  let last = now();
  const timer = setInterval(() => {
    const at = now();
    if (at - last > EVERY + SLEPT) woke();
    last = at;
  }, EVERY);
  timer.unref();
  return () => clearInterval(timer);
}
