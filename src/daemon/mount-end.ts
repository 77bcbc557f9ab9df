import { setTimeout as sleep } from 'node:timers/promises';
import { isMountedOn, type FuseDoor } from '../mounts/doors/fuse-door.ts';

/** How a mount ended. */
export type MountEnd =
  | Awaited<FuseDoor['closed']>
  /** It was taken away from the tree while programs used it (`umount -l`); they still can. */
  | { readonly reason: 'vanished' };

/** The table of mounts is looked at this often, ms. */
const PERIOD = 2000;
/** A mount that is not in the table any more gets this long to end as one does that is unmounted, ms. */
const GRACE = 3000;

/** Answers when a mount is over for who looks at its folder. Never rejects. */
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

/** The same in words, to follow "the mount on …". */
export function describeEnd(end: MountEnd): string {
  if (end.reason === 'failed') return `failed (${end.error instanceof Error ? end.error.message : String(end.error)})`;
  const words = {
    unmounted: 'was unmounted by somebody',
    aborted: 'was aborted by somebody',
    vanished: 'was taken away while it was in use',
  } as const;
  return words[end.reason];
}
