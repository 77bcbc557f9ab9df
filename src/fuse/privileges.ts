import type { Awaitable } from '../vfs/context.ts';
import type { Attr } from '../vfs/node.ts';
import { chain, rescue } from './awaitable.ts';
import type { Inode } from './inode.ts';
import type { Request } from './request.ts';
import type { State } from './state.ts';
import { Mode } from './wire/flags.ts';

/** What a mode becomes when a file gets another owner, or content by somebody without privileges (`chown(2)`, `write(2)`). */
export function withoutPrivileges(mode: number): number {
  // Without execution for the group the bit has another meaning: mandatory locks.
  return mode & ~(Mode.ISUID | ((mode & Mode.IXGRP) === 0 ? 0 : Mode.ISGID));
}

/**
 * Takes the privileges of a file away, which the kernel leaves to us (`FUSE_HANDLE_KILLPRIV_V2`): else it would ask for
 * the attributes before every change of an owner. The kernel is told, because it asked for something else. Where the mode
 * cannot be changed (a file without a name) the bits stay, which mean nothing on a mount that is `nosuid`.
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
