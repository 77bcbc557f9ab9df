import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { BLOCK_SIZE, digestOf } from '../../vfs/block.ts';

/** The hash of a file's content as the cloud computes it, see `contentHash`; undefined if it is no file. @throws errors of node:fs */
export async function localHash(path: string | Buffer, signal: AbortSignal): Promise<string | undefined> {
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const file = await open(path, flags);
  try {
    const { size } = await file.stat();
    if (!(await file.stat()).isFile()) return undefined;
    const hash = createHash('sha256');
    const buffer = Buffer.allocUnsafeSlow(Math.min(Math.max(size, 1), BLOCK_SIZE));
    for (let position = 0; ;) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, buffer.length, position);
      if (bytesRead === 0) return hash.digest('hex');
      hash.update(await digestOf(buffer.subarray(0, bytesRead)));
      position += bytesRead;
    }
  } finally {
    await file.close();
  }
}
