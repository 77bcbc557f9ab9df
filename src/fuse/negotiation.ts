import { TIME_GRAN } from './reply.ts';
import { Init } from './wire/flags.ts';
import { InitOut } from './wire/structs.ts';

/** Protocol versions: the oldest that we serve (Linux 5.4), and the newest whose structs we know. */
export const MAJOR = 7;
export const MINOR_MIN = 31;
export const MINOR_MAX = 40;

/** Bytes of data in one WRITE or READ: 256 pages. */
export const MAX_WRITE = 1 << 20;

const PAGE = 4096;
const MAX_BACKGROUND = 64;

const WANTED =
  Init.ASYNC_READ |
  Init.ATOMIC_O_TRUNC |
  Init.BIG_WRITES |
  Init.DO_READDIRPLUS |
  Init.READDIRPLUS_AUTO |
  Init.ASYNC_DIO |
  Init.PARALLEL_DIROPS |
  Init.ABORT_ERROR |
  Init.MAX_PAGES |
  Init.CACHE_SYMLINKS |
  Init.NO_OPENDIR_SUPPORT |
  Init.EXPLICIT_INVAL_DATA |
  Init.INIT_EXT;

/** What the kernel offers with INIT. */
export interface Offer {
  readonly major: number;
  readonly minor: number;
  readonly maxReadahead: number;
  readonly flags: number;
}

/** What both sides keep to. */
export interface Negotiated {
  readonly major: number;
  readonly minor: number;
  readonly maxReadahead: number;
  readonly flags: number;
}

/** All that both sides can do. Extended attributes bring the kernel's cache of access lists, which are part of them. */
export function negotiate({ minor, maxReadahead, flags }: Offer, xattr: boolean): Negotiated {
  const wanted = xattr ? WANTED | Init.POSIX_ACL : WANTED;
  return { major: MAJOR, minor: Math.min(minor, MINOR_MAX), maxReadahead, flags: (flags & wanted) >>> 0 };
}

/** `fuse_init_out`. */
export function putInitOut({ major, minor, maxReadahead, flags }: Negotiated, into: Buffer, at: number): number {
  const limits = { maxBackground: MAX_BACKGROUND, congestionThreshold: (MAX_BACKGROUND * 3) / 4 };
  const sizes = { maxWrite: MAX_WRITE, maxPages: MAX_WRITE / PAGE, timeGran: TIME_GRAN };
  InitOut.encode({ major, minor, maxReadahead, flags, ...limits, ...sizes }, into, at);
  return InitOut.size;
}
