import type { Gateway } from '../mounts/gateway.ts';

/** An upload that gets nowhere for this long, ms, is given up. */
const STUCK = 15_000;
/** While the cloud cannot be reached, the wait is shorter. */
const OFFLINE = 3000;

/**
 * Uploads what is queued, for as long as it gets on. What cannot be sent, and everything while the cloud cannot be reached,
 * stays queued for the next start.
 */
export async function drain(gateway: Pick<Gateway, 'flush'>): Promise<void> {
  const controller = new AbortController();
  const give = (): void => controller.abort();
  let timer = setTimeout(give, STUCK);
  let last = '';
  try {
    await gateway.flush(
      '/',
      ({ done, bytes, offlineSince }) => {
        const state = `${done} ${bytes} ${offlineSince === undefined}`;
        if (state === last) return;
        last = state;
        clearTimeout(timer);
        timer = setTimeout(give, offlineSince === undefined ? STUCK : OFFLINE);
      },
      { signal: controller.signal },
    );
  } catch {
    // Whatever is left is counted by the caller, and kept.
  } finally {
    clearTimeout(timer);
  }
}
