import { closeSync, constants, openSync } from 'node:fs';
import { realpath, writeFile } from 'node:fs/promises';
import { FsError } from '../vfs/fs-error.ts';
import { command, type CommandResult } from './command.ts';
import { FUSE_TYPE } from './connection.ts';
import type { Libc } from './libc.ts';
import { readMounts } from './mount-table.ts';

export interface MountPoint {
  readonly dir: string;
  /** What `df` shows as the device. */
  readonly name: string;
  readonly allowOther: boolean;
  readonly uid: number;
  readonly gid: number;
}

/** Kilobytes that the kernel reads ahead; it offers 128 and takes more from root only. */
const READ_AHEAD = 1024;

/** Mounts, and gives the kernel's end: non-blocking, and not inherited by child processes. @throws FsError */
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
 * The kernel asks for a folder's attributes after each change in it to check its mode again; which is idle if only root
 * may look in, whom modes do not stop.
 */
function modesMatter(uid: number, allowOther: boolean): boolean {
  return allowOther || uid !== 0;
}

/** Through the set-uid helper, which mounts and sends the descriptor over a socket. */
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

/** @throws FsError EBUSY if somebody uses it and `lazy` is false; with `lazy` it disappears when nobody does any more */
export async function detach(dir: string, lazy: boolean): Promise<void> {
  const result =
    process.getuid?.() === 0
      ? await command('umount', ['-i', ...(lazy ? ['-l'] : []), '--', dir])
      : await command('fusermount3', ['-u', ...(lazy ? ['-z'] : []), '--', dir]);
  if (result.code === 0) return;
  throw new FsError('EBUSY', 'unmount', { subject: dir, reason: result.errors });
}

/**
 * Removes what a process that died left mounted.
 * @throws FsError EBUSY if a FUSE file system that lives is mounted there
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
    if (!dead) throw new FsError('EBUSY', 'mount', { subject: dir, reason: `${top.source} is mounted there already` });
    await detach(dir, true);
  }
}

/**
 * As `clearDead`; gives the folder's own path. The name of a dead mount cannot be resolved, that of a link to one
 * neither; so what is there is removed first.
 */
export async function clearAndResolve(dir: string): Promise<string> {
  await clearDead(dir);
  const resolved = await realpath(dir);
  if (resolved !== dir) await clearDead(resolved);
  return resolved;
}

/** Larger reads for files that are read in order; only root may, and it is no loss if not. */
export async function enlargeReadAhead(dir: string): Promise<void> {
  const mount = (await readMounts()).findLast((mount) => mount.dir === dir);
  if (mount === undefined) return;
  await writeFile(`/sys/class/bdi/${mount.device}/read_ahead_kb`, String(READ_AHEAD)).catch(() => {});
}

function refusal(tool: string, dir: string, { code, errors }: CommandResult): FsError {
  const reason = code === 127 ? `${tool} is not installed` : errors || `${tool} ended with ${code}`;
  return new FsError('EPERM', 'mount', { subject: dir, reason });
}
