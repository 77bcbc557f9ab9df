/**
 * Why a mirror was left as it is:
 * - `vanished`: the source is not there, or cannot be read
 * - `other-volume`: another folder, on another disk, has its place
 * - `emptied`: it is empty, and was not
 * - `mass-removal`, `mass-change`: more than half of its files are gone, or different, at once
 */
export type HaltKind = 'vanished' | 'other-volume' | 'emptied' | 'mass-removal' | 'mass-change';

export interface Halt {
  readonly kind: HaltKind;
  /** For a person. */
  readonly reason: string;
}

export const EMPTIED: Halt = {
  kind: 'emptied',
  reason: 'the folder is empty, but its mirror is not: is its disk mounted?',
};

export const OTHER_VOLUME: Halt = {
  kind: 'other-volume',
  reason: 'the folder is on another disk than it was: its own is not mounted, or another disk is in its place',
};

/** The next run looks at what is there then. */
export const OTHER_FOLDER: Halt = {
  kind: 'vanished',
  reason: 'another folder has taken the place of the one that was being read',
};

/** Whether a person has to decide. The others end when the disk is mounted, or when a person says that it is the right one. */
export function isMass({ kind }: Halt): boolean {
  return kind === 'mass-removal' || kind === 'mass-change';
}
