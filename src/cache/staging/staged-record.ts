import { FsError } from '../../vfs/fs-error.ts';
import type { Content } from '../content/content.ts';

/**
 * What LevelDB keeps about a staged file beside its bytes; a file that was new and is not hashed needs none. Its size is
 * that of the file on disk.
 */
export interface StagedRecord {
  /** What its untouched blocks are: the cloud's content, or that of another staged file. */
  readonly base?: Content | ForkedFrom;
  /** Blocks of `base` that may still be untouched; those from here on are in the file, holes being zeros. */
  readonly keep?: number;
  /** Among those the ones that are in the file, base64. */
  readonly own?: string;
  /** The digests of a sealed file, as `DigestList.toBytes` writes them, base64. */
  readonly digests?: string;
  /** Discarded, but others are based on it. */
  readonly hidden?: true;
}

export interface ForkedFrom {
  readonly staged: string;
  readonly size: number;
}

export function isFork(base: Content | ForkedFrom): base is ForkedFrom {
  return 'staged' in base;
}

export function isStagedId(id: string): boolean {
  return /^[\w-]+$/.test(id);
}

export function noStagedFile(id: string): FsError {
  return new FsError('ENOENT', 'open', { subject: id, reason: 'no such staged file' });
}
