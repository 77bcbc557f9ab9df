import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mountPointOf } from './real-place.ts';
import { volumeUuid } from '../libc/volume-uuid.ts';

/** What names a volume wherever it is mounted: the identifier of its file system, or a file that we put there. */
export interface VolumeId {
  readonly kind: 'uuid' | 'marker';
  readonly id: string;
  /** Where it was mounted; unknown of sets of earlier versions. */
  readonly point?: string | undefined;
}

/** The file in a source folder that names its volume, where a person has agreed to that. */
export const MARKER = '.fjord-volume';

/** The volume that a folder is on, by the identifier of its file system. @throws errors of `node:fs` */
export function volumeOf(folder: string): VolumeId | undefined {
  const id = volumeUuid(folder);
  return id === undefined ? undefined : { kind: 'uuid', id, point: mountPointOf(folder) };
}

/** The marker of a folder, made if there is none. @throws errors of `node:fs` */
export function markVolume(folder: string): VolumeId {
  const known = readMarker(folder);
  const id = known ?? randomUUID();
  if (known === undefined) writeFileSync(join(folder, MARKER), `${id}\n`, { flag: 'wx' });
  return { kind: 'marker', id, point: mountPointOf(folder) };
}

/** Why a folder that is there is not on its volume, as far as is known. */
export function whyElsewhere(folder: string, volume: VolumeId): string {
  const { point } = volume;
  if (point === undefined) return `${diskOf(volume)} is not mounted, or another disk is in its place`;
  if (!isMountedAt(folder, point)) return `${diskOf(volume)} is not mounted on ${point}`;
  return `another disk is mounted on ${point}, where ${diskOf(volume)} was`;
}

/** Why a folder is not there, as far as is known. */
export function whyAbsent(folder: string, volume: VolumeId | undefined): string {
  const point = volume?.point;
  if (volume === undefined || point === undefined) return 'the folder is not there: is its disk mounted?';
  if (!isMountedAt(folder, point)) return `the folder is not there: ${diskOf(volume)} is not mounted on ${point}`;
  return 'the folder is not there, though its disk is: was it moved or renamed?';
}

function isMountedAt(folder: string, point: string): boolean {
  return mountPointOf(folder) === point;
}

function diskOf({ kind, id }: VolumeId): string {
  return kind === 'uuid' ? `the disk of the folder (UUID ${dashed(id)})` : 'the disk of the folder';
}

/** As `blkid` and `lsblk` print it. */
function dashed(id: string): string {
  return id.length === 32 ? id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-') : id;
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
