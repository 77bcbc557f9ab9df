import { setImmediate } from 'node:timers/promises';
import type { Context } from '../../vfs/context.ts';
import type { FileHandle } from '../../vfs/file-system.ts';
import { EINVAL, ENOTSUP, Errno } from '../errno.ts';
import type { OpenFile } from '../inode.ts';
import { BODY, nothing, operation } from '../operation.ts';
import type { Request } from '../request.ts';
import type { State } from '../state.ts';
import { Falloc } from '../wire/flags.ts';
import * as wire from '../wire/structs.ts';

/** Bytes that are copied or zeroed in one step. */
const STEP = 1 << 20;

/** Bytes after which other requests get a turn. A copy then returns a partial count, and the program continues. */
const TURN = 16 * STEP;

/** Sets the size and zeroes ranges as programs expect, but does not reserve space. */
export const fallocate = operation({
  name: 'fallocate',
  decode: (request) => request.struct(wire.FallocateIn),
  async run(state, request, { fh, offset, length, mode }) {
    if ((mode & ~(Falloc.KEEP_SIZE | Falloc.PUNCH_HOLE | Falloc.ZERO_RANGE)) !== 0) throw new Errno(ENOTSUP);
    const { handle, inode } = state.files.get(fh);
    inode.changing++;
    try {
      const { size } = await handle.attr(request);
      const end = offset + length;
      if ((mode & (Falloc.PUNCH_HOLE | Falloc.ZERO_RANGE)) !== 0) await zero(handle, offset, end, size, request);
      if ((mode & Falloc.KEEP_SIZE) === 0 && end > size) await handle.truncate(end, request);
      state.coherence.changed(inode, await handle.attr(request));
    } finally {
      inode.changing--;
    }
  },
  encode: nothing,
});

async function zero(file: FileHandle, from: number, to: number, size: number, context: Context): Promise<void> {
  if (from >= size) return;
  if (to >= size) {
    await file.truncate(from, context);
    await file.truncate(size, context);
    return;
  }
  const zeros = Buffer.alloc(Math.min(STEP, to - from));
  for (let at = from; at < to; at += STEP) {
    await file.write(zeros.subarray(0, to - at), at, context);
    if ((at - from) % TURN === 0) await setImmediate();
  }
}

/** Smallest copy in bytes that is made by reference; smaller ones are faster to copy byte by byte. */
const WHOLE_MIN = 64 * 1024;

/** The length that the kernel requests if a program wants more than 2 GiB: 2 GiB less a page. */
const WHOLE_LEN = 2 ** 31 - 4096;

type CopyArgs = ReturnType<typeof wire.CopyFileRangeIn.decode>;

async function copy(state: State, request: Request, args: CopyArgs): Promise<number> {
  if (args.flags !== 0) throw new Errno(EINVAL);
  const source = state.files.get(args.fhIn);
  const target = state.files.get(args.fhOut);
  target.inode.changing++;
  try {
    const count =
      (await copyWhole(state, request, source, target, args)) ??
      (await copyBytes(source.handle, target.handle, args, request));
    if (count > 0) state.coherence.changed(target.inode, await target.handle.attr(request));
    return count;
  } finally {
    target.inode.changing--;
  }
}

/**
 * Lets the port turn an empty file into a copy of a whole file by reference. The kernel requests at most 2 GiB at a
 * time; the rest of a larger file is already in place when it continues. Resolves to `undefined` if this is not such a
 * copy.
 */
async function copyWhole(
  state: State,
  request: Request,
  source: OpenFile,
  target: OpenFile,
  { offIn, offOut, len }: CopyArgs,
): Promise<number | undefined> {
  await state.carryOver.bring(source.inode.id);
  if (offIn !== offOut || source.inode === target.inode || target.inode.unlinked) return undefined;
  const [from, old] = [await source.handle.attr(request), await target.handle.attr(request)];
  if (offIn > 0) {
    const done = target.copied?.from === from.version && target.copied.to === old.version;
    return done ? Math.max(0, Math.min(len, from.size - offIn)) : undefined;
  }
  if (old.size > 0 || from.size < WHOLE_MIN || len < Math.min(from.size, WHOLE_LEN)) return undefined;
  try {
    await state.fs.copy(source.inode.id, { parent: old.parent, name: old.name }, { replace: true }, request);
    await state.fs.setattr(target.inode.id, { mode: old.mode, mtime: state.now() }, request);
  } catch {
    return undefined;
  }
  // If the handle does not see the copy, it would undo it when it is closed, so the bytes are written through the
  // handle.
  const to = await target.handle.attr(request);
  if (to.size !== from.size || to.id !== old.id) return undefined;
  target.copied = { from: from.version, to: to.version };
  state.carryOver.add(target);
  return Math.min(len, from.size);
}

async function copyBytes(source: FileHandle, target: FileHandle, args: CopyArgs, context: Context): Promise<number> {
  const length = Math.min(args.len, TURN);
  const buffer = Buffer.allocUnsafe(Math.min(STEP, length));
  let done = 0;
  while (done < length) {
    const part = buffer.subarray(0, Math.min(buffer.length, length - done));
    const count = await source.read(part, args.offIn + done, context);
    if (count === 0) break;
    await target.write(part.subarray(0, count), args.offOut + done, context);
    done += count;
  }
  return done;
}

/** Copies within the server, without passing the bytes through the kernel and the program. */
export const copyFileRange = operation({
  name: 'copy_file_range',
  decode: (request) => request.struct(wire.CopyFileRangeIn),
  run: copy,
  encode(_state, size, out) {
    wire.WriteOut.encode({ size }, out, BODY);
    return wire.WriteOut.size;
  },
});

export const copyFileRange64 = operation({
  name: 'copy_file_range',
  decode: (request) => request.struct(wire.CopyFileRangeIn),
  run: copy,
  encode(_state, bytesCopied, out) {
    wire.CopyFileRangeOut.encode({ bytesCopied }, out, BODY);
    return wire.CopyFileRangeOut.size;
  },
});
