import type { Gateway } from '../mounts/gateway.ts';

/** Uploading stops after this time without progress, ms. */
const STUCK = 15_000;
/** The same while the cloud cannot be reached, ms. */
const OFFLINE = 3000;

/** Uploads queued changes, for as long as there is progress. What cannot be sent stays queued for the next start. */
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
    // Changes that are left stay queued, and the caller counts them.
  } finally {
    clearTimeout(timer);
  }
}
