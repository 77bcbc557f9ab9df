import { ApiError, type ApiCode } from '../api.ts';

const PASSING: ReadonlySet<ApiCode> = new Set(['offline', 'unavailable', 'too_many_requests', 'internal']);
/** ms. */
const FIRST = 1000;
const LONGEST = 30_000;

/**
 * Repeats a call until it is answered, at growing intervals, or as soon as the computer is online again.
 * @param onPause is called with true when it has to wait, and with false when it goes on
 * @throws what waiting does not change
 */
export async function persist<T>(
  call: () => Promise<T>,
  signal: AbortSignal,
  onPause: (isPaused: boolean) => void,
): Promise<T> {
  for (let wait = FIRST; ; wait = Math.min(2 * wait, LONGEST)) {
    try {
      return await call();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof ApiError) || !PASSING.has(error.code)) throw error;
      onPause(true);
      await pause(wait, signal);
      onPause(false);
    }
  }
}

/** Ends early when the computer is online again. @throws when aborted */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const woken = new AbortController();
  await new Promise<void>((resolve) => {
    const options = { signal: woken.signal };
    setTimeout(resolve, ms);
    addEventListener('online', () => resolve(), options);
    signal.addEventListener('abort', () => resolve(), options);
  });
  woken.abort();
  signal.throwIfAborted();
}
