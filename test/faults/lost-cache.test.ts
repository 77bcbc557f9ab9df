import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { type Fjord, startFjord } from '../helpers/gateway-process.ts';
import { canMount, temporary } from '../helpers/temporary.ts';

t.setTimeout(500_000);

async function setUp(t: Test, cache: string): Promise<{ fjord: Fjord; mount: string }> {
  const env = { FJORD_CACHE_DIR: cache, FJORD_CACHE_MIN_FREE: '16 MiB' };
  const fjord = await startFjord(t, { env, fuse: true });
  const mount = fjord.access.mount as string;
  await mkdir(join(mount, 'Sync/before'));
  return { fjord, mount };
}

/** Checks that the program has ended with a one-line reason, and left no mount. */
async function ended(t: Test, { fjord, mount }: { fjord: Fjord; mount: string }, says: RegExp): Promise<void> {
  const { pid } = fjord.access;
  const alive = (): boolean => {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  };
  // A read-only disk is only detected by a write.
  for (let i = 0; alive() && i < 200; i++) {
    await mkdir(join(mount, `Sync/more${i}`)).catch(() => undefined);
    await sleep(100);
  }
  t.notOk(alive(), 'the program has ended');
  t.match(fjord.output, says);
  t.notMatch(fjord.output, / {4}at /, 'no stack trace');
  t.notMatch(readFileSync('/proc/mounts', 'utf8'), mount, 'no mount is left');
}

t.test('removing the cache folder ends the program with a one-line reason', { skip: !canMount }, async (t) => {
  const dir = join(temporary(t), 'cache');
  mkdirSync(dir);
  const set = await setUp(t, dir);
  rmSync(dir, { recursive: true });
  await ended(t, set, /cache\/db: this folder was removed while Fjord was running/);
});
