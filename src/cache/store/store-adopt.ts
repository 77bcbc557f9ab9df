import type { DigestList } from '../../vfs/digest-list.ts';
import { linkSync, mkdirSync, rmSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Bitmap } from '../disk/bitmap.ts';
import { BLOCK_SIZE, blockLength, sameBytes, zeroDigest } from '../../vfs/block.ts';
import { readFullyAsync } from '../disk/file-io.ts';
import type { FilePool } from '../disk/file-pool.ts';
import type { StoredContent } from './stored-content.ts';

/** A sealed file whose content is in the cloud. */
export interface AdoptedFile {
  readonly path: string;
  /** The blocks that are in the file. */
  readonly present: Bitmap;
  readonly digests: DigestList;
}

/**
 * Links a file into the store. The caller removes the old name after the records are written, so a crash in between can
 * leave a file without a record, but never a record without its data. Resolves to the number of bytes by which the
 * store grows.
 */
export async function adoptFile(stored: StoredContent, file: AdoptedFile, pool: FilePool): Promise<number> {
  if (stored.present.isFull || file.present.count === 0) return 0;
  if (stored.present.count > 0 && !file.present.isFull) return merge(stored, file, pool);
  await place(file.path, stored.path);
  const before = stored.bytes;
  stored.replace(file.present, { holes: hasZeros(file.digests) });
  return stored.bytes - before;
}

function hasZeros(digests: DigestList): boolean {
  const zeros = zeroDigest(BLOCK_SIZE);
  for (const { digest } of digests.runs()) if (sameBytes(digest, zeros)) return true;
  return false;
}

/** Links the file, usually with one system call. */
async function place(from: string, to: string): Promise<void> {
  const failure = link(from, to);
  if (failure === undefined) return;
  if (failure === 'EEXIST') rmSync(to, { force: true });
  else mkdirSync(dirname(to), { recursive: true });
  if (link(from, to) === undefined) return;
  // The file system has no hard links. An old file at the target may be open, so it is removed and not overwritten.
  rmSync(to, { force: true });
  await copyFile(from, to);
}

/** Links a file. Returns the error code if that fails. */
function link(from: string, to: string): string | undefined {
  try {
    linkSync(from, to);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'EIO';
  }
}

/** If both are incomplete, adds the file's blocks to those of the store. */
async function merge(stored: StoredContent, { path, present }: AdoptedFile, pool: FilePool): Promise<number> {
  let added = 0;
  const source = pool.borrow(path);
  try {
    for (let index = 0; index < present.length; index++) {
      if (!present.has(index) || stored.present.has(index)) continue;
      const data = Buffer.allocUnsafeSlow(blockLength(stored.size, index));
      if ((await readFullyAsync(source.fd, data, index * BLOCK_SIZE)) < data.length) continue;
      added += (await stored.write(index, data)) ?? 0;
    }
  } finally {
    source.release();
  }
  return added;
}
