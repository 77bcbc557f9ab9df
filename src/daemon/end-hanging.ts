import { setTimeout as sleep } from 'node:timers/promises';
import { endMountsOf } from '../mounts/doors/fuse-door.ts';
import type { DataDir } from './data-dir.ts';
import { Problem } from './problem.ts';
import { endRemains, mountSource, processIn } from './running.ts';
import { answers } from './singleton-socket.ts';

/** How long the process above a gateway may take to end it, ms: longer than a gateway may be silent. */
const PATIENCE = 60_000;

/**
 * Ends a gateway that does not answer, and its mount. Nothing that was acknowledged is lost: the next start recovers. The
 * process above it, if it lives, does that in its own order.
 * @throws Problem if the gateway is still there after a minute
 */
export async function endHanging(dir: DataDir): Promise<void> {
  const [above, below] = [await processIn(dir.access), await processIn(dir.running)];
  // Of `fjord up` both files name the gateway.
  if (above?.life === 'alive' && above.pid !== below?.pid) {
    process.kill(above.pid, 'SIGTERM');
    await ended(dir.access, dir);
  }
  const gateway = await processIn(dir.running);
  if (gateway === undefined) return;
  process.kill(gateway.pid, 'SIGKILL');
  await endMountsOf(await mountSource(dir));
  await endRemains(dir);
  await ended(dir.running, dir);
}

/** What holds nothing any more has ended, even if nothing has asked how. */
async function ended(file: string, { controlSocket }: DataDir): Promise<void> {
  for (const until = Date.now() + PATIENCE; ;) {
    const found = await processIn(file);
    if (found === undefined || (found.life === 'over' && !(await answers(controlSocket)))) return;
    if (Date.now() > until) throw new Problem('failure', `process ${found.pid} does not end`);
    await sleep(50);
  }
}
