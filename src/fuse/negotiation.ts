import { TIME_GRAN } from './reply.ts';
import { Init, Init2 } from './wire/flags.ts';
import { InitOut } from './wire/structs.ts';

/** Protocol versions: the oldest supported one (Linux 5.4), and the newest whose structs are known. */
export const MAJOR = 7;
export const MINOR_MIN = 31;
export const MINOR_MAX = 40;

/** Most bytes of data in a WRITE or READ: 256 pages. */
export const MAX_WRITE = 1 << 20;

const PAGE = 4096;
const MAX_BACKGROUND = 64;

// ASYNC_DIO is left out: after an asynchronous direct write, the kernel does not drop pages that were read in the
// meantime (decision 064).
const WANTED =
  Init.ASYNC_READ |
  Init.ATOMIC_O_TRUNC |
  Init.BIG_WRITES |
  Init.DO_READDIRPLUS |
  Init.READDIRPLUS_AUTO |
  Init.PARALLEL_DIROPS |
  Init.ABORT_ERROR |
  Init.MAX_PAGES |
  Init.CACHE_SYMLINKS |
  Init.NO_OPENDIR_SUPPORT |
  Init.EXPLICIT_INVAL_DATA |
  Init.HANDLE_KILLPRIV_V2 |
  Init.INIT_EXT;

/**
 * File handles (`name_to_handle_at(2)`) are not supported: a node id ends when the kernel forgets the node, so a handle
 * could become stale at any time. Kernels from 6.9 on then refuse with `EOPNOTSUPP`.
 */
const WANTED2 = Init2.HAS_EXPIRE_ONLY | Init2.NO_EXPORT_SUPPORT;

/** `max_stack_depth`: 1, as backing files are in the cache, on a file system that is not stacked itself. */
const STACK_DEPTH = 1;

/** The kernel's offer in INIT. */
export interface Offer {
  readonly major: number;
  readonly minor: number;
  readonly maxReadahead: number;
  readonly flags: number;
  readonly flags2: number;
}

/** Optional features to request. */
export interface Wishes {
  /** Extended attributes, and the kernel's cache of access control lists, which are stored in them. */
  readonly xattr: boolean;
  readonly passthrough: boolean;
}

/** The negotiated parameters. */
export interface Negotiated {
  readonly major: number;
  readonly minor: number;
  readonly maxReadahead: number;
  readonly flags: number;
  readonly flags2: number;
}

/** Selects all features that both sides support. */
export function negotiate({ minor, maxReadahead, ...offer }: Offer, { xattr, passthrough }: Wishes): Negotiated {
  const flags = (offer.flags & (xattr ? WANTED | Init.POSIX_ACL : WANTED)) >>> 0;
  const flags2 = offer.flags2 & (WANTED2 | (passthrough ? Init2.PASSTHROUGH : 0));
  return { major: MAJOR, minor: Math.min(minor, MINOR_MAX), maxReadahead, flags, flags2 };
}

/** `fuse_init_out`. */
export function putInitOut(
  { major, minor, maxReadahead, flags, flags2 }: Negotiated,
  into: Buffer,
  at: number,
): number {
  const limits = { maxBackground: MAX_BACKGROUND, congestionThreshold: (MAX_BACKGROUND * 3) / 4 };
  const sizes = { maxWrite: MAX_WRITE, maxPages: MAX_WRITE / PAGE, timeGran: TIME_GRAN };
  const maxStackDepth = (flags2 & Init2.PASSTHROUGH) === 0 ? 0 : STACK_DEPTH;
  InitOut.encode({ major, minor, maxReadahead, flags, flags2, maxStackDepth, ...limits, ...sizes }, into, at);
  return InitOut.size;
}
