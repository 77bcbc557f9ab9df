import { writeFile } from 'node:fs/promises';
import { command } from './command.ts';
import { readMounts, type MountEntry } from './mount-table.ts';

const CONTROL = '/sys/fs/fuse/connections';

/** File system type of all mounts of the kernel driver, as `df -T` shows it. */
export const FUSE_TYPE = 'fuse.fjord';

/** Time limit of each system command in this file, ms. */
const LIMIT = 5000;

/**
 * Aborts a FUSE connection through the kernel's control file system: all of its requests fail with `ECONNABORTED`, and
 * threads that wait for locks held by them continue. This works even if the process that serves the connection is dead
 * or hangs, or one of its threads cannot end. Accesses no mount point. Never throws.
 * @param device `major:minor` as in the mount table; the minor number is the connection's name
 * @returns false if the connection cannot be aborted in this way
 */
export async function abortConnection(device: string): Promise<boolean> {
  const file = `${CONTROL}/${device.split(':')[1]}/abort`;
  if (await write(file)) return true;
  if (process.getuid?.() !== 0) return false;
  if ((await readMounts()).some(({ dir }) => dir === CONTROL)) return false;
  await command('mount', ['-t', 'fusectl', 'fusectl', CONTROL], { timeout: LIMIT });
  return await write(file);
}

/** Aborts the connections of the mounts that `which` selects, and detaches them. Bounded in time. Never throws. */
export async function endMounts(which: (mount: MountEntry) => boolean): Promise<MountEntry[]> {
  // A later mount may cover an earlier one.
  const found = (await readMounts()).filter(which).toReversed();
  for (const { device } of found) await abortConnection(device);
  for (const { dir } of found) await detachByForce(dir);
  return found;
}

/** Run as root, this also aborts the connection, which is needed if there is no control file system. */
async function detachByForce(dir: string): Promise<void> {
  if (process.getuid?.() === 0) await command('umount', ['-i', '-c', '-f', '-l', '--', dir], { timeout: LIMIT });
  else await command('fusermount3', ['-u', '-z', '--', dir], { timeout: LIMIT });
}

async function write(file: string): Promise<boolean> {
  try {
    await writeFile(file, '1');
    return true;
  } catch {
    return false;
  }
}
