import { createHash } from 'node:crypto';
import { MAX_BATCH_BYTES } from '../../limits.ts';
import type { DeviceCaller } from '../http/auth.ts';
import { touchBlocks } from '../meta/block-table.ts';
import { countBlocks, knownBlocks } from '../meta/space-blocks.ts';
import { findSpace } from '../meta/spaces.ts';
import { memberRole } from '../meta/access.ts';
import type { Db, SpaceRow } from '../meta/schema.ts';
import { Refusal } from '../refusal.ts';
import type { Block } from './block-store.ts';
import type { Uploads } from './uploads.ts';

/**
 * Those of the blocks that need not be sent, kept for another grace period: those of the caller's account and, for a
 * shared space, those that are known there. What its owner stores elsewhere is not among them. @throws not_found
 */
export async function presentBlocks(
  db: Db,
  caller: DeviceCaller,
  space: string | undefined,
  digests: readonly string[],
  now: number,
): Promise<Set<string>> {
  const present = await touchBlocks(db, caller, digests, now);
  const foreign = await foreignSpace(db, caller, space);
  if (foreign === undefined) return present;
  const known = [...(await knownBlocks(db, foreign.id, digests))];
  const owner = { account: foreign.account, device: caller.device };
  for (const digest of await touchBlocks(db, owner, known, now)) present.add(digest);
  return present;
}

export interface AcceptParts {
  readonly db: Db;
  readonly uploads: Uploads;
  readonly now: () => number;
}

/**
 * Stores blocks for a space, in the account that owns it; returns how many.
 * @throws not_found, forbidden, digest_mismatch, quota_exceeded
 */
export async function acceptBlocks(
  { db, uploads, now }: AcceptParts,
  caller: DeviceCaller,
  space: string | undefined,
  blocks: AsyncIterable<Block>,
): Promise<number> {
  const foreign = await foreignSpace(db, caller, space);
  if (foreign === undefined) return await uploads.accept(caller, blocks);
  if ((await memberRole(db, foreign.id, caller.account)) === 'viewer') {
    throw new Refusal('forbidden', 'the folder is shared with this account for reading only');
  }
  const digests = new Set<string>();
  const room = await roomOf(db, foreign.account);
  const verified = verify(blocks, async (block) => {
    digests.add(block.digest);
    if (room < MAX_BATCH_BYTES) await checkRoom(db, foreign, digests, block.data.length, room);
  });
  const count = await uploads.accept({ account: foreign.account, device: caller.device }, verified);
  await countBlocks(db, foreign.id, [...digests], 0, now());
  return count;
}

/**
 * An account's own store ignores the bytes of a block that it has. Here the sender must prove that it has them: a digest alone
 * would make known in the space what the owner stores elsewhere.
 */
async function* verify(blocks: AsyncIterable<Block>, seen: (block: Block) => Promise<void>): AsyncGenerator<Block> {
  for await (const block of blocks) {
    const digest = createHash('sha256').update(block.data).digest('hex');
    if (digest !== block.digest) throw new Refusal('digest_mismatch', 'the bytes do not match their digest');
    await seen(block);
    yield block;
  }
}

/** What the owner stores elsewhere does not make room, or its fullness would tell what that is. */
async function checkRoom(
  db: Db,
  { id }: SpaceRow,
  digests: ReadonlySet<string>,
  bytes: number,
  room: number,
): Promise<void> {
  const known = await knownBlocks(db, id, [...digests]);
  if (known.size < digests.size && bytes > room) {
    throw new Refusal('quota_exceeded', 'the account of the owner has no room for this');
  }
}

async function roomOf(db: Db, account: string): Promise<number> {
  const query = db.selectFrom('accounts').select(['quota', 'used']).where('id', '=', account);
  const { quota, used } = await query.executeTakeFirstOrThrow();
  return quota - used;
}

async function foreignSpace(db: Db, caller: DeviceCaller, id: string | undefined): Promise<SpaceRow | undefined> {
  if (id === undefined) return undefined;
  const space = await findSpace(db, caller.account, id);
  return space.account === caller.account ? undefined : space;
}
