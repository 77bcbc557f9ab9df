import { asFsError, FsError, type Code } from '../../vfs/fs-error.ts';
import { wordsOf } from '../../vfs/words-of.ts';

/** The cloud is out of reach or refuses this computer, or this disk takes nothing more: so it would be with all other files. */
const STOPS: ReadonlySet<Code> = new Set<Code>(['EAGAIN', 'ETIMEDOUT', 'EINTR', 'ENOSPC', 'EDQUOT', 'EROFS']);

/** What failed with one entry, in words without the paths of descriptors. @throws what stops the whole run */
export function entryFailure(error: unknown, signal: AbortSignal): FsError {
  if (signal.aborted) throw asFsError(error, 'restore');
  const failure = asFsError(error, 'restore');
  if (STOPS.has(failure.code)) throw failure;
  if (error instanceof FsError || !(error instanceof Error)) return failure;
  return new FsError(failure.code, 'restore', { reason: wordsOf(error), cause: error });
}
