import { background, type Awaitable } from '../../vfs/context.ts';
import { assign } from '../../vfs/assign.ts';
import type { Backing, FileHandle, OpenMode } from '../../vfs/file-system.ts';
import { isFsError } from '../../vfs/fs-error.ts';
import type { Attr } from '../../vfs/node.ts';
import { bracket, rescue, chain } from '../awaitable.ts';
import { EINVAL, ENOSYS, ESTALE, Errno } from '../errno.ts';
import type { Inode, OpenFile } from '../inode.ts';
import { MAX_WRITE } from '../negotiation.ts';
import { BODY, nothing, operation } from '../operation.ts';
import { dropPrivileges, withoutPrivileges } from '../privileges.ts';
import { putEntryOut } from '../reply.ts';
import { inside } from './names.ts';
import type { Request } from '../request.ts';
import type { State } from '../state.ts';
import { Fopen, Open, OpenIn, Write } from '../wire/flags.ts';
import * as wire from '../wire/structs.ts';

interface Opening {
  readonly handle: FileHandle;
  readonly attr: Attr;
  readonly mode: OpenMode;
  readonly fresh: boolean;
  readonly backing: Backing | undefined;
  readonly pid: number;
}

interface OpenArgs {
  /** The flags of `open(2)`. */
  readonly flags: number;
  readonly openFlags: number;
}

interface How {
  readonly mode: OpenMode;
  readonly append: boolean;
  readonly fresh: boolean;
  /** Whether truncating must remove privileges (set-user-ID, set-group-ID) of the file. */
  readonly kill: boolean;
}

/**
 * Omits `O_APPEND`: the kernel determines the offset of appended writes itself, and pages of a mapping always have an
 * offset.
 */
function howOf({ flags, openFlags }: OpenArgs, made: boolean): How {
  const access = flags & Open.ACCMODE;
  const truncate = (flags & Open.TRUNC) !== 0;
  const mode = { read: access !== Open.WRONLY, write: access !== Open.RDONLY || truncate, truncate };
  const kill = (openFlags & OpenIn.KILL_SUIDGID) !== 0;
  return { mode, append: (flags & Open.APPEND) !== 0, fresh: made || truncate, kill };
}

function openNode(state: State, id: string, how: How, request: Request): Awaitable<Opening> {
  return chain(state.fs.open(id, how.mode, request), (handle) => opened(state, handle, how, request));
}

/** Truncating an empty file only changes its time, as in `: > stamp`. */
function reopen(state: State, id: string, how: How, request: Request): Awaitable<Opening> {
  if (how.mode.truncate !== true) return openNode(state, id, how, request);
  return chain(state.fs.getattr(id, request), ({ size }) =>
    chain(openNode(state, id, how, request), (file) => {
      if (size > 0) return file;
      return chain(state.fs.setattr(id, { mtime: state.now() }, request), (attr) => ({ ...file, attr }));
    }),
  );
}

function opened(state: State, handle: FileHandle, how: How, request: Request): Awaitable<Opening> {
  return chain(emptied(state, handle, how, request), (attr) => {
    const inode = state.inodes.find(attr.id);
    const isPrivileged = withoutPrivileges(attr.mode) !== attr.mode;
    const { pid } = request;
    const backing = state.passthrough.ask(inode, handle, { isPrivileged, size: attr.size, pid, ...how }, request);
    return chain(backing, (backing): Awaitable<Opening> => {
      if (backing === undefined) return { handle, attr, ...how, backing, pid };
      return chain(handle.attr(request), (attr) => ({ handle, attr, ...how, backing, pid }));
    });
  });
}

/** The result of opening a file that was truncated, without its privileges if an unprivileged user truncated it. */
function emptied(state: State, handle: FileHandle, { kill }: How, request: Request): Awaitable<Attr> {
  return chain(handle.attr(request), (attr) => {
    const inode = kill ? state.inodes.find(attr.id) : undefined;
    return inode === undefined ? attr : dropPrivileges(state, inode, attr, request);
  });
}

function close({ handle }: Opening): void {
  void (async () => handle.close())().catch(() => {});
}

/** Registers the handle and writes `fuse_open_out`. @throws Errno ESTALE to make the kernel look the name up again */
function putOpen(state: State, inode: Inode, file: Opening, out: Buffer, at: number): number {
  const { attr, mode } = file;
  if (inode.left || !state.passthrough.enter(inode, file.backing)) {
    leave(state, inode, attr);
    close(file);
    throw new Errno(ESTALE);
  }
  const backing = inode.registered === undefined ? undefined : file.backing;
  const { fh } = state.files.add(inode, { ...file, backing });
  if (backing !== undefined) {
    const openFlags = Fopen.PASSTHROUGH | (mode.write ? 0 : Fopen.NOFLUSH);
    wire.OpenOut.encode({ fh, openFlags, backingId: inode.registered?.id ?? 0 }, out, at);
    return wire.OpenOut.size;
  }
  const keep = inode.cached === attr.version ? Fopen.KEEP_CACHE : 0;
  inode.cached = attr.version;
  const openFlags = keep | (mode.write ? Fopen.PARALLEL_DIRECT_WRITES : Fopen.NOFLUSH);
  wire.OpenOut.encode({ fh, openFlags }, out, at);
  return wire.OpenOut.size;
}

/**
 * Gives the node another inode, because programs that have this one open are reading content that is no longer the
 * node's.
 */
function leave(state: State, inode: Inode, { parent, name }: Attr): void {
  if (inode.left) return;
  state.inodes.leave(inode);
  const folder = state.inodes.find(parent);
  if (folder !== undefined) state.coherence.forgetName(folder, name);
}

export const open = operation<OpenArgs, Opening & { readonly inode: Inode }>({
  name: 'open',
  decode: (request) => request.struct(wire.OpenIn),
  run(state, request, args) {
    const inode = state.inodes.get(request.nodeid);
    if (inode.left) throw new Errno(ESTALE);
    const how = howOf(args, false);
    inode.changing++;
    return bracket(
      () =>
        chain(state.carryOver.bring(inode.id), () =>
          chain(reopen(state, inode.id, how, request), (file) => ({ inode, ...file })),
        ),
      () => void inode.changing--,
    );
  },
  encode: (state, file, out) => putOpen(state, file.inode, file, out, BODY),
  drop: close,
});

export const create = operation({
  name: 'create',
  decode: (request) => assign(request.struct(wire.CreateIn), { name: request.string() }),
  run(state, request, { name, ...args }) {
    const folder = state.inodes.get(request.nodeid);
    const how = howOf(args, true);
    const attr = { mode: args.mode & 0o7777 };
    const make = (): Awaitable<Opening> =>
      chain(state.fs.create(folder.id, name, attr, how.mode, request), (handle) => opened(state, handle, how, request));
    const run = (): Awaitable<Opening> =>
      rescue(make, (error) => {
        // The file was created elsewhere after the kernel's lookup.
        if (!isFsError(error, 'EEXIST') || (args.flags & Open.EXCL) !== 0) throw error;
        return chain(state.fs.lookup(folder.id, name, request), ({ id }) =>
          openNode(state, id, howOf(args, false), request),
        );
      });
    return bracket(() => inside(folder, run), state.coherence.changingName(folder, name));
  },
  encode(state, file, out) {
    const inode = state.inodes.remember(file.attr);
    try {
      const length = putEntryOut({ inode, attr: file.attr, lasting: true }, state.how, out, BODY);
      return length + putOpen(state, inode, file, out, BODY + length);
    } catch (error) {
      state.inodes.forget(inode.nodeid, 1);
      throw error;
    }
  },
  drop: close,
});

export const read = operation({
  name: 'read',
  big: true,
  decode: (request) => request.struct(wire.ReadIn),
  run(state, request, { fh, offset, size }, out) {
    if (size > MAX_WRITE) throw new Errno(EINVAL);
    const { handle, inode } = state.files.get(fh);
    const into = out.subarray(BODY, BODY + size);
    const carried = state.carryOver.bring(inode.id);
    if (carried === undefined) return handle.read(into, offset, request);
    return chain(carried, () => handle.read(into, offset, request));
  },
  encode: (_state, count) => count,
});

export const write = operation({
  name: 'write',
  keepsFrame: true,
  decode(request) {
    const { fh, offset, size, writeFlags } = request.struct(wire.WriteIn);
    return { fh, offset, data: request.bytes(size), kill: (writeFlags & Write.KILL_SUIDGID) !== 0 };
  },
  run(state, request, { fh, offset, data, kill }) {
    const { handle, inode, fresh } = state.files.get(fh);
    inode.changing++;
    inode.restless ||= !fresh;
    const done = (attr: Attr): Awaitable<number> => {
      state.coherence.changed(inode, attr);
      return kill ? chain(dropPrivileges(state, inode, attr, request), () => data.length) : data.length;
    };
    return bracket(
      () => chain(handle.write(data, offset, request), () => chain(handle.attr(request), done)),
      () => void inode.changing--,
    );
  },
  encode(_state, size, out) {
    wire.WriteOut.encode({ size }, out, BODY);
    return wire.WriteOut.size;
  },
});

export const release = operation({
  name: 'release',
  decode: (request) => request.struct(wire.ReleaseIn),
  run(state, _request, { fh }) {
    const file = state.files.get(fh);
    const isOpen = (): boolean => state.files.has(file);
    const late = (): void => void (async () => end(state, file))().catch(() => {});
    noteSize(state, file);
    if (state.passthrough.whenUnmapped(file, isOpen, late)) return end(state, file);
  },
  encode: nothing,
});

function noteSize(state: State, { handle, fresh, writable, pid }: OpenFile): void {
  if (!fresh || !writable) return;
  const note = (): Awaitable<void> => chain(handle.attr(background), ({ size }) => state.passthrough.wrote(pid, size));
  void rescue(note, () => {});
}

function end(state: State, file: OpenFile): Awaitable<void> {
  const { inode, handle, backing, writable } = file;
  state.files.remove(file);
  if (backing === undefined) return handle.close();
  state.passthrough.leave(inode);
  if (!writable) return handle.close();
  inode.changing++;
  // The kernel may have cached pages that were read while the content was being carried over.
  const done = file.copied === undefined ? tellKernel : forgetPages;
  return bracket(
    () => chain(state.carryOver.end(file), () => chain(handle.close(), () => done(state, inode))),
    () => void inode.changing--,
  );
}

function forgetPages(state: State, inode: Inode): void {
  state.coherence.forgetPages(inode);
}

/**
 * Records the new version after passthrough writes. The kernel has no outdated pages, as it does not cache such a file.
 */
function tellKernel(state: State, inode: Inode): Awaitable<void> {
  if (inode.files !== undefined || inode.unlinked || inode.left) return;
  return rescue<void>(
    () => chain(state.fs.getattr(inode.id, background), (attr) => void (inode.cached = attr.version)),
    () => {},
  );
}

/** A close(2). The caller waits for the response, unlike with RELEASE. */
export const flush = operation({
  name: 'flush',
  decode: (request) => request.struct(wire.FlushIn),
  run(state, request, { fh }) {
    const { handle, writable } = state.files.get(fh);
    if (handle.flush !== undefined) return handle.flush(request);
    if (writable) throw new Errno(ENOSYS);
  },
  encode: nothing,
});

export const fsync = operation({
  name: 'fsync',
  decode: (request) => request.struct(wire.FsyncIn),
  run(state, request, { fh }) {
    const { handle, inode } = state.files.get(fh);
    return chain(state.carryOver.bring(inode.id), () => handle.sync(request));
  },
  encode: nothing,
});
