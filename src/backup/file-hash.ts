import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { BLOCK_SIZE } from '../vfs/block.ts';
import type { SourcePath } from './source-paths.ts';

/**
 * The hash of a file's content as the cloud computes it, see `contentHash`; undefined if it is no file. Waits for the disk, so it is
 * called on a thread of the source. @throws errors of node:fs
 */
export function hashOfFile(path: SourcePath): string | undefined {
  const fd = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  try {
    if (!fstatSync(fd).isFile()) return undefined;
    const hash = createHash('sha256');
    const block = Buffer.allocUnsafeSlow(BLOCK_SIZE);
    for (let position = 0; ;) {
      const length = fill(fd, block, position);
      if (length > 0) hash.update(createHash('sha256').update(block.subarray(0, length)).digest());
      if (length < BLOCK_SIZE) return hash.digest('hex');
      position += length;
    }
  } finally {
    closeSync(fd);
  }
}

/** @returns how many bytes; fewer than the buffer has at the end of the file only */
function fill(fd: number, buffer: Buffer, position: number): number {
  let filled = 0;
  while (filled < buffer.length) {
    const count = readSync(fd, buffer, filled, buffer.length - filled, position + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled;
}
