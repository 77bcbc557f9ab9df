import t, { type Test } from 'tap';
import { constants } from 'node:os';
import { failureOf, type OperationName } from '../../src/fuse/failures.ts';
import { OPERATIONS } from '../../src/fuse/operations.ts';
import type { Layout } from '../../src/fuse/wire/layout.ts';
import { Opcode } from '../../src/fuse/wire/opcode.ts';
import * as wire from '../../src/fuse/wire/structs.ts';
import type { FileSystem } from '../../src/vfs/file-system.ts';
import { CODES, type Code, FsError } from '../../src/vfs/fs-error.ts';
import { until } from '../contract/file-system/rig.ts';
import { FuseBench, cString } from '../helpers/fuse-bench.ts';
import { MemoryFs } from '../helpers/memory-fs.ts';

const ROOT = 1;

/**
 * The errors in section 2 of the Linux manual (man-pages 6.03), except those about the caller's own memory and tables.
 */
const PAGES = {
  stat: 'EACCES EBADF EINVAL ELOOP ENAMETOOLONG ENOENT ENOTDIR',
  access: 'EACCES EBADF EINVAL EIO ELOOP ENAMETOOLONG ENOENT ENOTDIR EPERM EROFS',
  chmod: 'EACCES EBADF EINVAL EIO ELOOP ENAMETOOLONG ENOENT ENOTDIR ENOTSUP EPERM EROFS',
  chown: 'EACCES EBADF EINVAL EIO ELOOP ENAMETOOLONG ENOENT ENOTDIR EPERM EROFS',
  utimensat: 'EACCES EBADF EINVAL ELOOP ENAMETOOLONG ENOENT ENOTDIR EPERM EROFS',
  truncate: 'EACCES EBADF EFBIG EINVAL EIO EISDIR ELOOP ENAMETOOLONG ENOENT ENOTDIR EPERM EROFS',
  readlink: 'EACCES EBADF EINVAL EIO ELOOP ENAMETOOLONG ENOENT ENOTDIR',
  symlink: 'EACCES EBADF EDQUOT EEXIST EIO ELOOP ENAMETOOLONG ENOENT ENOSPC ENOTDIR EPERM EROFS',
  mknod: 'EACCES EBADF EDQUOT EEXIST EINVAL ELOOP ENAMETOOLONG ENOENT ENOSPC ENOTDIR EPERM EROFS',
  mkdir: 'EACCES EBADF EDQUOT EEXIST EINVAL ELOOP ENAMETOOLONG ENOENT ENOSPC ENOTDIR EPERM EROFS',
  link: 'EACCES EBADF EDQUOT EEXIST EINVAL EIO ELOOP ENAMETOOLONG ENOENT ENOSPC ENOTDIR EPERM EROFS EXDEV',
  unlink: 'EACCES EBADF EBUSY EINVAL EIO EISDIR ELOOP ENAMETOOLONG ENOENT ENOTDIR EPERM EROFS',
  rmdir: 'EACCES EBUSY EEXIST EINVAL ELOOP ENAMETOOLONG ENOENT ENOTDIR ENOTEMPTY EPERM EROFS',
  rename: `EACCES EBADF EBUSY EDQUOT EEXIST EINVAL EISDIR ELOOP ENAMETOOLONG ENOENT ENOSPC ENOTDIR ENOTEMPTY EPERM EROFS
    EXDEV`,
  open: `EACCES EBADF EBUSY EDQUOT EEXIST EFBIG EINVAL EISDIR ELOOP ENAMETOOLONG ENOENT ENOSPC ENOTDIR ENOTSUP EPERM
    EROFS`,
  read: 'EBADF EINVAL EIO EISDIR',
  write: 'EBADF EDQUOT EFBIG EINVAL EIO ENOSPC EPERM',
  close: 'EBADF EDQUOT EIO ENOSPC',
  fsync: 'EBADF EDQUOT EINVAL EIO ENOSPC EROFS',
  fallocate: 'EBADF EFBIG EINVAL EIO ENOSPC ENOTSUP EPERM',
  lseek: 'EBADF EINVAL',
  copyFileRange: 'EBADF EFBIG EINVAL EIO EISDIR ENOSPC ENOTSUP EPERM EXDEV',
  statfs: 'EACCES EBADF EIO ELOOP ENAMETOOLONG ENOENT ENOTDIR',
  opendir: 'EACCES EBADF ENOENT ENOTDIR',
  getdents: 'EBADF EINVAL ENOENT ENOTDIR',
  getxattr: 'ENODATA ENOTSUP',
  listxattr: 'ENOTSUP',
  setxattr: 'EDQUOT EEXIST ENODATA ENOSPC ENOTSUP EPERM',
  removexattr: 'ENODATA ENOTSUP',
  ioctl: 'EBADF EINVAL',
} as const;

/** On every page of POSIX. */
const ALWAYS = 'EIO';
/**
 * On ESTALE the kernel looks the name up again. Programs get it only if that fails, too, as on NFS; ETIMEDOUT is that of any
 * network file system.
 */
const PATHS = 'EACCES ELOOP ENAMETOOLONG ENOENT ENOTDIR ESTALE ETIMEDOUT';
/** mount(2): every change of a read-only file system. */
const READ_ONLY = 'EPERM EROFS';

/** The manual pages of an operation, and permitted errors that they do not list, with reasons. */
const MANUAL: Readonly<Record<OperationName, readonly string[]>> = {
  lookup: [PATHS],
  getattr: [PAGES.stat, PATHS],
  statx: [PAGES.stat, PATHS],
  access: [PAGES.access, PATHS],
  // Extending a file takes space, as with write(2).
  setattr: [PAGES.chmod, PAGES.chown, PAGES.utimensat, PAGES.truncate, PATHS, 'ENOSPC EDQUOT'],
  chmod: [PAGES.chmod, PATHS],
  chown: [PAGES.chown, PATHS],
  utimens: [PAGES.utimensat, PATHS],
  truncate: [PAGES.truncate, PATHS, 'ENOSPC EDQUOT'],
  ftruncate: [PAGES.truncate, PATHS, 'ENOSPC EDQUOT'],
  readlink: [PAGES.readlink, PATHS],
  // An invalid name, as with mkdir(2).
  symlink: [PAGES.symlink, PATHS, 'EINVAL'],
  mknod: [PAGES.mknod, PATHS],
  mkdir: [PAGES.mkdir, PATHS],
  link: [PAGES.link, PATHS],
  unlink: [PAGES.unlink, PATHS],
  rmdir: [PAGES.rmdir, PATHS],
  rename: [PAGES.rename, PATHS],
  rename2: [PAGES.rename, PATHS],
  open: [PAGES.open, PATHS],
  create: [PAGES.open, PATHS],
  read: [PAGES.read],
  write: [PAGES.write],
  // No program gets it.
  release: [],
  flush: [PAGES.close],
  fsync: [PAGES.fsync],
  sync: [PAGES.fsync],
  // A quota applies, as with write(2).
  fallocate: [PAGES.fallocate, 'EDQUOT'],
  lseek: [PAGES.lseek],
  copy_file_range: [PAGES.copyFileRange, 'EDQUOT'],
  statfs: [PAGES.statfs, PATHS],
  opendir: [PAGES.opendir, PATHS],
  readdir: [PAGES.getdents],
  readdirplus: [PAGES.getdents],
  getxattr: [PAGES.getxattr, PAGES.stat, PATHS],
  listxattr: [PAGES.listxattr, PAGES.stat, PATHS],
  setxattr: [PAGES.setxattr, PAGES.stat, PATHS, READ_ONLY],
  removexattr: [PAGES.removexattr, PAGES.stat, PATHS, READ_ONLY],
  ioctl: [PAGES.ioctl],
  init: [],
  done: [],
  forget: [],
  batch_forget: [],
  interrupt: [],
  unknown: [],
};

function allowed(op: OperationName): ReadonlySet<string> {
  return new Set([...MANUAL[op], ALWAYS].flatMap((codes) => codes.split(/\s+/)));
}

t.test('every operation fails only with errors on its manual page', async (t) => {
  for (const op of Object.keys(MANUAL) as OperationName[]) {
    const manual = allowed(op);
    for (const code of CODES) {
      const got = failureOf(op, code, false);
      if (!manual.has(got)) t.fail(`${op}: ${code} becomes ${got}`);
      t.equal(failureOf(op, code, true), code === 'EINTR' ? 'EINTR' : got, `${op}, interrupted`);
    }
    for (const code of ['EAGAIN', 'EINTR'] as const) t.not(failureOf(op, code, false), code, op);
    const unreachable = manual.has('ETIMEDOUT') ? 'ETIMEDOUT' : 'EIO';
    for (const code of ['EAGAIN', 'ETIMEDOUT'] as const) t.equal(failureOf(op, code, false), unreachable, op);
  }
  for (const op of ['read', 'readdir', 'lseek', 'write', 'flush', 'fsync', 'copy_file_range'] as const) {
    t.equal(failureOf(op, 'EAGAIN', false), 'EIO', `${op}: an open file never times out`);
  }
  t.equal(failureOf('read', 'ENOSPC', false), 'EIO');
  t.equal(failureOf('write', 'ENOSPC', false), 'ENOSPC');
  t.equal(failureOf('lookup', 'EINVAL', false), 'ENOENT', 'an invalid name does not exist');
});

/**
 * The kernel's requests about a file `f` with the handle 1 and a folder `d`, for each operation that can fail in the
 * port.
 */
function requests(file: number, folder: number): readonly (readonly [opcode: number, nodeid: number, body: Buffer])[] {
  const { SetattrIn, ReadIn, WriteIn, FallocateIn, LseekIn, CopyFileRangeIn, Rename2In, SetxattrIn, GetxattrIn } = wire;
  return [
    [Opcode.LOOKUP, ROOT, cString('other')],
    [Opcode.GETATTR, file, pack(wire.GetattrIn, {})],
    [Opcode.STATX, file, pack(wire.StatxIn, {})],
    [Opcode.ACCESS, file, pack(wire.AccessIn, { mask: 1 })],
    [Opcode.SETATTR, file, pack(SetattrIn, { valid: 1, mode: 0o600 })],
    [Opcode.SETATTR, file, pack(SetattrIn, { valid: 8, size: 1 })],
    [Opcode.SETATTR, file, pack(SetattrIn, { valid: 8 | 64, size: 1, fh: 1 })],
    [Opcode.READLINK, file, Buffer.alloc(0)],
    [Opcode.SYMLINK, ROOT, cString('link', 'target')],
    [Opcode.MKNOD, ROOT, pack(wire.MknodIn, { mode: 0o100_644 }, cString('node'))],
    [Opcode.MKDIR, ROOT, pack(wire.MkdirIn, { mode: 0o755 }, cString('folder'))],
    [Opcode.LINK, ROOT, pack(wire.RenameIn, { newdir: ROOT }, cString('hard'))],
    [Opcode.UNLINK, ROOT, cString('f')],
    [Opcode.RMDIR, ROOT, cString('d')],
    [Opcode.RENAME, ROOT, pack(wire.RenameIn, { newdir: folder }, cString('f', 'g'))],
    [Opcode.RENAME2, ROOT, pack(Rename2In, { newdir: folder, flags: 2 }, cString('f', 'g'))],
    [Opcode.OPEN, file, pack(wire.OpenIn, { flags: 2 })],
    [Opcode.CREATE, ROOT, pack(wire.CreateIn, { flags: 2, mode: 0o644 }, cString('new'))],
    [Opcode.READ, file, pack(ReadIn, { fh: 1, size: 4096 })],
    [Opcode.WRITE, file, pack(WriteIn, { fh: 1, size: 1 }, Buffer.alloc(1))],
    [Opcode.FLUSH, file, pack(wire.FlushIn, { fh: 1 })],
    [Opcode.FSYNC, file, pack(wire.FsyncIn, { fh: 1 })],
    [Opcode.LSEEK, file, pack(LseekIn, { fh: 1, offset: 5, whence: 3 })],
    [Opcode.FALLOCATE, file, pack(FallocateIn, { fh: 1, length: 9999 })],
    [Opcode.COPY_FILE_RANGE, file, pack(CopyFileRangeIn, { fhIn: 1, nodeidOut: file, fhOut: 1, offOut: 100, len: 9 })],
    [Opcode.STATFS, ROOT, Buffer.alloc(0)],
    [Opcode.OPENDIR, ROOT, pack(wire.OpenIn, {})],
    [Opcode.READDIR, ROOT, pack(ReadIn, { size: 4096 })],
    [Opcode.READDIRPLUS, ROOT, pack(ReadIn, { size: 4096 })],
    [Opcode.FSYNCDIR, ROOT, pack(wire.FsyncIn, {})],
    [Opcode.SYNCFS, ROOT, Buffer.alloc(8)],
    [Opcode.GETXATTR, file, pack(GetxattrIn, { size: 100 }, cString('user.a'))],
    [Opcode.LISTXATTR, file, pack(GetxattrIn, { size: 100 })],
    [Opcode.SETXATTR, file, pack(SetxattrIn, { size: 1 }, cString('user.a'), Buffer.alloc(1))],
    [Opcode.REMOVEXATTR, file, cString('user.a')],
    [Opcode.IOCTL, file, Buffer.alloc(32)],
    [Opcode.RELEASE, file, pack(wire.ReleaseIn, { fh: 1 })],
  ];
}

function pack<F extends Readonly<Record<string, 'u16' | 'u32' | 'i32' | 'u64' | 'i64'>>>(
  layout: Layout<F>,
  values: Partial<Record<keyof F, number>>,
  ...rest: readonly Uint8Array[]
): Buffer {
  const head = Buffer.alloc(layout.size);
  layout.encode(values, head, 0);
  return Buffer.concat([head, ...rest]);
}

interface Fault {
  /** The current fault; `undefined`: calls succeed. */
  code: Code | undefined;
  readonly late: boolean;
}

/** Wraps the object and the handles that it returns, so that all calls fail while there is a fault. */
function failing<T extends object>(target: T, fault: Fault): T {
  const healthy = new Set<string | symbol>(['watch', 'then', 'close']);
  return new Proxy(target, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function' || healthy.has(key))
        return typeof value === 'function' ? value.bind(target) : value;
      return (...args: readonly unknown[]) => {
        if (fault.code !== undefined) {
          const error = new FsError(fault.code, String(key), { reason: 'told to' });
          if (fault.late) return Promise.reject(error);
          throw error;
        }
        const result: unknown = value.apply(target, args);
        return typeof result === 'object' && result !== null && 'close' in result ? failing(result, fault) : result;
      };
    },
  });
}

async function drive(t: Test, late: boolean): Promise<void> {
  const seen = new Set<number>();
  for (const code of CODES) {
    const fault: Fault = { code: undefined, late };
    const memory = new MemoryFs();
    const bench = new FuseBench(failing<FileSystem>(memory, fault), { xattr: true });
    const made = bench.call(Opcode.CREATE, ROOT, pack(wire.CreateIn, { flags: 2, mode: 0o644 }, cString('f')));
    const file = wire.EntryOut.decode(made.body, 0).nodeid;
    const folder = wire.EntryOut.decode(
      bench.call(Opcode.MKDIR, ROOT, pack(wire.MkdirIn, { mode: 0o755 }, cString('d'))).body,
      0,
    ).nodeid;
    bench.call(Opcode.WRITE, file, pack(wire.WriteIn, { fh: 1, size: 50 }, Buffer.alloc(50)));
    fault.code = code;
    for (const [opcode, nodeid, body] of requests(file, folder)) {
      const unique = bench.send(opcode, nodeid, body);
      await until(() => bench.answers.some((answer) => answer.unique === unique), 'answered');
      const errno = -(bench.answers.find((answer) => answer.unique === unique)?.error ?? Number.NaN);
      const op = OPERATIONS.get(opcode)?.name ?? 'unknown';
      seen.add(opcode);
      // Errnos of the server itself: not supported, no such attribute, no such ioctl.
      const own = [0, constants.errno.ENOSYS, constants.errno.ENOTTY, constants.errno.ERANGE];
      const names = Object.entries(constants.errno).flatMap(([name, number]) => (number === errno ? [name] : []));
      const right = own.includes(errno) || names.some((name) => allowed(op).has(name));
      if (!right) t.fail(`${op} with ${code}: ${names.join(' ')}`);
    }
    bench.session.close();
  }
  const silent = new Set<number>([Opcode.FORGET, Opcode.BATCH_FORGET, Opcode.INTERRUPT, Opcode.INIT]);
  const same = new Set<number>([Opcode.RELEASEDIR, Opcode.DESTROY, Opcode.COPY_FILE_RANGE_64]);
  const missed = [...OPERATIONS.keys()].filter(
    (opcode) => !seen.has(opcode) && !silent.has(opcode) && !same.has(opcode),
  );
  t.strictSame(missed, [], 'all operations were tried');
}

t.test('programs get documented errors for every error of the port: synchronous', (t) => drive(t, false));
t.test('programs get documented errors for every error of the port: asynchronous', (t) => drive(t, true));
