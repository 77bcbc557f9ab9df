import type { Awaitable } from '../vfs/context.ts';
import type { Attr } from '../vfs/node.ts';
import { chain, rescue } from './awaitable.ts';
import type { Inode } from './inode.ts';
import type { Request } from './request.ts';
import type { State } from './state.ts';
import { Mode } from './wire/flags.ts';

/**
 * The mode after a change of the owner, or a write by an unprivileged user (`chown(2)`, `write(2)`): without
 * set-user-ID and set-group-ID.
 */
export function withoutPrivileges(mode: number): number {
  // Without group execute permission the bit means mandatory locking.
  return mode & ~(Mode.ISUID | ((mode & Mode.IXGRP) === 0 ? 0 : Mode.ISGID));
}

/**
 * Removes the set-user-ID and set-group-ID bits of a file. The kernel leaves this to the server
 * (`FUSE_HANDLE_KILLPRIV_V2`); otherwise it would request the attributes before every change of an owner. The kernel is
 * notified, because its request was for something else. If the mode cannot be changed (a file without a name), the bits
 * stay; they have no effect on a `nosuid` mount.
 */
export function dropPrivileges(state: State, inode: Inode, attr: Attr, request: Request): Awaitable<Attr> {
  const mode = withoutPrivileges(attr.mode);
  if (mode === attr.mode) return attr;
  const drop = (): Awaitable<Attr> =>
    chain(state.fs.setattr(inode.id, { mode }, request), (changed) => {
      state.coherence.forgetAttributes(inode);
      return changed;
    });
  return rescue(drop, () => attr);
}
