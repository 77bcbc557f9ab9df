import type { Selection } from './rules.ts';

/** A local folder that is synced with a folder of the drive. */
export interface FolderPair extends Selection {
  readonly id: string;
  /** Absolute, all links resolved. */
  readonly folder: string;
  /** The folder of the drive: its path when it was added, and its node. */
  readonly remote: string;
  readonly node: string;
  readonly paused?: boolean | undefined;
}
