/** Bits of the ABI, by the field that contains them. */

/** `fuse_init_in.flags` and `fuse_init_out.flags`. */
export const Init = {
  ASYNC_READ: 1 << 0,
  ATOMIC_O_TRUNC: 1 << 3,
  BIG_WRITES: 1 << 5,
  DO_READDIRPLUS: 1 << 13,
  READDIRPLUS_AUTO: 1 << 14,
  ASYNC_DIO: 1 << 15,
  PARALLEL_DIROPS: 1 << 18,
  POSIX_ACL: 1 << 20,
  ABORT_ERROR: 1 << 21,
  MAX_PAGES: 1 << 22,
  CACHE_SYMLINKS: 1 << 23,
  NO_OPENDIR_SUPPORT: 1 << 24,
  EXPLICIT_INVAL_DATA: 1 << 25,
  HANDLE_KILLPRIV_V2: 1 << 28,
  INIT_EXT: 1 << 30,
} as const;

/** `fuse_init_in.flags2` and `fuse_init_out.flags2`. */
export const Init2 = { HAS_EXPIRE_ONLY: 1 << 3, PASSTHROUGH: 1 << 5, NO_EXPORT_SUPPORT: 1 << 6 } as const;

/** `fuse_notify_inval_entry_out.flags` */
export const EXPIRE_ONLY = 1;

/** `fuse_open_out.open_flags`. */
export const Fopen = {
  KEEP_CACHE: 1 << 1,
  CACHE_DIR: 1 << 3,
  NOFLUSH: 1 << 5,
  PARALLEL_DIRECT_WRITES: 1 << 6,
  PASSTHROUGH: 1 << 7,
} as const;

/** `fuse_setattr_in.valid`. */
export const Fattr = {
  MODE: 1 << 0,
  UID: 1 << 1,
  GID: 1 << 2,
  SIZE: 1 << 3,
  ATIME: 1 << 4,
  MTIME: 1 << 5,
  FH: 1 << 6,
  ATIME_NOW: 1 << 7,
  MTIME_NOW: 1 << 8,
  KILL_SUIDGID: 1 << 11,
} as const;

/** `fuse_open_in.open_flags` and `fuse_create_in.open_flags`. */
export const OpenIn = { KILL_SUIDGID: 1 << 0 } as const;

/** `fuse_write_in.write_flags`. */
export const Write = { KILL_SUIDGID: 1 << 2 } as const;

/** `fuse_getattr_in.getattr_flags`. */
export const Getattr = { FH: 1 << 0 } as const;

/** `lseek(2)`. */
export const Seek = { DATA: 3, HOLE: 4 } as const;

/** `renameat2(2)`. */
export const Rename = { NOREPLACE: 1, EXCHANGE: 2 } as const;

/** `access(2)`. */
export const Access = { X_OK: 1 } as const;

/** `open(2)`. */
export const Open = { ACCMODE: 3, RDONLY: 0, WRONLY: 1, RDWR: 2, EXCL: 0o200, TRUNC: 0o1000, APPEND: 0o2000 } as const;

/** `fallocate(2)`. */
export const Falloc = { KEEP_SIZE: 1, PUNCH_HOLE: 2, ZERO_RANGE: 16 } as const;

/** `setxattr(2)`. */
export const Xattr = { CREATE: 1, REPLACE: 2 } as const;

/** `stat(2)`. */
export const Mode = {
  IFMT: 0o170_000,
  IFREG: 0o100_000,
  IFDIR: 0o040_000,
  IFLNK: 0o120_000,
  ISUID: 0o4000,
  ISGID: 0o2000,
  IXGRP: 0o010,
  IXUGO: 0o111,
} as const;

/** `statx(2)`: everything that `stat` returns, and the birth time. */
export const STATX_BASIC_AND_BTIME = 0xfff;

/** `getdents(2)`. */
export const DirentType = { file: 8, folder: 4, symlink: 10 } as const;
