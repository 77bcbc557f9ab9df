import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { type Fjord, startFjord, type FjordOptions } from './gateway-process.ts';
import { tryCommand } from './run-command.ts';

export interface MountedFjord {
  readonly fjord: Fjord;
  /** The mount point. */
  readonly dir: string;
}

/** A folder to mount on; whatever is mounted there after the test, dead or alive, is unmounted. */
export async function mountFolder(t: Test): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'fjord-mount-'));
  t.teardown(async () => {
    // A mount may cover another one.
    while ((await tryCommand('umount', ['-l', dir], { timeout: 20_000 })).code === 0);
    await rmdir(dir).catch(() => undefined);
  });
  return dir;
}

/** A mounted cloud and gateway with new data; stopped and unmounted after the test. */
export async function startMounted(t: Test, { args = [], ...options }: FjordOptions = {}): Promise<MountedFjord> {
  const dir = await mountFolder(t);
  return { fjord: await startFjord(t, { ...options, args: ['--mount', dir, ...args] }), dir };
}
