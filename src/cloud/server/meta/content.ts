import { createHash } from 'node:crypto';
import { BLOCK_SIZE, DIGEST_SIZE } from '../../../vfs/block.ts';
import type { WireContent } from '../../http/wire.ts';
import { Refusal } from '../refusal.ts';
import { storedBlocksOf } from './block-table.ts';
import type { Edit } from './edit.ts';
import { distinct, splitManifest, type Content } from './manifest.ts';
import { readableVersion } from './versions.ts';

/**
 * The content that an intent names, checked: all blocks stored, sizes right, room in the quota. Changes nothing.
 * @throws bad_request, blocks_missing, quota_exceeded, not_found
 */
export async function resolveContent(edit: Edit, content: WireContent): Promise<Content> {
  if ('from' in content) {
    const { size, hash, manifest } = await readableVersion(await edit.connection(), edit.caller.account, content.from);
    return { size, hash, manifest, digests: distinct(splitManifest(manifest)) };
  }
  const manifest = Buffer.from(content.blocks, 'base64');
  const list = splitManifest(manifest);
  if (manifest.length !== Math.ceil(content.size / BLOCK_SIZE) * DIGEST_SIZE) {
    throw new Refusal('bad_request', 'the number of blocks does not fit the size');
  }
  const digests = distinct(list);
  await checkBlocks(edit, list, digests, content.size);
  return { size: content.size, hash: createHash('sha256').update(manifest).digest('hex'), manifest, digests };
}

async function checkBlocks(
  edit: Edit,
  list: readonly string[],
  digests: readonly string[],
  size: number,
): Promise<void> {
  const stored = await storedBlocksOf(edit, digests);
  const missing = digests.length - stored.size;
  if (missing > 0) throw new Refusal('blocks_missing', `${missing} of ${digests.length} blocks are not stored`);
  for (const [index, digest] of list.entries()) {
    const expected = Math.min(BLOCK_SIZE, size - index * BLOCK_SIZE);
    if (stored.get(digest)?.size !== expected) throw new Refusal('bad_request', `block ${index} has the wrong size`);
  }
  let more = 0;
  for (const block of stored.values()) if (block.refs === 0) more += block.size;
  if (more > 0 && more > (await edit.room())) throw new Refusal('quota_exceeded', 'the account has no room for this');
}
