import { newId } from '../../../vfs/ids.ts';
import { KEPT_VERSIONS } from '../../http/wire.ts';
import { Refusal } from '../refusal.ts';
import { isAccessible } from './access.ts';
import { addReferences, dropReferences } from './block-table.ts';
import type { Transaction } from './transaction.ts';
import { manifestOf, type Content } from './manifest.ts';
import type { Db, NodeRow, SpaceRow, VersionRow } from './schema.ts';
import { countBlocks } from './space-blocks.ts';
import { leastMissed } from './thinning.ts';

/** Versions read at once. */
const PAGE = 500;

/** A binary column as `Uint8Array`, whatever type the driver returns. */
export function asBytes(value: Uint8Array | ArrayBuffer): Uint8Array {
  return value instanceof ArrayBuffer ? new Uint8Array(value) : value;
}

/**
 * A version that the account may read, because its node is in a space that it can access and not purged; with the account
 * that stores it. @throws not_found
 */
export async function readableVersion(
  db: Db,
  account: string,
  id: string,
): Promise<VersionRow & { readonly account: string }> {
  const row = await db
    .selectFrom('versions')
    .innerJoin('nodes', 'nodes.id', 'versions.node')
    .innerJoin('spaces', 'spaces.id', 'nodes.space')
    .selectAll('versions')
    .select('spaces.account')
    .where('versions.id', '=', id)
    .where((eb) => isAccessible(eb, account))
    .where('nodes.purged', '=', 0)
    .executeTakeFirst();
  if (row === undefined) throw new Refusal('not_found', 'there is no such version');
  return { ...row, manifest: asBytes(row.manifest) };
}

/** The size of a version's content and of its manifest, in bytes. */
export interface Extent {
  readonly size: number;
  readonly manifest: number;
  /** The account that stores it. */
  readonly account: string;
}

/** The extents of those versions that the account may read. */
export async function readableExtents(db: Db, account: string, ids: readonly string[]): Promise<Map<string, Extent>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom('versions')
    .innerJoin('nodes', 'nodes.id', 'versions.node')
    .innerJoin('spaces', 'spaces.id', 'nodes.space')
    .select(['versions.id', 'versions.size', 'spaces.account'])
    .select((eb) => eb.fn<number>('length', ['versions.manifest']).as('manifest'))
    .where('versions.id', 'in', ids)
    .where((eb) => isAccessible(eb, account))
    .where('nodes.purged', '=', 0)
    .execute();
  return new Map(rows.map(({ id, ...extent }) => [id, extent]));
}

/** A byte range of a version's manifest. The caller must have checked that it may be read. @throws not_found */
export async function readManifest(db: Db, id: string, start: number, length: number): Promise<Uint8Array> {
  const row = await db
    .selectFrom('versions')
    .select((eb) =>
      eb
        .fn<Uint8Array>('substr', [
          'manifest',
          eb.cast(eb.val(start + 1), 'integer'),
          eb.cast(eb.val(length), 'integer'),
        ])
        .as('part'),
    )
    .where('id', '=', id)
    .executeTakeFirst();
  if (row === undefined) throw new Refusal('not_found', 'there is no such version');
  return asBytes(row.part);
}

/** Newest first, without manifests. */
export async function versionsOf(db: Db, node: string): Promise<Omit<VersionRow, 'manifest'>[]> {
  return await db
    .selectFrom('versions')
    .select(['id', 'node', 'rank', 'size', 'hash', 'mtime', 'created', 'since', 'until', 'device'])
    .where('node', '=', node)
    .orderBy('rank', 'desc')
    .execute();
}

/** @throws bad_request if the id is taken */
export async function checkNewVersion(transaction: Transaction, id: string): Promise<void> {
  const known = transaction.prefetch.hasVersion(id);
  const taken = known ?? (await isVersion(await transaction.connection(), id));
  if (taken) throw new Refusal('bad_request', 'a version with this id already exists');
}

async function isVersion(db: Db, id: string): Promise<boolean> {
  const row = await db.selectFrom('versions').select('id').where('id', '=', id).executeTakeFirst();
  return row !== undefined;
}

export interface NewVersion {
  readonly id: string;
  readonly node: string;
  readonly rank: number;
  readonly mtime: number;
}

export async function addVersion(
  transaction: Transaction,
  space: SpaceRow,
  version: NewVersion,
  content: Content,
): Promise<void> {
  await addReferences(transaction, space, content);
  const { size, hash } = content;
  const manifest = content.manifest.toBytes();
  const { now: created, caller } = transaction;
  await transaction.insertVersion({
    size,
    hash,
    manifest,
    created,
    since: created,
    until: null,
    device: caller.device,
    ...version,
  });
}

/** Gives the versions of one node to another that has taken its place, as its older ones; copies that both have are kept once. */
export async function inheritVersions(
  transaction: Transaction,
  space: SpaceRow,
  from: NodeRow,
  to: NodeRow,
): Promise<void> {
  await supersede(transaction, from.version);
  const db = await transaction.connection();
  const own = new Map((await versionsOf(db, to.id)).map((version) => [commitOf(version), version.id]));
  const twice = (await versionsOf(db, from.id)).flatMap((version) => {
    const other = own.get(commitOf(version));
    if (other === undefined) return [];
    // Others may still refer to what was the current version of one of them.
    return other === to.version ? [version.id] : [other];
  });
  await dropVersions(transaction, space, twice);
  await (
    await transaction.connection()
  )
    .updateTable('versions')
    .set({ node: to.id })
    .where('node', '=', from.id)
    .execute();
}

/**
 * Copies the versions of the file that had a new file's name a moment ago, as older ones; it keeps its own. Does nothing if
 * there is no such file any more, or if the new one has older versions.
 */
export async function copyVersions(
  transaction: Transaction,
  space: SpaceRow,
  predecessor: string,
  to: NodeRow,
): Promise<void> {
  const from = await transaction.node(predecessor, space);
  if (space.kind === 'archive' || from === undefined || from.kind !== 'file' || from.purged !== 0) return;
  if (to.kind !== 'file' || to.version === null || from.id === to.id) return;
  const db = await transaction.connection();
  if ((await versionsOf(db, to.id)).length > 1) return;
  await makeNewest(transaction, to, to.version);
  const versions = await db.selectFrom('versions').selectAll().where('node', '=', from.id).execute();
  for (const version of versions) {
    const { size, hash } = version;
    const bytes = asBytes(version.manifest);
    const manifest = manifestOf(bytes, size);
    await addReferences(transaction, space, { size, hash, manifest, digests: manifest.distinct(), copied: true });
    const until = version.until ?? transaction.now;
    await transaction.insertVersion({ ...version, id: newId(transaction.now), node: to.id, manifest: bytes, until });
  }
  await thinVersions(transaction, space, to.id);
}

/** Names the commit that has made a version, of which there may be copies. */
function commitOf({ hash, created }: Pick<VersionRow, 'hash' | 'created'>): string {
  return `${created} ${hash}`;
}

/** Makes a version the newest of its node, by giving it the node's revision as its rank. */
export async function makeNewest(transaction: Transaction, { rev }: NodeRow, version: string): Promise<void> {
  const db = await transaction.connection();
  await db
    .updateTable('versions')
    .set({ rank: rev, since: transaction.now, until: null })
    .where('id', '=', version)
    .execute();
}

/** Records that a version is no longer the current one. */
export async function supersede(transaction: Transaction, version: string | null): Promise<void> {
  if (version === null) return;
  const db = await transaction.connection();
  await db.updateTable('versions').set({ until: transaction.now }).where('id', '=', version).execute();
}

/** Drops versions until only the permitted number is left. In the Archive all are kept. */
export async function thinVersions(transaction: Transaction, space: SpaceRow, node: string): Promise<void> {
  if (space.kind === 'archive') return;
  const kept = await versionsOf(await transaction.connection(), node);
  while (kept.length > KEPT_VERSIONS) {
    const gone = kept.splice(leastMissed(kept, transaction.now), 1);
    await dropVersions(
      transaction,
      space,
      gone.map(({ id }) => id),
    );
  }
}

/** Deletes versions permanently. Blocks that no other version contains become collectable. */
export async function dropVersions(transaction: Transaction, space: SpaceRow, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    transaction.prefetch.tellVersion(id, false);
    const row = await (
      await transaction.connection()
    )
      .deleteFrom('versions')
      .where('id', '=', id)
      .returning(['manifest', 'size'])
      .executeTakeFirst();
    if (row !== undefined)
      await dropReferences(transaction, space, manifestOf(asBytes(row.manifest), row.size).distinct());
  }
}

/** Counts the blocks of all versions that a shared space has got with its first nodes. */
export async function countSpaceVersions(transaction: Transaction, space: SpaceRow): Promise<void> {
  const db = await transaction.connection();
  let last = '';
  for (;;) {
    const rows = await versionsAfter(db, space, last);
    for (const { manifest, size } of rows) {
      const digests = manifestOf(asBytes(manifest), size).distinct();
      await countBlocks(db, space.id, digests, 1, transaction.now);
    }
    last = rows.at(-1)?.id ?? '';
    if (last === '') return;
  }
}

async function versionsAfter(db: Db, { id }: SpaceRow, after: string) {
  const query = db
    .selectFrom('versions')
    .innerJoin('nodes', 'nodes.id', 'versions.node')
    .select(['versions.id', 'versions.size', 'versions.manifest'])
    .where('nodes.space', '=', id)
    .where('versions.id', '>', after);
  return await query.orderBy('versions.id').limit(PAGE).execute();
}
