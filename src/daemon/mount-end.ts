import { setTimeout as sleep } from 'node:timers/promises';
import { isMountedOn, type FuseDoor } from '../mounts/doors/fuse-door.ts';

/** How a mount ended. */
export type MountEnd =
  | Awaited<FuseDoor['closed']>
  /** It was detached while programs were using it (`umount -l`); they can still use it. */
  | { readonly reason: 'vanished' };

/** How often the system's mount table is checked, ms. */
const PERIOD = 2000;
/** How long a mount that is no longer in the table may take to end as unmounted, before it counts as detached, ms. */
const GRACE = 3000;

/** Resolves when the drive can no longer be seen at the mount point. Never rejects. */
export async function endOf(door: FuseDoor): Promise<MountEnd> {
  const watching = new AbortController();
  try {
    return await Promise.race([door.closed, vanished(door, watching.signal)]);
  } finally {
    watching.abort();
  }
}

async function vanished({ dir }: FuseDoor, signal: AbortSignal): Promise<MountEnd> {
  const wait = (ms: number): Promise<void> => sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
  while (!signal.aborted && (await isMountedOn(dir))) await wait(PERIOD);
  await wait(GRACE);
  return { reason: 'vanished' };
}

/** The end as a phrase that follows "the mount on …". */
export function describeEnd(end: MountEnd): string {
  if (end.reason === 'failed') return `failed (${end.error instanceof Error ? end.error.message : String(end.error)})`;
  const words = {
    unmounted: 'was unmounted by another program',
    aborted: 'was aborted by another program',
    vanished: 'was detached while it was in use',
  } as const;
  return words[end.reason];
}
