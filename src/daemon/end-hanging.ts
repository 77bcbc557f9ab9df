import { setTimeout as sleep } from 'node:timers/promises';
import { endMountsOf } from '../mounts/doors/fuse-door.ts';
import type { DataDir } from './data-dir.ts';
import { Problem } from './problem.ts';
import { endRemains, mountSource, processIn } from './running.ts';

/** How long the process above a gateway may take to end it, ms: longer than a gateway may be silent. */
const PATIENCE = 60_000;

/**
 * Ends a gateway that does not answer, and its mount. Nothing that was acknowledged is lost: the next start recovers. The
 * process above it, if it lives, does that in its own order.
 * @throws Problem if the gateway is still there after a minute
 */
export async function endHanging(dir: DataDir): Promise<void> {
  const above = await processIn(dir.access);
  if (above?.life === 'alive') {
    process.kill(above.pid, 'SIGTERM');
    await ended(dir.access);
  }
  const gateway = await processIn(dir.running);
  if (gateway === undefined) return;
  process.kill(gateway.pid, 'SIGKILL');
  await endMountsOf(await mountSource(dir));
  await endRemains(dir);
  await ended(dir.running);
}

async function ended(file: string): Promise<void> {
  let found = await processIn(file);
  for (const until = Date.now() + PATIENCE; found !== undefined; found = await processIn(file)) {
    if (Date.now() > until) throw new Problem('failure', `process ${found.pid} does not end`);
    await sleep(50);
  }
}
