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

/** Checks the right to add without changing or removing anything. @throws forbidden, not_found */
export function mayAdd(space: SpaceRow, actor: Actor): void {
  if (space.removed !== null) throw new Refusal('not_found', 'there is no such space');
  const role = actor.roleIn(space);
  if (isWritable(space, actor.caller, role)) return;
  if (role === 'viewer') throw new Refusal('forbidden', 'this account may only read the shared folder');
  throw new Refusal('forbidden', 'only the device that a backup belongs to can write to it');
}

/** Checks the right to change or remove existing nodes. @throws forbidden, not_found */
export function mayChange(space: SpaceRow, actor: Actor): void {
  mayAdd(space, actor);
  if (space.kind === 'archive' && actor.caller.device !== null) {
    throw new Refusal('forbidden', "changing or removing files in the archive needs the account's password");
  }
}
