import type { Awaitable } from '../../vfs/context.ts';
import { isFsError } from '../../vfs/fs-error.ts';
import type { Attr, AttrChanges } from '../../vfs/node.ts';
import { bracket, rescue, chain } from '../awaitable.ts';
import type { Inode } from '../inode.ts';
import { EACCES, Errno } from '../errno.ts';
import { BODY, nothing, operation } from '../operation.ts';
import { dropPrivileges } from '../privileges.ts';
import { join, putAttrOut, putStatxOut } from '../reply.ts';
import type { Request } from '../request.ts';
import type { State } from '../state.ts';
import { Access, Fattr, Mode, STATX_BASIC_AND_BTIME } from '../wire/flags.ts';
import * as wire from '../wire/structs.ts';

interface Known {
  readonly inode: Inode;
  readonly attr: Attr;
}

/**
 * The attributes of a node. A file without a name is queried through an open handle; without one (always for a folder)
 * its last attributes are used.
 */
function attrOf(state: State, inode: Inode, request: Request): Awaitable<Attr> {
  return chain(state.carryOver.bring(inode.id), () => attrNow(state, inode, request));
}

function attrNow(state: State, inode: Inode, request: Request): Awaitable<Attr> {
  return rescue(
    () => state.fs.getattr(inode.id, request),
    (error) => {
      const [file] = inode.files ?? [];
      if (!(isFsError(error, 'ESTALE') || isFsError(error, 'ENOENT'))) throw error;
      if (file === undefined && inode.unlinkedAttr !== undefined) return inode.unlinkedAttr;
      if (file === undefined) throw error;
      inode.unlinked = true;
      return file.handle.attr(request);
    },
  );
}

function putKnown(state: State, { inode, attr }: Known, out: Buffer): number {
  return putAttrOut(inode, attr, state.how, out, BODY);
}

export const getattr = operation({
  name: 'getattr',
  decode: () => undefined,
  run(state, request) {
    const inode = state.inodes.get(request.nodeid);
    return chain(attrOf(state, inode, request), (attr) => ({ inode, attr }));
  },
  encode: putKnown,
});

/**
 * Sent if only root can access the mount and the kernel does not check modes. Root may do anything except execute a
 * file without an execute bit.
 */
export const access = operation({
  name: 'access',
  decode: (request) => request.struct(wire.AccessIn),
  run(state, request, { mask }) {
    if ((mask & Access.X_OK) === 0) return;
    return chain(attrOf(state, state.inodes.get(request.nodeid), request), ({ kind, mode }) => {
      if (kind === 'file' && (mode & Mode.IXUGO) === 0) throw new Errno(EACCES);
    });
  },
  encode: nothing,
});

/** Sent when a program requests the birth time. */
export const statx = operation({
  name: 'statx',
  decode: (request) => request.struct(wire.StatxIn),
  run(state, request) {
    const inode = state.inodes.get(request.nodeid);
    return chain(attrOf(state, inode, request), (attr) => ({ inode, attr }));
  },
  encode: (state, { inode, attr }, out) => putStatxOut(inode, attr, state.how, STATX_BASIC_AND_BTIME, out, BODY),
});

type SetattrArgs = ReturnType<typeof wire.SetattrIn.decode>;

export const setattr = operation({
  name: 'setattr',
  decode: (request) => request.struct(wire.SetattrIn),
  run(state, request, args) {
    const inode = state.inodes.get(request.nodeid);
    inode.changing++;
    return bracket(
      () =>
        chain(change(state, inode, request, args), (attr) => {
          if ((args.valid & Fattr.SIZE) !== 0) state.coherence.changed(inode, attr);
          return { inode, attr };
        }),
      () => void inode.changing--,
    );
  },
  encode: putKnown,
});

/** Owners are not stored. Setting one succeeds, so that `tar` and `cp -a` work, but has no effect. */
function change(state: State, inode: Inode, request: Request, args: SetattrArgs): Awaitable<Attr> {
  const { valid } = args;
  if ((valid & Fattr.ATIME) !== 0) {
    inode.atime = (valid & Fattr.ATIME_NOW) === 0 ? join(args.atime, args.atimensec) : state.now();
  }
  const changes: { -readonly [K in keyof AttrChanges]: AttrChanges[K] } = {};
  if ((valid & Fattr.MODE) !== 0) changes.mode = args.mode & 0o7777;
  if ((valid & Fattr.MTIME) !== 0) {
    changes.mtime = (valid & Fattr.MTIME_NOW) === 0 ? join(args.mtime, args.mtimensec) : state.now();
  }
  const truncated = (valid & Fattr.SIZE) === 0 ? undefined : resize(state, inode, request, args, changes);
  const kill = (valid & Fattr.KILL_SUIDGID) !== 0 && changes.mode === undefined;
  return chain(truncated, () =>
    chain(apply(state, inode, request, { valid, changes }), (attr) =>
      kill ? dropPrivileges(state, inode, attr, request) : attr,
    ),
  );
}

/** Setting the size that a file already has only changes its time, as in `: > stamp`. */
function resize(
  state: State,
  inode: Inode,
  request: Request,
  args: SetattrArgs,
  changes: { size?: number; mtime?: number },
): Awaitable<void> {
  return chain(attrOf(state, inode, request), ({ kind, size }) => {
    if (kind !== 'file' || size !== args.size) return truncate(state, inode, request, args, changes);
    changes.size = size;
    changes.mtime ??= state.now();
  });
}

/**
 * Truncates through the handle that the kernel names, or an open handle of a file without a name; otherwise by
 * `setattr`.
 */
function truncate(
  state: State,
  inode: Inode,
  request: Request,
  { valid, fh, size }: SetattrArgs,
  changes: { size?: number },
): Awaitable<void> {
  const named = (valid & Fattr.FH) === 0 ? undefined : state.files.get(fh);
  const file = named ?? (inode.unlinked ? [...(inode.files ?? [])].find(({ writable }) => writable) : undefined);
  if (file?.writable) return file.handle.truncate(size, request);
  changes.size = size;
}

interface Application {
  readonly valid: number;
  readonly changes: AttrChanges;
}

/** Makes those changes that were not made through a handle. */
function apply(state: State, inode: Inode, request: Request, { valid, changes }: Application): Awaitable<Attr> {
  if (Object.keys(changes).length === 0) {
    // Only the access time or an owner was set; a truncation keeps its own time.
    if ((valid & Fattr.SIZE) === 0) inode.touched = state.now();
    return attrOf(state, inode, request);
  }
  return rescue(
    () => state.fs.setattr(inode.id, changes, request),
    (error) => {
      if (!isFsError(error, 'ESTALE')) throw error;
      return attrOf(state, inode, request);
    },
  );
}
