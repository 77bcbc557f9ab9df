import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { FuseLog } from '../../fuse/log.ts';
import { endMounts, FUSE_TYPE } from '../../fuse/connection.ts';
import { readMounts } from '../../fuse/mount-table.ts';
import type { FuseMount } from '../../fuse/mount.ts';
import type { FileSystem } from '../../vfs/file-system.ts';
import { asFsError, FsError } from '../../vfs/fs-error.ts';

export interface FuseDriver {
  /** `kernel`: our own implementation of the kernel's protocol (Linux). `native`: the package fuse-native. */
  readonly driver: 'kernel' | 'native';
}

export interface FuseDoorOptions extends FuseDriver {
  readonly fs: FileSystem;
  /** An existing folder; see `prepareMountFolder`. */
  readonly dir: string;
  /** What `df` shows as the device: the data folder, so that several drives can be distinguished. */
  readonly source: string;
  /** Let the kernel read and write cached files directly where it can. */
  readonly passthrough: boolean;
  /** Serve extended attributes. */
  readonly xattr: boolean;
  /** Give other users access. */
  readonly allowOther: boolean;
  readonly log: FuseLog;
}

/** The drive as a file system of this computer. */
export type FuseDoor = Pick<FuseMount, 'dir' | 'closed' | 'unmount' | 'abort'>;

/**
 * Mounts the drive. The process that serves it must touch the folder by asynchronous calls only.
 * @throws ENOTSUP where there is no FUSE, or what the driver needs is not installed; EPERM with the words of the
 * system's mount command; EBUSY if something that lives is mounted there
 */
export async function openFuseDoor(options: FuseDoorOptions): Promise<FuseDoor> {
  const { fs, dir, source, passthrough, xattr, allowOther, log } = options;
  await checkSystem(dir, options);
  const args = { fs, dir, name: source, options: { passthrough, xattr, allowOther }, log };
  // Not before one of them is needed: each loads a native library.
  if (options.driver === 'native') {
    const { NativeMount } = await import('../../fuse/native/mount.ts');
    return await NativeMount.mount(args);
  }
  const { FuseMount } = await import('../../fuse/mount.ts');
  return await FuseMount.mount(args);
}

/**
 * Creates the folder if it does not exist; returns whether it did. A dead mount on it is removed first: nothing else
 * can be done with it.
 * @throws ENOTSUP as `openFuseDoor`; EBUSY if a live file system is mounted there; EEXIST, EACCES … of mkdir
 */
export async function prepareMountFolder(dir: string, driver: FuseDriver): Promise<boolean> {
  await checkSystem(dir, driver);
  await clearDeadMount(dir);
  try {
    return (await mkdir(dir, { recursive: true })) !== undefined;
  } catch (error) {
    throw asFsError(error, 'mount', dir);
  }
}

/** Removes a mount left behind by a dead process. @throws EBUSY if a live file system is mounted there */
export async function clearDeadMount(dir: string): Promise<void> {
  if (process.platform !== 'linux') return;
  const { clearDead } = await import('../../fuse/mounter.ts');
  await clearDead(dir);
}

/**
 * Ends the mounts of a data folder whose gateway is dead or about to exit, even if processes are waiting for them. Does
 * not access the mounted file systems; takes seconds at most. Never throws.
 */
export async function endMountsOf(source: string): Promise<void> {
  if (process.platform !== 'linux') return;
  await endMounts((mount) => mount.type === FUSE_TYPE && mount.source === source);
}

/**
 * Whether a drive is mounted on the folder, according to the system's table of mounts; the folder itself is not
 * accessed.
 */
export async function isMountedOn(dir: string): Promise<boolean> {
  if (process.platform !== 'linux') return true;
  return (await readMounts()).some((mount) => mount.dir === dir && mount.type.startsWith('fuse'));
}

async function checkSystem(dir: string, { driver }: FuseDriver): Promise<void> {
  const reason = await missing(driver);
  if (reason !== undefined) throw new FsError('ENOTSUP', 'mount', { subject: dir, reason });
}

/** What this computer lacks, in words. */
async function missing(driver: FuseDriver['driver']): Promise<string | undefined> {
  if (process.platform === 'darwin' && driver === 'native') return undefined;
  if (process.platform !== 'linux') return 'mounting is only supported on Linux; use the WebDAV address';
  const device = '/dev/fuse';
  try {
    await access(device, constants.R_OK | constants.W_OK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') {
      return `there is no ${device}; load the kernel module fuse, or give the container access to the device`;
    }
    return `this user is not permitted to open ${device}; change its permissions`;
  }
  const helper = driver === 'native' ? 'fusermount' : 'fusermount3';
  if (process.getuid?.() === 0 || (await isInstalled(helper))) return undefined;
  return `${helper} is not installed; install the package fuse3`;
}

async function isInstalled(program: string): Promise<boolean> {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const tries = folders.map((folder) => access(join(folder, program), constants.X_OK));
  return (await Promise.allSettled(tries)).some(({ status }) => status === 'fulfilled');
}
