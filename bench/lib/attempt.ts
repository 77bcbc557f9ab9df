/** Runs a measurement. If it fails, its figure is missing, and the others go on. */
export async function attempt(what: string, run: () => Promise<void>): Promise<void> {
  const begin = performance.now();
  try {
    await run();
    console.error(`${what}: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
  } catch (error) {
    console.error(`${what} failed: ${error instanceof Error ? error.message.slice(0, 500) : String(error)}`);
  }
}
