/** ms between two looks at whether a link still opens what is being sent. */
const EVERY = 1000;

/**
 * The parts of a download that stops soon after its link has ended: at the next part that is asked for a second later.
 * @param check throws if the link opens nothing any more @param now ms
 */
export async function* whileOpen(
  parts: AsyncGenerator<Uint8Array>,
  check: () => Promise<unknown>,
  now: () => number,
): AsyncGenerator<Uint8Array> {
  let checked = now();
  try {
    for (;;) {
      if (Math.abs(now() - checked) >= EVERY) {
        await check();
        checked = now();
      }
      const part = await parts.next();
      if (part.done === true) return;
      yield part.value;
    }
  } finally {
    await parts.return(undefined);
  }
}
