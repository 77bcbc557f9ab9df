/** What one cannot do is missing from its column, and no reason to give up. */
export async function attempt(what: string, run: () => Promise<void>): Promise<void> {
  const begin = performance.now();
  try {
    await run();
    console.error(`${what}: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  } catch (error) {
    console.error(`${what} failed: ${error instanceof Error ? error.message.slice(0, 500) : String(error)}`);
  }
}
