import type { Halt } from '../halt.ts';
import type { VolumeId } from '../volume.ts';

/** A folder that is mirrored, as it is kept from one start of the program to the next. */
export interface BackupSet {
  /** Its name under /Backup/<device>. */
  readonly name: string;
  /** The source, an absolute path. */
  readonly folder: string;
  /** As a person wrote it; `continuous` if absent. */
  readonly schedule?: string | undefined;
  /** Patterns as in `.gitignore`. */
  readonly exclude?: readonly string[] | undefined;
  readonly oneFileSystem?: boolean | undefined;
  /** The volume that the folder was on when it was added; absent if it cannot be told from others. */
  readonly volume?: VolumeId | undefined;
  /** Its space in the cloud, once a run has opened it. */
  readonly space?: string | undefined;
  /** A person has paused it, up to a time or for good. */
  readonly paused?: { readonly until?: number | undefined } | undefined;
  /** It waits for a person. */
  readonly halt?: Halt | undefined;
  /** When it was chosen, ms; absent from sets of earlier versions. */
  readonly added?: number | undefined;
  /** A command or a URL for failures; the general one if absent. */
  readonly onFailure?: string | undefined;
  /** Of the last complete run of the whole folder: when it began and when all was in the cloud, ms. */
  readonly started?: number | undefined;
  readonly finished?: number | undefined;
  /** When the mirror was last compared with the folder, ms, and how much damage was found. */
  readonly verified?: { readonly at: number; readonly damaged: number } | undefined;
  /** Files and folders that the last runs could not take. */
  readonly problems?: number | undefined;
}
