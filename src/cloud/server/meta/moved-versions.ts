import { Refusal } from '../refusal.ts';
import { addReferences, dropReferences } from './block-table.ts';
import { inChunks } from './chunks.ts';
import type { Transaction } from './transaction.ts';
import { manifestOf, type Content } from './manifest.ts';
import type { Db, SpaceRow } from './schema.ts';
import { storedBlocks } from './stored-blocks.ts';
import { asBytes } from './versions.ts';

/** Files whose versions are read at once. */
const STEP = 100;

/** The contents of all versions of files. */
export async function* contentsOf(db: Db, files: readonly string[]): AsyncGenerator<Content> {
  for (let start = 0; start < files.length; start += STEP) {
    const some = files.slice(start, start + STEP);
    const rows = await db
      .selectFrom('versions')
      .select(['size', 'hash', 'manifest'])
      .where('node', 'in', some)
      .orderBy('id')
      .execute();
    for (const { size, hash, manifest } of rows) {
      const list = manifestOf(asBytes(manifest), size);
      yield { size, hash, manifest: list, digests: list.distinct(), copied: true };
    }
  }
}

/**
 * That the account of a space to which files move has all their blocks: they have been brought over before, see `BlockCarrier`.
 * @throws blocks_missing, quota_exceeded
 */
export async function checkMovable(
  transaction: Transaction,
  from: SpaceRow,
  to: SpaceRow,
  files: readonly string[],
): Promise<void> {
  if (from.account === to.account) return;
  const db = await transaction.connection();
  const more = new Map<string, number>();
  for await (const { digests, size } of contentsOf(db, files)) {
    const stored = await storedBlocks(db, to.account, digests);
    if (stored.size < digests.length) {
      if (size > (await transaction.room(to.account)))
        throw new Refusal('quota_exceeded', 'the account has no room for this');
      throw new Refusal('blocks_missing', 'the content has not been brought over yet');
    }
    for (const block of stored.values()) if (block.refs === 0) more.set(block.digest, block.size);
  }
  const bytes = [...more.values()].reduce((sum, size) => sum + size, 0);
  if (bytes > 0 && bytes > (await transaction.room(to.account))) {
    throw new Refusal('quota_exceeded', 'the account has no room for this');
  }
}

/** The versions of files are counted to another space, and its account, from then on. */
export async function moveVersions(
  transaction: Transaction,
  from: SpaceRow,
  to: SpaceRow,
  files: readonly string[],
): Promise<void> {
  for await (const content of contentsOf(await transaction.connection(), files)) {
    await addReferences(transaction, to, content);
    await dropReferences(transaction, from, content.digests);
  }
}

/** Those of the digests that an account has not stored. */
export async function lackedBlocks(db: Db, account: string, digests: readonly string[]): Promise<string[]> {
  const lacked: string[] = [];
  for (const chunk of inChunks(digests)) {
    const stored = await storedBlocks(db, account, chunk);
    lacked.push(...chunk.filter((digest) => !stored.has(digest)));
  }
  return lacked;
}
