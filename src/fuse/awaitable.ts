import type { Awaitable } from '../vfs/context.ts';

/** Calls `next` with a value; synchronously, without a turn of the event loop, if the value is not a promise. */
export function chain<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Returns what `run` returns, or the result of `recover` if it throws or rejects. */
export function rescue<T>(run: () => Awaitable<T>, recover: (error: unknown) => Awaitable<T>): Awaitable<T> {
  try {
    const value = run();
    return value instanceof Promise ? value.catch(recover) : value;
  } catch (error) {
    return recover(error);
  }
}

/**
 * Calls `run`, then `done` in any case. `waited` is true if `run` was asynchronous, so that other code may have run in
 * between.
 */
export function bracket<T>(run: () => Awaitable<T>, done: (waited: boolean) => void): Awaitable<T> {
  let value;
  try {
    value = run();
  } catch (error) {
    done(false);
    throw error;
  }
  if (value instanceof Promise) return value.finally(() => done(true));
  done(false);
  return value;
}
