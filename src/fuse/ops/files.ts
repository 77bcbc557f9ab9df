import type { Awaitable } from '../../vfs/context.ts';
import type { FileHandle, OpenMode } from '../../vfs/file-system.ts';
import { isFsError } from '../../vfs/fs-error.ts';
import type { Attr } from '../../vfs/node.ts';
import { bracket, rescue, chain } from '../awaitable.ts';
import { EINVAL, Errno } from '../errno.ts';
import type { Inode } from '../inode.ts';
import { MAX_WRITE } from '../negotiation.ts';
import { BODY, nothing, operation } from '../operation.ts';
import { putEntryOut } from '../reply.ts';
import type { Request } from '../request.ts';
import type { State } from '../state.ts';
import { Fopen, Open } from '../wire/flags.ts';
import * as wire from '../wire/structs.ts';

interface Opened {
  readonly handle: FileHandle;
  readonly attr: Attr;
  readonly mode: OpenMode;
}

/** `O_APPEND` is not passed on: the kernel finds the end itself, and pages of a mapping have a position in any case. */
function modeOf(flags: number): OpenMode {
  const access = flags & Open.ACCMODE;
  const truncate = (flags & Open.TRUNC) !== 0;
  return { read: access !== Open.WRONLY, write: access !== Open.RDONLY || truncate, truncate };
}

function openNode(state: State, id: string, mode: OpenMode, request: Request): Awaitable<Opened> {
  return chain(state.fs.open(id, mode, request), (handle) => opened(handle, mode, request));
}

function opened(handle: FileHandle, mode: OpenMode, request: Request): Awaitable<Opened> {
  return chain(handle.attr(request), (attr) => ({ handle, attr, mode }));
}

function close({ handle }: Opened): void {
  void (async () => handle.close())().catch(() => {});
}

/** Registers the handle and writes `fuse_open_out`. */
function putOpen(state: State, inode: Inode, { handle, attr, mode }: Opened, out: Buffer, at: number): number {
  const { fh } = state.files.add(inode, handle, mode.write);
  const keep = inode.cached === attr.version ? Fopen.KEEP_CACHE : 0;
  inode.cached = attr.version;
  const openFlags = keep | (mode.write ? Fopen.PARALLEL_DIRECT_WRITES : Fopen.NOFLUSH);
  wire.OpenOut.encode({ fh, openFlags }, out, at);
  return wire.OpenOut.size;
}

export const open = operation<{ readonly flags: number }, Opened & { readonly inode: Inode }>({
  name: 'open',
  decode: (request) => request.struct(wire.OpenIn),
  run(state, request, { flags }) {
    const inode = state.inodes.get(request.nodeid);
    const mode = modeOf(flags);
    inode.changing++;
    return bracket(
      () => chain(openNode(state, inode.id, mode, request), (file) => ({ ...file, inode })),
      () => void inode.changing--,
    );
  },
  encode: (state, file, out) => putOpen(state, file.inode, file, out, BODY),
  drop: close,
});

export const create = operation({
  name: 'create',
  decode: (request) => ({ ...request.struct(wire.CreateIn), name: request.string() }),
  run(state, request, { flags, mode, name }) {
    const folder = state.inodes.get(request.nodeid);
    const openMode = modeOf(flags);
    const attr = { mode: mode & 0o7777 };
    const make = (): Awaitable<Opened> =>
      chain(state.fs.create(folder.id, name, attr, openMode, request), (handle) => opened(handle, openMode, request));
    const run = (): Awaitable<Opened> =>
      rescue(make, (error) => {
        // Somebody else was faster than the kernel's lookup.
        if (!isFsError(error, 'EEXIST') || (flags & Open.EXCL) !== 0) throw error;
        return chain(state.fs.lookup(folder.id, name, request), ({ id }) => openNode(state, id, openMode, request));
      });
    return bracket(run, state.coherence.changingName(folder, name));
  },
  encode(state, file, out) {
    const inode = state.inodes.remember(file.attr);
    const length = putEntryOut({ inode, attr: file.attr, lasting: true }, state.how, out, BODY);
    return length + putOpen(state, inode, file, out, BODY + length);
  },
  drop: close,
});

export const read = operation({
  name: 'read',
  big: true,
  decode: (request) => request.struct(wire.ReadIn),
  run(state, request, { fh, offset, size }, out) {
    if (size > MAX_WRITE) throw new Errno(EINVAL);
    return state.files.get(fh).handle.read(out.subarray(BODY, BODY + size), offset, request);
  },
  encode: (_state, count) => count,
});

export const write = operation({
  name: 'write',
  keepsFrame: true,
  decode(request) {
    const { fh, offset, size } = request.struct(wire.WriteIn);
    return { fh, offset, data: request.bytes(size) };
  },
  run(state, request, { fh, offset, data }) {
    const { handle, inode } = state.files.get(fh);
    inode.changing++;
    const done = (attr: Attr): number => {
      state.coherence.changed(inode, attr);
      return data.length;
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
    state.files.remove(file);
    return file.handle.close();
  },
  encode: nothing,
});

export const fsync = operation({
  name: 'fsync',
  decode: (request) => request.struct(wire.FsyncIn),
  run: (state, request, { fh }) => state.files.get(fh).handle.sync(request),
  encode: nothing,
});
