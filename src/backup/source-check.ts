import { statSync, type BigIntStats } from 'node:fs';
import { wordsOf } from '../vfs/words-of.ts';
import { OTHER_FOLDER, OTHER_VOLUME, type Halt } from './halt.ts';
import { isOnVolume, whyAbsent, whyElsewhere, type VolumeId } from './volume.ts';

/**
 * Why a folder cannot be mirrored just now: it is not there, cannot be read, is on another volume than it was, or is not the one
 * that is being read. Waits for the disk, so it is called on a thread of the source.
 * @param held the folder that is being read
 */
export function checkSource(folder: string, volume: VolumeId | undefined, held?: BigIntStats): Halt | undefined {
  try {
    const now = statSync(folder, { bigint: true });
    if (!now.isDirectory()) return { kind: 'vanished', reason: `${folder} is not a folder any more` };
    if (volume !== undefined && !isOnVolume(folder, volume)) {
      return { kind: 'other-volume', reason: whyElsewhere(folder, volume) };
    }
    if (held === undefined || (now.dev === held.dev && now.ino === held.ino)) return undefined;
    return now.dev === held.dev ? OTHER_FOLDER : OTHER_VOLUME;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const reason = code === 'ENOENT' ? whyAbsent(folder, volume) : `the folder cannot be read: ${wordsOf(error)}`;
    return { kind: 'vanished', reason };
  }
}
