import { hexOf, type DigestList } from '../../../vfs/digest-list.ts';
import { BLOCK_SIZE, MAX_SIZE } from '../../../vfs/block.ts';
import type { WireContent } from '../../records.ts';
import { Refusal } from '../refusal.ts';
import { storedBlocksOf } from './block-table.ts';
import type { Transaction } from './transaction.ts';
import { manifestOf, type Content } from './manifest.ts';
import type { SpaceRow } from './schema.ts';
import { readableVersion } from './versions.ts';

/**
 * Checks the content that an intent names: all blocks are stored, sizes match, and the quota has room. Changes nothing.
 * @throws bad_request, too_large, blocks_missing, quota_exceeded, not_found
 */
export async function resolveContent(
  transaction: Transaction,
  space: SpaceRow,
  content: WireContent,
): Promise<Content> {
  if ('from' in content) {
    const row = await readableVersion(await transaction.connection(), transaction.caller.account, content.from);
    const manifest = manifestOf(row.manifest, row.size);
    const digests = manifest.distinct();
    const copied = row.account === space.account;
    // Another account's blocks have been brought over before, as if they had been uploaded.
    if (!copied) await checkBlocks(transaction, space, manifest, digests, row.size);
    return { size: row.size, hash: row.hash, manifest, digests, copied };
  }
  const { size } = content;
  if (size > MAX_SIZE) throw new Refusal('too_large', `a file can have at most ${MAX_SIZE} bytes`);
  const manifest = manifestOf(Buffer.from(content.blocks, 'base64'), size);
  const digests = manifest.distinct();
  await checkBlocks(transaction, space, manifest, digests, size);
  return { size, hash: await manifest.hash(), manifest, digests, copied: false };
}

async function checkBlocks(
  transaction: Transaction,
  space: SpaceRow,
  manifest: DigestList,
  digests: readonly string[],
  size: number,
): Promise<void> {
  const stored = await storedBlocksOf(transaction, space, digests);
  const missing = digests.length - stored.size;
  if (missing > 0) throw new Refusal('blocks_missing', `${missing} of ${digests.length} blocks are not stored`);
  for (const { digest, start, end } of manifest.runs()) {
    const known = stored.get(hexOf(digest))?.size;
    // Only the last block of a file can be shorter, so of a run of equal blocks the first and the last are checked.
    for (const index of start === end - 1 ? [start] : [start, end - 1]) {
      const expected = Math.min(BLOCK_SIZE, size - index * BLOCK_SIZE);
      if (known !== expected) throw new Refusal('bad_request', `block ${index} has the wrong size`);
    }
  }
  let more = 0;
  for (const block of stored.values()) if (block.refs === 0) more += block.size;
  if (more > 0 && more > (await transaction.room(space.account))) {
    throw new Refusal('quota_exceeded', "the account's quota is used up");
  }
}
