import { Refusal } from '../refusal.ts';
import type { Role } from '../../records.ts';
import type { Caller } from './caller.ts';
import type { SpaceRow } from './schema.ts';

/** Who does something, and what each may do in the spaces that it is done in. */
export interface Actor {
  readonly caller: Caller;
  /** Of a space that the actor has access to. */
  roleIn(space: SpaceRow): Role;
}

/** Whether the caller, who has this role in the space, may write into it at all. */
export function isWritable(space: SpaceRow, caller: Caller, role: Role): boolean {
  if (space.removed !== null || role === 'viewer') return false;
  return space.kind !== 'backup' || caller.device === null || caller.device === space.device;
}

/** For everything that adds and takes nothing away. @throws forbidden, not_found */
export function mayAdd(space: SpaceRow, actor: Actor): void {
  if (space.removed !== null) throw new Refusal('not_found', 'no such space');
  const role = actor.roleIn(space);
  if (isWritable(space, actor.caller, role)) return;
  if (role === 'viewer') throw new Refusal('forbidden', 'the folder is shared with this account for reading only');
  throw new Refusal('forbidden', 'a backup is written by the device that it belongs to, and by no other');
}

/** For everything that changes or takes away what is there. @throws forbidden, not_found */
export function mayChange(space: SpaceRow, actor: Actor): void {
  mayAdd(space, actor);
  if (space.kind === 'archive' && actor.caller.device !== null) {
    throw new Refusal('forbidden', 'what is in the archive is neither changed nor removed without the password');
  }
}
