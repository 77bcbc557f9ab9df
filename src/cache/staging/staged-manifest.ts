import type { Context } from '../../vfs/context.ts';
import { FsError, asFsError } from '../../vfs/fs-error.ts';
import { BLOCK_SIZE, DIGEST_SIZE, blockCount, blockLength, digestAt, digestOf } from '../../vfs/block.ts';
import type { CowFile } from './cow-file.ts';
import type { PassingDigests } from './passing-digests.ts';

/** Blocks read and hashed at a time: one reads while another hashes. */
const LANES = 3;

/**
 * The raw digests of a file that is not written any more: known ones are taken over, untouched blocks have those of the
 * base, the rest is read and hashed off the event loop.
 * @throws EINTR; what the base throws; EIO
 */
export async function buildDigests(file: CowFile, passing: PassingDigests, context: Context): Promise<Uint8Array> {
  const count = blockCount(file.size);
  const digests = new Uint8Array(count * DIGEST_SIZE);
  const unknown: number[] = [];
  const based: number[] = [];
  for (let index = 0; index < count; index++) {
    const known = passing.get(index);
    if (!file.isHere(index)) based.push(index);
    else if (known === undefined) unknown.push(index);
    else digests.set(known, index * DIGEST_SIZE);
  }
  if (based.length > 0 && file.base !== undefined) {
    const all = await file.base.digests(context);
    for (const index of based) digests.set(digestAt(all, index), index * DIGEST_SIZE);
  }
  await Promise.all(
    Array.from({ length: Math.min(LANES, unknown.length) }, () => hash(file, unknown, digests, context)),
  );
  return digests;
}

async function hash(file: CowFile, unknown: number[], digests: Uint8Array, { signal }: Context): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(BLOCK_SIZE, file.size));
  for (let index = unknown.shift(); index !== undefined; index = unknown.shift()) {
    if (signal.aborted) throw asFsError(signal.reason, 'read');
    const data = buffer.subarray(0, blockLength(file.size, index));
    if ((await file.readRaw(data, index * BLOCK_SIZE)) < data.length) {
      throw new FsError('EIO', 'read', { reason: 'the staged file is shorter than it was' });
    }
    digests.set(await digestOf(data), index * DIGEST_SIZE);
  }
}
