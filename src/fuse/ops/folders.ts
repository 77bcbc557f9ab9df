import type { Awaitable } from '../../vfs/context.ts';
import type { Page } from '../../vfs/file-system.ts';
import type { NodeId } from '../../vfs/node.ts';
import { chain } from '../awaitable.ts';
import { DOT_DOT } from '../cursors.ts';
import { EINVAL, ENOSYS, Errno } from '../errno.ts';
import type { Inode } from '../inode.ts';
import { MAX_WRITE } from '../negotiation.ts';
import { BODY, nothing, operation } from '../operation.ts';
import { ENTRY_OUT, putEntryOut, putIno } from '../reply.ts';
import type { Request } from '../request.ts';
import type { State } from '../state.ts';
import { inside } from './names.ts';
import { DirentType, Fopen, Init } from '../wire/flags.ts';
import * as wire from '../wire/structs.ts';

/**
 * Returns ENOSYS if the kernel supports that: it then opens and closes folders without requests, and caches their
 * listings.
 */
export const opendir = operation({
  name: 'opendir',
  decode: () => undefined,
  run(state): undefined {
    if (((state.negotiated?.flags ?? 0) & Init.NO_OPENDIR_SUPPORT) !== 0) throw new Errno(ENOSYS);
  },
  encode(_state, _result, out) {
    wire.OpenOut.encode({ openFlags: Fopen.KEEP_CACHE | Fopen.CACHE_DIR }, out, BODY);
    return wire.OpenOut.size;
  },
});

/** FSYNCDIR and SYNCFS. Both sync everything, as one journal contains the changes of all folders. */
export const sync = operation({
  name: 'sync',
  decode: () => undefined,
  run: (state, request) => state.fs.sync?.(request),
  encode: nothing,
});

/** For opcodes that need a response but have no effect: RELEASEDIR, DESTROY. */
export const done = operation({ name: 'done', decode: () => undefined, run: () => undefined, encode: nothing });

/** A part of a listing. */
interface Part {
  readonly folder: Inode;
  /** Ids of the folder and its parent, for `.` and `..`; only at the beginning. */
  readonly dots: readonly [self: NodeId, parent: NodeId] | undefined;
  /** The cookie at which it begins. */
  readonly offset: number;
  readonly page: Page;
  readonly size: number;
  readonly lasting: boolean;
}

/** Typical length of a name, to estimate how many entries to request. */
const USUAL_NAME = 16;

function list(state: State, request: Request, plus: boolean): Awaitable<Part> {
  const { offset, size } = request.struct(wire.ReadIn);
  if (size > MAX_WRITE) throw new Errno(EINVAL);
  const folder = state.inodes.get(request.nodeid);
  const { epoch } = state.coherence;
  const limit = Math.ceil(size / (wire.Dirent.size + USUAL_NAME + (plus ? ENTRY_OUT : 0)));
  const finish = (after: string | undefined, dots: Part['dots']): Awaitable<Part> =>
    chain(state.fs.readdir(folder.id, after ? { after, limit } : { limit }, request), (page) => {
      return { folder, dots, offset, page, size, lasting: epoch === state.coherence.epoch };
    });
  if (offset < DOT_DOT) {
    const begin = (): Awaitable<Part> =>
      chain(state.fs.getattr(folder.id, request), ({ parent }) => finish(undefined, [folder.id, parent]));
    return inside(folder, begin);
  }
  if (offset === DOT_DOT) return finish(undefined, undefined);
  const after = state.cursors.recall(folder, offset);
  if (after !== undefined) return finish(after, undefined);
  return state.cursors.search(folder.id, offset).then((name) => finish(name, undefined));
}

/** Writes `fuse_dirent`. Returns its length, or 0 if it does not fit before `end`. */
function putDirent(id: NodeId, off: number, type: number, name: string, out: Buffer, at: number, end: number): number {
  const namelen = Buffer.byteLength(name);
  const length = wire.Dirent.size + Math.ceil(namelen / 8) * 8;
  if (at + length > end) return 0;
  wire.Dirent.encode({ off, namelen, type }, out, at);
  putIno(id, out, at);
  out.fill(0, at + length - 8, at + length);
  out.write(name, at + wire.Dirent.size);
  return length;
}

function putPart(state: State, part: Part, out: Buffer, plus: boolean): number {
  const { folder, dots, offset, page, size, lasting } = part;
  const end = BODY + size;
  const head = plus ? ENTRY_OUT : 0;
  let at = BODY;
  for (const [index, id] of (dots ?? []).entries()) {
    if (index < offset) continue;
    const length = putDirent(id, index + 1, DirentType.folder, '.'.repeat(index + 1), out, at + head, end);
    if (length === 0) return at - BODY;
    out.fill(0, at, at + head);
    at += head + length;
  }
  for (const attr of page.entries) {
    const cookie = state.cursors.remember(folder, attr.name);
    const length = putDirent(attr.id, cookie, DirentType[attr.kind], attr.name, out, at + head, end);
    if (length === 0) break;
    if (plus) putEntryOut({ inode: state.inodes.remember(attr), attr, lasting }, state.how, out, at);
    at += head + length;
  }
  return at - BODY;
}

export const readdir = operation({
  name: 'readdir',
  big: true,
  decode: () => undefined,
  run: (state, request) => list(state, request, false),
  encode: (state, part, out) => putPart(state, part, out, false),
});

export const readdirplus = operation({
  name: 'readdirplus',
  big: true,
  decode: () => undefined,
  run: (state, request) => list(state, request, true),
  encode: (state, part, out) => putPart(state, part, out, true),
});

export const statfs = operation({
  name: 'statfs',
  decode: () => undefined,
  run: (state, request) => state.fs.statfs(state.inodes.get(request.nodeid).id, request),
  encode(_state, { total, available, used, files }, out) {
    const blocks = Math.floor(total / 4096);
    const bavail = Math.floor(available / 4096);
    const bfree = Math.max(bavail, Math.floor((total - used) / 4096));
    const room = { bsize: 4096, frsize: 4096, namelen: 255 };
    wire.StatfsOut.encode({ blocks, bfree, bavail, files: files + bavail, ffree: bavail, ...room }, out, BODY);
    return wire.StatfsOut.size;
  },
});
