import { isFsError } from '../../vfs/fs-error.ts';
import type { Attr } from '../../vfs/node.ts';
import type { Awaitable } from '../../vfs/context.ts';
import { assign } from '../../vfs/assign.ts';
import { bracket, rescue, chain } from '../awaitable.ts';
import { EINVAL, ENOENT, EPERM, Errno } from '../errno.ts';
import type { Inode } from '../inode.ts';
import { BODY, nothing, operation } from '../operation.ts';
import { putEntryOut, putNegative } from '../reply.ts';
import type { Request } from '../request.ts';
import type { State } from '../state.ts';
import { Mode, Rename } from '../wire/flags.ts';
import * as wire from '../wire/structs.ts';

interface Found {
  readonly attr: Attr;
  readonly lasting: boolean;
}

function putFound(state: State, { attr, lasting }: Found, out: Buffer): number {
  const inode = state.inodes.remember(attr);
  return putEntryOut({ inode, attr, lasting }, state.how, out, BODY);
}

/** Runs an operation that changes a name in the request's folder. */
function changing<T>(
  state: State,
  request: Request,
  name: string,
  run: (folder: string) => Awaitable<T>,
): Awaitable<T> {
  const folder = state.inodes.get(request.nodeid);
  return bracket(() => inside(folder, () => run(folder.id)), state.coherence.changingName(folder, name));
}

/**
 * Runs an operation in a folder. A removed folder is empty, and nothing can be created in it. @throws ENOENT for one
 */
export function inside<T>(folder: Inode, run: () => Awaitable<T>): Awaitable<T> {
  return rescue(run, (error) => {
    throw folder.unlinked && isFsError(error, 'ESTALE') ? new Errno(ENOENT) : error;
  });
}

function made(attr: Attr): Found {
  return { attr, lasting: true };
}

function found(state: State, folder: string, name: string, request: Request): Awaitable<Attr> {
  return chain(state.fs.lookup(folder, name, request), (attr) => {
    const carried = state.carryOver.bring(attr.id);
    return carried === undefined ? attr : chain(carried, () => state.fs.lookup(folder, name, request));
  });
}

export const lookup = operation<string, Found | undefined>({
  name: 'lookup',
  decode: (request) => request.string(),
  run(state, request, name) {
    const { epoch } = state.coherence;
    const folder = state.inodes.get(request.nodeid);
    const { id } = folder;
    return rescue(
      () => chain(found(state, id, name, request), (attr) => ({ attr, lasting: epoch === state.coherence.epoch })),
      (error) => {
        if (isFsError(error, 'ENOENT') && epoch === state.coherence.epoch) return undefined;
        return inside(folder, () => {
          throw error;
        });
      },
    );
  },
  encode: (state, found, out) =>
    found === undefined ? putNegative(state.how, out, BODY) : putFound(state, found, out),
});

export const mkdir = operation({
  name: 'mkdir',
  decode: (request) => assign(request.struct(wire.MkdirIn), { name: request.string() }),
  run: (state, request, { mode, name }) =>
    changing(state, request, name, (folder) =>
      chain(state.fs.getattr(folder, request), (parent) => {
        // The kernel leaves set-group-ID inheritance to the file system. All nodes have the same group, so only the bit
        // is inherited.
        const inherited = parent.mode & Mode.ISGID;
        return chain(state.fs.mkdir(folder, name, { mode: (mode & 0o7777) | inherited }, request), made);
      }),
    ),
  encode: putFound,
});

export const symlink = operation({
  name: 'symlink',
  decode: (request) => ({ name: request.string(), target: request.string() }),
  run: (state, request, { name, target }) =>
    changing(state, request, name, (folder) => chain(state.fs.symlink(folder, name, target, request), made)),
  encode: putFound,
});

/** Regular files only: a cloud drive has no devices, pipes and sockets. */
export const mknod = operation({
  name: 'mknod',
  decode: (request) => assign(request.struct(wire.MknodIn), { name: request.string() }),
  run(state, request, { mode, name }) {
    if ((mode & Mode.IFMT) !== Mode.IFREG) throw new Errno(EPERM);
    const attr = { mode: mode & 0o7777 };
    return changing(state, request, name, (folder) =>
      chain(state.fs.create(folder, name, attr, { read: false, write: true }, request), (handle) =>
        chain(handle.attr(request), (attr) => chain(handle.close(), () => made(attr))),
      ),
    );
  },
  encode: putFound,
});

/** Hard links are not supported, as on other cloud drives. */
export const link = operation({
  name: 'link',
  decode: () => undefined,
  run: (): undefined => {
    throw new Errno(EPERM);
  },
  encode: nothing,
});

/** Marks a node that has lost its name; it can still be open. */
function gone(state: State, attr: Attr | undefined): void {
  const inode = attr && state.inodes.find(attr.id);
  if (inode === undefined) return;
  inode.unlinked = true;
  inode.unlinkedAttr = attr;
  inode.touched = state.now();
}

export const unlink = operation({
  name: 'unlink',
  decode: (request) => request.string(),
  run: (state, request, name) =>
    changing(state, request, name, (folder) =>
      chain(state.fs.lookup(folder, name, request), (attr) =>
        chain(state.fs.unlink(folder, name, request), () => gone(state, attr)),
      ),
    ),
  encode: nothing,
});

export const rmdir = operation({
  name: 'rmdir',
  decode: (request) => request.string(),
  run: (state, request, name) =>
    changing(state, request, name, (folder) =>
      chain(state.fs.lookup(folder, name, request), (attr) =>
        chain(state.fs.rmdir(folder, name, request), () => gone(state, attr)),
      ),
    ),
  encode: nothing,
});

interface RenameArgs {
  readonly newdir: number;
  readonly flags: number;
  readonly from: string;
  readonly to: string;
}

function runRename(state: State, request: Request, { newdir, flags, from, to }: RenameArgs): Awaitable<void> {
  if ((flags & ~(Rename.NOREPLACE | Rename.EXCHANGE)) !== 0) throw new Errno(EINVAL);
  const target = state.inodes.get(newdir);
  const how = { noReplace: (flags & Rename.NOREPLACE) !== 0, exchange: (flags & Rename.EXCHANGE) !== 0 };
  const place = { parent: target.id, name: to };
  const replaced = how.exchange
    ? undefined
    : rescue<Attr | undefined>(
        () => state.fs.lookup(target.id, to, request),
        () => undefined,
      );
  const run = (folder: string): Awaitable<void> =>
    chain(replaced, (old) =>
      chain(state.fs.rename({ parent: folder, name: from }, place, how, request), ({ id }) => {
        if (old?.id !== id) gone(state, old);
      }),
    );
  return bracket(() => changing(state, request, from, run), state.coherence.changingName(target, to));
}

export const rename = operation({
  name: 'rename',
  decode: (request): RenameArgs => {
    const { newdir } = request.struct(wire.RenameIn);
    return { newdir, flags: 0, from: request.string(), to: request.string() };
  },
  run: runRename,
  encode: nothing,
});

export const rename2 = operation({
  name: 'rename2',
  decode: (request): RenameArgs => {
    const { newdir, flags } = request.struct(wire.Rename2In);
    return { newdir, flags, from: request.string(), to: request.string() };
  },
  run: runRename,
  encode: nothing,
});

export const readlink = operation({
  name: 'readlink',
  decode: () => undefined,
  run: (state, request) => state.fs.readlink(state.inodes.get(request.nodeid).id, request),
  encode: (_state, target, out) => out.write(target, BODY),
});
