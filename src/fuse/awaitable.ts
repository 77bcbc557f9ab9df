import type { Awaitable } from '../vfs/context.ts';

/** `next` of a value that may be there already; without a turn of the event loop if it is. */
export function chain<T, R>(value: Awaitable<T>, next: (value: T) => Awaitable<R>): Awaitable<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** What `run` answers, or what `recover` makes of its failure, whether it fails at once or later. */
export function rescue<T>(run: () => Awaitable<T>, recover: (error: unknown) => Awaitable<T>): Awaitable<T> {
  try {
    const value = run();
    return value instanceof Promise ? value.catch(recover) : value;
  } catch (error) {
    return recover(error);
  }
}

/** Runs, then calls `done` whatever happens; `waited` tells whether other things could happen meanwhile. */
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
