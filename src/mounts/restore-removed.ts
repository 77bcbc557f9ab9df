import PQueue from 'p-queue';
import type { Remote } from '../cloud/remote.ts';
import type { TrashRecord } from '../cloud/records.ts';
import type { Context } from '../vfs/context.ts';
import { asFsError, isFsError, type FsError } from '../vfs/fs-error.ts';

/** Requests at a time. */
const PARALLEL = 8;

export interface RemovedFilter {
  /** The name of a computer, or the e-mail address of a person, regardless of case. */
  readonly by?: string | undefined;
  /** By the clock of the cloud, ms. */
  readonly since?: number | undefined;
}

export interface Restored {
  readonly items: number;
  readonly failures: readonly { readonly path: string; readonly error: FsError }[];
}

export function isWanted({ removed, by }: Pick<TrashRecord, 'removed' | 'by'>, filter: RemovedFilter): boolean {
  if (filter.since !== undefined && removed < filter.since) return false;
  if (filter.by === undefined) return true;
  const who = filter.by.toLowerCase();
  return [by?.device, by?.account].some((name) => name?.toLowerCase() === who);
}

/** Restores everything in the Trash that a filter names, newest first, so that folders come before what was removed from them. */
export async function restoreRemoved(
  remote: Pick<Remote, 'trash' | 'restoreTrash'>,
  filter: RemovedFilter,
  context: Context,
): Promise<Restored> {
  const wanted: TrashRecord[] = [];
  for await (const item of remote.trash(context)) if (isWanted(item, filter)) wanted.push(item);
  const failures: { path: string; error: FsError }[] = [];
  const queue = new PQueue({ concurrency: PARALLEL });
  for (const { node, path } of wanted) {
    void queue.add(async () => {
      try {
        context.signal.throwIfAborted();
        await remote.restoreTrash(node.id, context);
      } catch (error) {
        // A folder may have come back with one of its files.
        if (!isFsError(error, 'ENOENT')) failures.push({ path, error: asFsError(error, 'restoreTrash') });
      }
    });
  }
  await queue.onIdle();
  return { items: wanted.length - failures.length, failures };
}
