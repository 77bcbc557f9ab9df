import type { Awaitable } from '../../vfs/context.ts';
import type { Xattrs } from '../../vfs/node.ts';
import { chain } from '../awaitable.ts';
import { EEXIST, EINVAL, ENODATA, ENOSYS, ENOTSUP, EPERM, ERANGE, Errno } from '../errno.ts';
import { BODY, nothing, operation } from '../operation.ts';
import type { Request } from '../request.ts';
import type { State } from '../state.ts';
import { Xattr } from '../wire/flags.ts';
import * as wire from '../wire/structs.ts';

/**
 * Prefix of the attributes that are stored with the node; others (`security.`, `system.`, `trusted.`) are not
 * supported.
 */
const USER = 'user.';

/** The namespaces of xattr(7). */
const SPACES = /^(?:user|system|security|trusted)\./;

/** Prefix of read-only attributes that the drive computes. */
const FACTS = 'user.fjord.';

function load(state: State, request: Request): Awaitable<Xattrs> {
  if (!state.xattr) throw new Errno(ENOSYS);
  return state.fs.xattrs(state.inodes.get(request.nodeid).id, request);
}

/** The stored and the computed attributes. */
function loadAll(state: State, request: Request): Awaitable<Xattrs> {
  return chain(load(state, request), (stored) => {
    const { id } = state.inodes.get(request.nodeid);
    return chain(state.fs.facts?.(id, request) ?? {}, (facts) => {
      const told = Object.entries(facts).map(([name, value]) => [FACTS + name, Buffer.from(value).toString('base64')]);
      return { ...stored, ...(Object.fromEntries(told) as Xattrs) };
    });
  });
}

interface Value {
  readonly value: Buffer;
  readonly size: number;
}

/** Writes a value. With a size of 0 the program only requests its length. */
function putValue(value: Buffer, size: number, out: Buffer): number {
  if (size === 0) {
    wire.GetxattrOut.encode({ size: value.length }, out, BODY);
    return wire.GetxattrOut.size;
  }
  if (value.length > size) throw new Errno(ERANGE);
  return value.copy(out, BODY);
}

export const getxattr = operation({
  name: 'getxattr',
  big: true,
  decode: (request) => ({ ...request.struct(wire.GetxattrIn), name: request.string() }),
  run: (state, request, { size, name }) =>
    chain(loadAll(state, request), (xattrs): Value => {
      if (name === USER) throw new Errno(EINVAL);
      if (!SPACES.test(name)) throw new Errno(ENOTSUP);
      const value = xattrs[name];
      if (value === undefined) throw new Errno(ENODATA);
      return { value: Buffer.from(value, 'base64'), size };
    }),
  encode: (_state, { value, size }, out) => putValue(value, size, out),
});

/** Omits the computed attributes: programs that copy attributes would try to set them, and fail. */
export const listxattr = operation({
  name: 'listxattr',
  big: true,
  decode: (request) => request.struct(wire.GetxattrIn),
  run: (state, request, { size }) =>
    chain(load(state, request), (xattrs): Value => {
      const names = Object.keys(xattrs).filter((name) => name.startsWith(USER));
      return { value: Buffer.from(names.map((name) => `${name}\0`).join('')), size };
    }),
  encode: (_state, { value, size }, out) => putValue(value, size, out),
});

function change(state: State, request: Request, name: string, value: string | null, flags: number): Awaitable<void> {
  return chain(load(state, request), (xattrs) => {
    if (!name.startsWith(USER)) throw new Errno(ENOTSUP);
    if (name === USER) throw new Errno(EINVAL);
    if (name.startsWith(FACTS)) throw new Errno(EPERM);
    const exists = Object.hasOwn(xattrs, name);
    if (exists && (flags & Xattr.CREATE) !== 0) throw new Errno(EEXIST);
    if (!exists && (flags & Xattr.REPLACE) !== 0) throw new Errno(ENODATA);
    const { id } = state.inodes.get(request.nodeid);
    return chain(state.fs.setattr(id, { xattrs: { [name]: value } }, request), () => undefined);
  });
}

export const setxattr = operation({
  name: 'setxattr',
  decode(request) {
    const { size, flags } = request.struct(wire.SetxattrIn);
    return { flags, name: request.string(), value: request.bytes(size).toString('base64') };
  },
  run: (state, request, { flags, name, value }) => change(state, request, name, value, flags),
  encode: nothing,
});

export const removexattr = operation({
  name: 'removexattr',
  decode: (request) => request.string(),
  run: (state, request, name) => change(state, request, name, null, Xattr.REPLACE),
  encode: nothing,
});
