import { setMaxListeners } from 'node:events';

/** What every call of a port receives. */
export interface Context {
  /** Aborts the call; the callee then throws `EINTR` (or the signal's reason) soon. */
  readonly signal: AbortSignal;
  /** The value of `signal.aborted`, for contexts that create their signal only when it is waited on. */
  readonly aborted?: boolean;
  /** Whether a call to the cloud fails at its first failure, without retries. */
  readonly once?: boolean;
  /** Whether what is transferred gives way to what programs wait for. */
  readonly bulk?: boolean;
}

const never = new AbortController().signal;
// Any number of calls may wait on it at once; that is no leak.
setMaxListeners(0, never);

/** For calls that are never aborted: start-up, tests, background loops with a signal of their own. */
export const background: Context = Object.freeze({ signal: never });

/** A value, or the promise of one. What is in memory is returned at once, without a turn of the event loop. */
export type Awaitable<T> = T | Promise<T>;
