import { realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { Restore } from '../backup/restore/restore.ts';
import type { Remote } from '../cloud/remote.ts';
import type { Context } from '../vfs/context.ts';
import { asFsError, FsError } from '../vfs/fs-error.ts';
import type { OnProgress } from './control/controls.ts';
import type { Restored } from './control/wire.ts';

interface RestoreRequest {
  readonly remote: Remote;
  /** Of the set. */
  readonly name: string;
  /** Of this computer; what is restored comes into a folder in it that has the name of the set. */
  readonly folder: string;
  /** Where the drive is mounted: this process must not write there. */
  readonly mounted: string | undefined;
}

/**
 * Gets a backup set of this computer back as it is in the cloud. What is there already stays, and one that was interrupted goes on when it
 * is called again. @throws EINVAL, ENOENT; as `Restore`
 */
export async function restoreSet(
  { remote, name, folder, mounted }: RestoreRequest,
  onProgress: OnProgress,
  context: Context,
): Promise<Restored> {
  const into = await realpath(folder).catch((error: unknown) => {
    throw asFsError(error, 'restore', folder);
  });
  if (mounted !== undefined && `${into}${sep}`.startsWith(`${mounted}${sep}`))
    throw new FsError('EINVAL', 'restore', { subject: folder, reason: 'it is in the drive; choose another folder' });
  const device = await remote.device(context);
  const path = `/Backup/${device.name}/${name}`;
  const restore = await Restore.prepare({ remote, path, only: [], signal: context.signal });
  const { total } = restore;
  const counts = { files: 0, kept: 0, missed: restore.lacks.length, bytes: 0 };
  let [first] = restore.lacks;
  const report = (current: string): void =>
    onProgress({ done: { files: counts.files + counts.kept, bytes: counts.bytes }, total, current });
  const target = join(into, name);
  await restore.write({
    target,
    overwrite: false,
    dryRun: false,
    observer: {
      received: (entry, bytes) => {
        counts.bytes += bytes;
        report(entry.path);
      },
      done: ({ kind, path: at }, outcome) => {
        if (kind !== 'folder') counts[outcome === 'kept' ? 'kept' : 'files'] += 1;
        report(at);
      },
      failed: ({ path: at }, { code, reason }) => {
        counts.missed += 1;
        first ??= { path: at, reason: reason ?? code };
      },
    },
  });
  const { files, kept, missed } = counts;
  return { target, files, kept, missed, ...(first === undefined ? {} : { first }) };
}
