/** How often the clock is looked at, and how much more time than that means that the computer slept, ms. */
const EVERY = 3000;
const SLEPT = 10_000;

/**
 * Calls `woke` when much more time has passed than a timer was set for: the computer was suspended, and connections are
 * probably dead although nobody has said so. Returns the way to stop.
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
