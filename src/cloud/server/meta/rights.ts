import { Refusal } from '../refusal.ts';
import type { Caller } from './caller.ts';
import type { SpaceRow } from './schema.ts';

/** Whether the caller may write into the space at all. */
export function isWritable(space: SpaceRow, caller: Caller): boolean {
  if (space.removed !== null) return false;
  return space.kind !== 'backup' || caller.device === null || caller.device === space.device;
}

/** For everything that adds and takes nothing away. @throws forbidden, not_found */
export function mayAdd(space: SpaceRow, caller: Caller): void {
  if (space.removed !== null) throw new Refusal('not_found', 'no such space');
  if (!isWritable(space, caller)) {
    throw new Refusal('forbidden', 'a backup is written by the device that it belongs to, and by no other');
  }
}

/** For everything that changes or takes away what is there. @throws forbidden, not_found */
export function mayChange(space: SpaceRow, caller: Caller): void {
  mayAdd(space, caller);
  if (space.kind === 'archive' && caller.device !== null) {
    throw new Refusal('forbidden', 'what is in the archive is neither changed nor removed without the password');
  }
}
