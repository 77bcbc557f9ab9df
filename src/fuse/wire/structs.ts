import { Layout } from './layout.ts';

/*
 * The structs of the FUSE ABI, protocol 7.40, as documented in <linux/fuse.h>. Padding and spare fields are named so
 * that every size is the kernel's. Times are pairs of seconds and nanoseconds.
 */

export const InHeader = new Layout({
  len: 'u32',
  opcode: 'u32',
  unique: 'u64',
  nodeid: 'u64',
  uid: 'u32',
  gid: 'u32',
  pid: 'u32',
  totalExtlen: 'u16',
  padding: 'u16',
});

export const OutHeader = new Layout({ len: 'u32', error: 'i32', unique: 'u64' });

export const InitIn = new Layout({ major: 'u32', minor: 'u32', maxReadahead: 'u32', flags: 'u32' });

/** Follows `InitIn` if `INIT_EXT` is set. */
export const InitInExt = new Layout({ flags2: 'u32' });

export const InitOut = new Layout({
  major: 'u32',
  minor: 'u32',
  maxReadahead: 'u32',
  flags: 'u32',
  maxBackground: 'u16',
  congestionThreshold: 'u16',
  maxWrite: 'u32',
  timeGran: 'u32',
  maxPages: 'u16',
  mapAlignment: 'u16',
  flags2: 'u32',
  maxStackDepth: 'u32',
  unused0: 'u64',
  unused1: 'u64',
  unused2: 'u64',
});

export const Attr = new Layout({
  ino: 'u64',
  size: 'u64',
  blocks: 'u64',
  atime: 'i64',
  mtime: 'i64',
  ctime: 'i64',
  atimensec: 'u32',
  mtimensec: 'u32',
  ctimensec: 'u32',
  mode: 'u32',
  nlink: 'u32',
  uid: 'u32',
  gid: 'u32',
  rdev: 'u32',
  blksize: 'u32',
  flags: 'u32',
});

/** Followed by `Attr`. */
export const EntryOut = new Layout({
  nodeid: 'u64',
  generation: 'u64',
  entryValid: 'u64',
  attrValid: 'u64',
  entryValidNsec: 'u32',
  attrValidNsec: 'u32',
});

/** Followed by `Attr`. */
export const AttrOut = new Layout({ attrValid: 'u64', attrValidNsec: 'u32', dummy: 'u32' });

export const ForgetIn = new Layout({ nlookup: 'u64' });
export const BatchForgetIn = new Layout({ count: 'u32', dummy: 'u32' });
export const ForgetOne = new Layout({ nodeid: 'u64', nlookup: 'u64' });
export const AccessIn = new Layout({ mask: 'u32', padding: 'u32' });
export const GetattrIn = new Layout({ flags: 'u32', dummy: 'u32', fh: 'u64' });

export const SetattrIn = new Layout({
  valid: 'u32',
  padding: 'u32',
  fh: 'u64',
  size: 'u64',
  lockOwner: 'u64',
  atime: 'i64',
  mtime: 'i64',
  ctime: 'i64',
  atimensec: 'u32',
  mtimensec: 'u32',
  ctimensec: 'u32',
  mode: 'u32',
  unused4: 'u32',
  uid: 'u32',
  gid: 'u32',
  unused5: 'u32',
});

export const StatxIn = new Layout({ getattrFlags: 'u32', reserved: 'u32', fh: 'u64', sxFlags: 'u32', sxMask: 'u32' });

/** Followed by `Statx`. */
export const StatxOut = new Layout({
  attrValid: 'u64',
  attrValidNsec: 'u32',
  flags: 'u32',
  spare0: 'u64',
  spare1: 'u64',
});

/** Followed by four `StatxTime` (access, birth, change, modification) and `StatxDevices`. */
export const Statx = new Layout({
  mask: 'u32',
  blksize: 'u32',
  attributes: 'u64',
  nlink: 'u32',
  uid: 'u32',
  gid: 'u32',
  mode: 'u16',
  spare0: 'u16',
  ino: 'u64',
  size: 'u64',
  blocks: 'u64',
  attributesMask: 'u64',
});

export const StatxTime = new Layout({ sec: 'i64', nsec: 'u32', reserved: 'i32' });

/** Devices and spare room at the end of `struct fuse_statx`: four u32 and fourteen u64. */
export const STATX_TAIL = 128;

export const MknodIn = new Layout({ mode: 'u32', rdev: 'u32', umask: 'u32', padding: 'u32' });
export const MkdirIn = new Layout({ mode: 'u32', umask: 'u32' });
export const RenameIn = new Layout({ newdir: 'u64' });
export const Rename2In = new Layout({ newdir: 'u64', flags: 'u32', padding: 'u32' });
export const OpenIn = new Layout({ flags: 'u32', openFlags: 'u32' });
export const CreateIn = new Layout({ flags: 'u32', mode: 'u32', umask: 'u32', openFlags: 'u32' });
export const OpenOut = new Layout({ fh: 'u64', openFlags: 'u32', backingId: 'i32' });

/** `fuse_backing_map`, for the `ioctl` that registers a backing file. */
export const BackingMap = new Layout({ fd: 'i32', flags: 'u32', padding: 'u64' });
export const ReleaseIn = new Layout({ fh: 'u64', flags: 'u32', releaseFlags: 'u32', lockOwner: 'u64' });

export const ReadIn = new Layout({
  fh: 'u64',
  offset: 'u64',
  size: 'u32',
  readFlags: 'u32',
  lockOwner: 'u64',
  flags: 'u32',
  padding: 'u32',
});

export const WriteIn = new Layout({
  fh: 'u64',
  offset: 'u64',
  size: 'u32',
  writeFlags: 'u32',
  lockOwner: 'u64',
  flags: 'u32',
  padding: 'u32',
});

export const WriteOut = new Layout({ size: 'u32', padding: 'u32' });
export const FlushIn = new Layout({ fh: 'u64', unused: 'u32', padding: 'u32', lockOwner: 'u64' });

export const FsyncIn = new Layout({ fh: 'u64', fsyncFlags: 'u32', padding: 'u32' });

export const StatfsOut = new Layout({
  blocks: 'u64',
  bfree: 'u64',
  bavail: 'u64',
  files: 'u64',
  ffree: 'u64',
  bsize: 'u32',
  namelen: 'u32',
  frsize: 'u32',
  padding: 'u32',
  spare0: 'u64',
  spare1: 'u64',
  spare2: 'u64',
});

/** The short form, without `SETXATTR_EXT`. */
export const SetxattrIn = new Layout({ size: 'u32', flags: 'u32' });
export const GetxattrIn = new Layout({ size: 'u32', padding: 'u32' });
export const GetxattrOut = new Layout({ size: 'u32', padding: 'u32' });
export const InterruptIn = new Layout({ unique: 'u64' });
export const FallocateIn = new Layout({ fh: 'u64', offset: 'u64', length: 'u64', mode: 'u32', padding: 'u32' });

export const LseekIn = new Layout({ fh: 'u64', offset: 'u64', whence: 'u32', padding: 'u32' });
export const LseekOut = new Layout({ offset: 'u64' });

export const CopyFileRangeIn = new Layout({
  fhIn: 'u64',
  offIn: 'u64',
  nodeidOut: 'u64',
  fhOut: 'u64',
  offOut: 'u64',
  len: 'u64',
  flags: 'u64',
});

export const CopyFileRangeOut = new Layout({ bytesCopied: 'u64' });

/** Followed by the name, then zeros up to a multiple of 8. */
export const Dirent = new Layout({ ino: 'u64', off: 'u64', namelen: 'u32', type: 'u32' });

export const InvalInodeOut = new Layout({ ino: 'u64', off: 'i64', len: 'i64' });

/** Followed by the name and a NUL. */
export const InvalEntryOut = new Layout({ parent: 'u64', namelen: 'u32', flags: 'u32' });

/** Followed by the name and a NUL. */
export const DeleteOut = new Layout({ parent: 'u64', child: 'u64', namelen: 'u32', padding: 'u32' });

/** Followed by the ids of `count` nodes, 64 bits each. */
export const PruneOut = new Layout({ count: 'u32', padding: 'u32', spare: 'u64' });
