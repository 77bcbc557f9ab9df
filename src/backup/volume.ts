import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { volumeUuid } from '../libc/volume-uuid.ts';

/** What names a volume wherever it is mounted: the identifier of its file system, or a file that we put there. */
export interface VolumeId {
  readonly kind: 'uuid' | 'marker';
  readonly id: string;
}

/** The file in a source folder that names its volume, where a person has agreed to that. */
export const MARKER = '.fjord-volume';

/** The volume that a folder is on, by the identifier of its file system. @throws errors of `node:fs` */
export function volumeOf(folder: string): VolumeId | undefined {
  const id = volumeUuid(folder);
  return id === undefined ? undefined : { kind: 'uuid', id };
}

/** The marker of a folder, made if there is none. @throws errors of `node:fs` */
export function markVolume(folder: string): VolumeId {
  const known = readMarker(folder);
  if (known !== undefined) return { kind: 'marker', id: known };
  const id = randomUUID();
  writeFileSync(join(folder, MARKER), `${id}\n`, { flag: 'wx' });
  return { kind: 'marker', id };
}

/** Whether a folder is on that volume now. @throws errors of `node:fs` */
export function isOnVolume(folder: string, { kind, id }: VolumeId): boolean {
  return kind === 'marker' ? readMarker(folder) === id : volumeUuid(folder) === id;
}

function readMarker(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, MARKER), 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
