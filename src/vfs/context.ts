import { setMaxListeners } from 'node:events';

/** What every call of a port carries. */
export interface Context {
  /** Aborts the call; the callee then throws `EINTR` (or the signal's reason) soon. */
  readonly signal: AbortSignal;
  /** What `signal.aborted` says, for contexts that make their signal only when somebody waits for it. */
  readonly aborted?: boolean;
}

const never = new AbortController().signal;
// Any number of calls may wait on it at once; that is no leak.
setMaxListeners(0, never);

/** For calls that nobody will abort: start-up, tests, background loops with a signal of their own. */
export const background: Context = Object.freeze({ signal: never });

/** A value, or the promise of one. What is in memory is answered at once, without a turn of the event loop. */
export type Awaitable<T> = T | Promise<T>;
