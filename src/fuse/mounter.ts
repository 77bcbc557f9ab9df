import { closeSync, constants, openSync } from 'node:fs';
import { realpath, writeFile } from 'node:fs/promises';
import { FsError } from '../vfs/fs-error.ts';
import { command, type CommandResult } from './command.ts';
import { FUSE_TYPE } from './connection.ts';
import type { Libc } from './libc.ts';
import { readMounts } from './mount-table.ts';

export interface MountPoint {
  readonly dir: string;
  /** The source of the mount, which `df` shows as the device. */
  readonly name: string;
  readonly allowOther: boolean;
  readonly uid: number;
  readonly gid: number;
}

/** How much the kernel reads ahead, in KiB. Its default is 128, and only root can set more. */
const READ_AHEAD = 1024;

/**
 * Mounts, and resolves to the descriptor of `/dev/fuse`: non-blocking, and not inherited by child processes. @throws
 * FsError
 */
export async function attach(libc: Libc, point: MountPoint): Promise<number> {
  return process.getuid?.() === 0 ? attachAsRoot(point) : await attachAsUser(libc, point);
}

async function attachAsRoot({ dir, name, allowOther, uid, gid }: MountPoint): Promise<number> {
  const fd = openSync('/dev/fuse', constants.O_RDWR | constants.O_NONBLOCK);
  const ids = `fd=3,rootmode=40000,user_id=${uid},group_id=${gid}`;
  const checks = modesMatter(uid, allowOther) ? ',default_permissions' : '';
  const options = `${ids},nosuid,nodev${checks}${allowOther ? ',allow_other' : ''}`;
  const result = await command('mount', ['-i', '-t', FUSE_TYPE, '-o', options, name, dir], { descriptor: fd });
  if (result.code === 0) return fd;
  closeSync(fd);
  throw refusal('mount', dir, result);
}

/**
 * Whether the kernel should check modes. It then requests a folder's attributes after each change in it, which is
 * useless if only root can access the mount, as modes do not restrict root.
 */
function modesMatter(uid: number, allowOther: boolean): boolean {
  return allowOther || uid !== 0;
}

/** Mounts through the set-uid helper, which sends the descriptor over a socket. */
async function attachAsUser(libc: Libc, { dir, name, allowOther }: MountPoint): Promise<number> {
  const [ours, theirs] = libc.socketPair();
  const source = name.replaceAll(/[,\\]/g, String.raw`\$&`);
  const options = `fsname=${source},subtype=${FUSE_TYPE.slice('fuse.'.length)},default_permissions${allowOther ? ',allow_other' : ''}`;
  const env = { ...process.env, _FUSE_COMMFD: '3' };
  try {
    const running = command('fusermount3', ['-o', options, '--', dir], { descriptor: theirs, env });
    closeSync(theirs);
    const received = libc.receiveDescriptor(ours).catch(() => -1);
    const result = await running;
    const fd = await received;
    if (result.code !== 0 || fd < 0) throw refusal('fusermount3', dir, result);
    libc.setNonBlocking(fd);
    return fd;
  } finally {
    closeSync(ours);
  }
}

/**
 * Unmounts. @throws FsError EBUSY if programs are using it and `lazy` is false; with `lazy` it ends when they no longer
 * do
 */
export async function detach(dir: string, lazy: boolean): Promise<void> {
  const result =
    process.getuid?.() === 0
      ? await command('umount', ['-i', ...(lazy ? ['-l'] : []), '--', dir])
      : await command('fusermount3', ['-u', ...(lazy ? ['-z'] : []), '--', dir]);
  if (result.code === 0) return;
  throw new FsError('EBUSY', 'unmount', { subject: dir, reason: result.errors });
}

/**
 * Removes the mount that a dead process has left.
 * @throws FsError EBUSY if a live FUSE file system is mounted there
 */
export async function clearDead(dir: string): Promise<void> {
  for (;;) {
    const top = (await readMounts()).findLast((mount) => mount.dir === dir);
    if (top === undefined || !top.type.startsWith('fuse')) return;
    const { code, errors } = await command('stat', ['--', dir], {
      env: { ...process.env, LC_ALL: 'C' },
      timeout: 5000,
    });
    const dead = code !== 0 && /not connected|connection abort/i.test(errors);
    if (!dead)
      throw new FsError('EBUSY', 'mount', {
        subject: dir,
        reason: `${top.source} is already mounted there; unmount it, or name another folder`,
      });
    await detach(dir, true);
  }
}

/**
 * Like `clearDead`, and resolves to the folder's real path. The path of a dead mount, or of a link to one, cannot be
 * resolved, so the mount is removed first.
 */
export async function clearAndResolve(dir: string): Promise<string> {
  await clearDead(dir);
  const resolved = await realpath(dir);
  if (resolved !== dir) await clearDead(resolved);
  return resolved;
}

/** Enables larger reads of files that are read in order. Only root can do this; a failure is ignored. */
export async function enlargeReadAhead(dir: string): Promise<void> {
  const mount = (await readMounts()).findLast((mount) => mount.dir === dir);
  if (mount === undefined) return;
  await writeFile(`/sys/class/bdi/${mount.device}/read_ahead_kb`, String(READ_AHEAD)).catch(() => {});
}

function refusal(tool: string, dir: string, { code, errors }: CommandResult): FsError {
  const reason = code === 127 ? `${tool} is not installed` : errors || `${tool} ended with ${code}`;
  return new FsError('EPERM', 'mount', { subject: dir, reason });
}
