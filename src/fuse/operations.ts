import type { Handler } from './operation.ts';
import * as attributes from './ops/attributes.ts';
import * as control from './ops/control.ts';
import * as files from './ops/files.ts';
import * as folders from './ops/folders.ts';
import * as names from './ops/names.ts';
import * as ranges from './ops/ranges.ts';
import * as seek from './ops/seek.ts';
import * as xattrs from './ops/xattrs.ts';
import { Opcode } from './wire/opcode.ts';

/**
 * What we answer. Every other opcode gets `ENOSYS`, after which the kernel does without: locks (they are the kernel's
 * own), POLL, BMAP, TMPFILE, DAX mappings;
 * so does FLUSH where a close promises nothing that a WRITE has not.
 */
export const OPERATIONS: ReadonlyMap<number, Handler> = new Map([
  [Opcode.LOOKUP, names.lookup],
  [Opcode.FORGET, control.forget],
  [Opcode.GETATTR, attributes.getattr],
  [Opcode.SETATTR, attributes.setattr],
  [Opcode.READLINK, names.readlink],
  [Opcode.SYMLINK, names.symlink],
  [Opcode.MKNOD, names.mknod],
  [Opcode.MKDIR, names.mkdir],
  [Opcode.UNLINK, names.unlink],
  [Opcode.RMDIR, names.rmdir],
  [Opcode.RENAME, names.rename],
  [Opcode.LINK, names.link],
  [Opcode.OPEN, files.open],
  [Opcode.READ, files.read],
  [Opcode.WRITE, files.write],
  [Opcode.STATFS, folders.statfs],
  [Opcode.RELEASE, files.release],
  [Opcode.FSYNC, files.fsync],
  [Opcode.FLUSH, files.flush],
  [Opcode.SETXATTR, xattrs.setxattr],
  [Opcode.GETXATTR, xattrs.getxattr],
  [Opcode.LISTXATTR, xattrs.listxattr],
  [Opcode.REMOVEXATTR, xattrs.removexattr],
  [Opcode.ACCESS, attributes.access],
  [Opcode.INIT, control.init],
  [Opcode.OPENDIR, folders.opendir],
  [Opcode.READDIR, folders.readdir],
  [Opcode.RELEASEDIR, folders.done],
  [Opcode.FSYNCDIR, folders.sync],
  [Opcode.SYNCFS, folders.sync],
  [Opcode.CREATE, files.create],
  [Opcode.INTERRUPT, control.interrupt],
  [Opcode.DESTROY, folders.done],
  [Opcode.IOCTL, control.ioctl],
  [Opcode.BATCH_FORGET, control.batchForget],
  [Opcode.FALLOCATE, ranges.fallocate],
  [Opcode.READDIRPLUS, folders.readdirplus],
  [Opcode.RENAME2, names.rename2],
  [Opcode.LSEEK, seek.lseek],
  [Opcode.COPY_FILE_RANGE, ranges.copyFileRange],
  [Opcode.STATX, attributes.statx],
  [Opcode.COPY_FILE_RANGE_64, ranges.copyFileRange64],
]);
