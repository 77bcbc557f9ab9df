import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { FsError } from '../vfs/fs-error.ts';

/** How often a folder is looked at, ms. */
const PERIOD = 1000;

/** Answers when a folder that is there now is not in its place any more; never if `signal` aborts before. */
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
  const reason = 'this folder was removed while Fjord ran; what was not in the cloud yet is lost with it';
  return new FsError('ENOENT', 'watch', { subject: dir, reason });
}
