import { FsError } from '../../vfs/fs-error.ts';
import type { Content } from '../content/content.ts';

/**
 * The record of a staged file in LevelDB. A file that was created empty and is not hashed needs none. Its size is that
 * of the file on the disk.
 */
export interface StagedRecord {
  /** The source of unchanged blocks: content in the cloud, or another staged file. */
  readonly base?: Content | ForkedFrom;
  /** Number of blocks of `base` that may be unchanged. Later ones are in the file, where holes are zeros. */
  readonly keep?: number;
  /** The blocks among those that are in the file, base64. */
  readonly own?: string;
  /** The digests of a sealed file, as `DigestList.toBytes` writes them, base64. */
  readonly digests?: string;
  /** Whether it is discarded, but kept because other files are based on it. */
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
  return new FsError('ENOENT', 'open', { subject: id, reason: 'there is no such staged file' });
}
