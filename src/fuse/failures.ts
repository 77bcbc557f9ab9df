import type { Code } from '../vfs/fs-error.ts';

/**
 * Errors of looking a path up (path_resolution(7)). On `ESTALE` the kernel looks the names up again; `ETIMEDOUT` is that of any
 * network file system.
 */
const PATH = ['EACCES', 'ELOOP', 'ENAMETOOLONG', 'ENOENT', 'ENOTDIR', 'ESTALE', 'ETIMEDOUT'] as const;
const ROOM = ['EDQUOT', 'ENOSPC'] as const;
const RULE = ['EPERM', 'EROFS'] as const;
/** Errors of changing names in a folder. `EINVAL` is for an invalid name, as in open(2) and mkdir(2). */
const NAMING = [...PATH, ...ROOM, ...RULE, 'EEXIST', 'EINVAL'] as const;
const OPENING = [...NAMING, 'EBUSY', 'EFBIG', 'EISDIR', 'ENOTSUP'] as const;
const MOVING = [...NAMING, 'EBUSY', 'EISDIR', 'ENOTEMPTY', 'EXDEV'] as const;
const SYNCING = ['EBADF', ...ROOM, 'EROFS'] as const;
const LISTING = ['EBADF', 'ENOENT', 'ENOTDIR'] as const;
const SETTING = [...PATH, ...RULE, 'EBADF', 'EINVAL'] as const;
const SIZING = [...SETTING, ...ROOM, 'EFBIG', 'EISDIR'] as const;

/**
 * The codes of the port that a program may get from each operation, in addition to `EIO`, by POSIX.1-2024 and section 2 of
 * the Linux manual. What is done with an open file or folder never times out: read(2) has `ETIMEDOUT` for sockets only. Programs handle the documented errors. Others they may take for
 * success, for the end of the file, or for a reason to retry forever (`EAGAIN` on a regular file).
 */
const ALLOWED = {
  lookup: PATH,
  getattr: [...PATH, 'EBADF'],
  statx: [...PATH, 'EBADF', 'EINVAL'],
  access: [...PATH, 'EPERM', 'EROFS', 'EINVAL'],
  setattr: SIZING,
  chmod: SETTING,
  chown: SETTING,
  utimens: SETTING,
  truncate: SIZING,
  ftruncate: SIZING,
  readlink: [...PATH, 'EINVAL'],
  symlink: NAMING,
  mknod: NAMING,
  mkdir: NAMING,
  link: [...NAMING, 'EXDEV'],
  unlink: [...PATH, ...RULE, 'EBUSY', 'EISDIR', 'EINVAL'],
  rmdir: [...PATH, ...RULE, 'EBUSY', 'EINVAL', 'ENOTEMPTY'],
  rename: MOVING,
  rename2: MOVING,
  open: OPENING,
  create: OPENING,
  read: ['EBADF', 'EISDIR'],
  write: ['EBADF', ...ROOM, 'EFBIG', 'EPERM'],
  release: [],
  flush: ['EBADF', ...ROOM],
  fsync: SYNCING,
  sync: SYNCING,
  fallocate: ['EBADF', ...ROOM, 'EFBIG', 'EINVAL', 'ENOTSUP', 'EPERM'],
  lseek: ['EBADF', 'EINVAL'],
  copy_file_range: ['EBADF', ...ROOM, 'EFBIG', 'EINVAL', 'EISDIR', 'ENOTSUP', 'EPERM', 'EXDEV'],
  statfs: PATH,
  opendir: PATH,
  readdir: LISTING,
  readdirplus: LISTING,
  getxattr: [...PATH, 'ENODATA', 'ENOTSUP'],
  listxattr: [...PATH, 'ENOTSUP'],
  setxattr: [...PATH, ...ROOM, ...RULE, 'EEXIST', 'EINVAL', 'ENODATA', 'ENOTSUP'],
  removexattr: [...PATH, ...RULE, 'EINVAL', 'ENODATA', 'ENOTSUP'],
  ioctl: ['EBADF', 'EINVAL'],
  init: [],
  done: [],
  forget: [],
  batch_forget: [],
  interrupt: [],
  unknown: [],
} as const satisfies Readonly<Record<string, readonly Code[]>>;

export type OperationName = keyof typeof ALLOWED;

const allowed = new Map<OperationName, ReadonlySet<Code>>(
  (Object.keys(ALLOWED) as OperationName[]).map((op) => [op, new Set<Code>(['EIO', ...ALLOWED[op]])]),
);

/** The closest permitted code, by operation and code. */
const INSTEAD: Partial<Record<OperationName, Partial<Record<Code, Code>>>> = {
  // An invalid name cannot exist.
  lookup: { EINVAL: 'ENOENT' },
  // renameat2(2): a flag that is not supported.
  rename2: { ENOTSUP: 'EINVAL' },
  // getdents(2): the folder was removed; readdir(3) then ends the listing.
  readdir: { ESTALE: 'ENOENT' },
  readdirplus: { ESTALE: 'ENOENT' },
};

/**
 * The code that a program gets when an operation fails with `code`. `EAGAIN`, which means that the cloud cannot be
 * reached, becomes `ETIMEDOUT` where a path is looked up; `EINTR` is returned only to an interrupted caller; any other code that the operation
 * must not return becomes `EIO`.
 */
export function failureOf(op: OperationName, code: Code, interrupted: boolean): Code {
  if (code === 'EINTR' && interrupted) return code;
  const known = code === 'EAGAIN' ? 'ETIMEDOUT' : code;
  return allowed.get(op)?.has(known) === true ? known : (INSTEAD[op]?.[code] ?? 'EIO');
}
