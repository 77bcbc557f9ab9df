import { statSync } from 'node:fs';
import { OTHER_VOLUME, type Halt } from './halt.ts';
import { isOnVolume, type VolumeId } from './volume.ts';

/**
 * Why a folder cannot be mirrored just now: it is not there, cannot be read, or is on another volume than it was. Waits for the
 * disk, so it is called on a thread of the source.
 */
export function checkSource(folder: string, volume: VolumeId | undefined): Halt | undefined {
  try {
    if (!statSync(folder).isDirectory()) return { kind: 'vanished', reason: `${folder} is not a folder any more` };
    if (volume !== undefined && !isOnVolume(folder, volume)) return OTHER_VOLUME;
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const reason =
      code === 'ENOENT' ? 'the folder is not there: is its disk mounted?' : `the folder cannot be read: ${message}`;
    return { kind: 'vanished', reason };
  }
}
