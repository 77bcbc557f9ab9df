import { opendir, stat } from 'node:fs/promises';
import { OTHER_VOLUME, type Halt } from './halt.ts';
import { isOnVolume, type VolumeId } from './volume.ts';

/** Why a folder cannot be mirrored just now: it is not there, cannot be read, or is on another volume than it was. */
export async function checkSource(folder: string, volume: VolumeId | undefined): Promise<Halt | undefined> {
  try {
    if (!(await stat(folder)).isDirectory()) return { kind: 'vanished', reason: `${folder} is not a folder any more` };
    if (volume !== undefined && !(await isOnVolume(folder, volume))) return OTHER_VOLUME;
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT' ? 'the folder is not there: is its disk mounted?' : `the folder cannot be read: ${message}`;
    return { kind: 'vanished', reason };
  }
}

/** @throws errors of `node:fs` */
export async function isEmptyFolder(folder: string): Promise<boolean> {
  const open = await opendir(folder);
  try {
    return (await open.read()) === null;
  } finally {
    await open.close();
  }
}
