import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { FsError } from '../vfs/fs-error.ts';

/** How often a folder is checked, ms. */
const PERIOD = 1000;

/** Resolves when an existing folder is no longer in its place; never if `signal` aborts before that. */
export async function folderGone(dir: string, signal: AbortSignal): Promise<FsError> {
  const { ino, dev } = await stat(dir);
  for (;;) {
    await sleep(PERIOD, undefined, { signal, ref: false }).catch(() => undefined);
    if (signal.aborted) return await new Promise(() => undefined);
    try {
      const now = await stat(dir);
      if (now.ino === ino && now.dev === dev) continue;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') continue;
    }
    return removed(dir);
  }
}

export function removed(dir: string): FsError {
  const reason =
    'this folder was removed while Fjord was running; changes that were not in the cloud yet are lost with it';
  return new FsError('ENOENT', 'watch', { subject: dir, reason });
}
