import { setTimeout as sleep } from 'node:timers/promises';
import { endMountsOf } from '../mounts/doors/fuse-door.ts';
import type { DataDir } from './data-dir.ts';
import { Problem } from './problem.ts';
import { endRemains, mountSource, processIn } from './running.ts';
import { isListening } from './singleton-socket.ts';

/**
 * How long the gateway's parent may take to end it, ms. Must exceed the time after which the parent kills a silent
 * gateway.
 */
const TIMEOUT = 60_000;

/**
 * Ends a gateway that does not respond, and its mount. Acknowledged changes are not lost: the next start recovers them.
 * If the gateway has a living parent, the parent ends everything in order.
 * @throws Problem if the gateway is still there after a minute
 */
export async function endHanging(dir: DataDir): Promise<void> {
  const [above, below] = [await processIn(dir.access), await processIn(dir.running)];
  // Under `fjord up` there is no parent, and both files name the gateway.
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

/** Waits until the process has ended. A zombie counts as ended once its control socket is closed. */
async function ended(file: string, { controlSocket }: DataDir): Promise<void> {
  for (const until = Date.now() + TIMEOUT; ;) {
    const found = await processIn(file);
    if (found === undefined || (found.life === 'over' && !(await isListening(controlSocket)))) return;
    if (Date.now() > until)
      throw new Problem(
        'failure',
        `process ${found.pid} has not ended after a minute; end it with \`kill -9 ${found.pid}\``,
      );
    await sleep(50);
  }
}
