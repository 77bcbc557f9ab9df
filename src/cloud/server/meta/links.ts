import { createHash, randomBytes } from 'node:crypto';
import { newId } from '../../../vfs/ids.ts';
import type { LinkRecord } from '../../records.ts';
import { Refusal } from '../refusal.ts';
import { memberRole } from './access.ts';
import { liveNode, type Transaction } from './transaction.ts';
import { findNode } from './history.ts';
import type { Db, LinkRow, NodeRow, SpaceRow } from './schema.ts';
import { contentFolder } from './tree.ts';

/** Bytes of a token: 128 random bits cannot be guessed. */
const TOKEN = 16;

export interface LinkOptions {
  readonly node: string;
  readonly upload: boolean;
  /** PHC string. */
  readonly password: string | null;
  readonly expires: number | null;
}

/** What a link opens. */
export interface LinkTarget {
  readonly link: LinkRow;
  readonly node: NodeRow;
  /** Of a folder: what its children hang on. */
  readonly folder: { readonly space: string; readonly id: string } | undefined;
}

/** Links a file or folder of Sync that the caller may change. @throws not_found, gone, forbidden, bad_request, not_a_folder */
export async function makeLink(
  transaction: Transaction,
  { node: id, upload, password, expires }: LinkOptions,
): Promise<LinkRecord> {
  if (expires !== null && expires <= transaction.now)
    throw new Refusal('bad_request', 'the link would have ended already');
  const { account } = transaction.caller;
  const { space: home } = await findNode(await transaction.connection(), account, id);
  const space = await transaction.space(home);
  const node = await liveNode(transaction, space, id);
  checkLinkable(space, node, upload);
  if (
    transaction.roleIn(space) === 'viewer' ||
    (await isViewerOf(await transaction.connection(), account, node.mount))
  ) {
    throw new Refusal('forbidden', 'this account may only read the shared folder, and not link to it');
  }
  const token = randomBytes(TOKEN).toString('base64url');
  const options = { account, node: id, upload: upload ? 1 : 0, password, expires } as const;
  const row: LinkRow = { id: newId(transaction.now), hash: hashOf(token), token, created: transaction.now, ...options };
  const db = await transaction.connection();
  await db.insertInto('links').values(row).execute();
  return await linkRecord(db, row, node);
}

function checkLinkable(space: SpaceRow, node: NodeRow, upload: boolean): void {
  if (space.kind !== 'sync' && space.kind !== 'shared')
    throw new Refusal('forbidden', 'only files and folders of Sync can be linked');
  if (node.kind === 'symlink') throw new Refusal('bad_request', 'a symlink cannot be linked; link what it leads to');
  if (!upload) return;
  if (node.kind !== 'folder') throw new Refusal('not_a_folder', 'only a folder can take files');
  if (space.kind !== 'sync' || node.mount !== null)
    throw new Refusal('forbidden', 'a shared folder takes no files from strangers; use a folder of your own');
}

/** The links that the account has made, and those of others into folders that it shares. The newest first. */
export async function listLinks(db: Db, account: string, now: number): Promise<LinkRecord[]> {
  const rows = await db
    .selectFrom('links')
    .innerJoin('nodes', 'nodes.id', 'links.node')
    .innerJoin('spaces', 'spaces.id', 'nodes.space')
    .selectAll('links')
    .where((eb) => eb.or([eb('links.account', '=', account), eb('spaces.account', '=', account)]))
    .where((eb) => eb.or([eb('links.expires', 'is', null), eb('links.expires', '>', now)]))
    .orderBy('links.created', 'desc')
    .orderBy('links.id', 'desc')
    .execute();
  const records: LinkRecord[] = [];
  for (const row of rows) {
    const node = await db.selectFrom('nodes').selectAll().where('id', '=', row.node).executeTakeFirst();
    if (node !== undefined) records.push(await linkRecord(db, row, node));
  }
  return records;
}

/** Ends a link of the account, or of another one into a folder that it shares. @throws not_found */
export async function removeLink(db: Db, account: string, id: string): Promise<void> {
  const gone = await db
    .deleteFrom('links')
    .where('id', '=', id)
    .where((eb) =>
      eb.or([
        eb('account', '=', account),
        eb.exists(
          eb
            .selectFrom('nodes')
            .innerJoin('spaces', 'spaces.id', 'nodes.space')
            .select('nodes.id')
            .whereRef('nodes.id', '=', 'links.node')
            .where('spaces.account', '=', account),
        ),
      ]),
    )
    .returning('id')
    .executeTakeFirst();
  if (gone === undefined) throw new Refusal('not_found', 'there is no such link');
}

/** What the holder of a token may open now. @throws not_found, whatever the reason is */
export async function openLink(db: Db, token: string, now: number): Promise<LinkTarget> {
  const link = await db.selectFrom('links').selectAll().where('hash', '=', hashOf(token)).executeTakeFirst();
  const target = link === undefined || isOver(link, now) ? undefined : await targetOf(db, link);
  if (target === undefined) throw noLink();
  return target;
}

/** Whether a link still takes files; to be asked in the transaction that adds one. @throws not_found */
export async function checkStillTaking(db: Db, { id }: LinkRow, now: number): Promise<void> {
  const link = await db.selectFrom('links').selectAll().where('id', '=', id).executeTakeFirst();
  if (link === undefined || isOver(link, now) || (await targetOf(db, link)) === undefined) throw noLink();
}

export function noLink(): Refusal {
  return new Refusal('not_found', 'there is no such link; it may have expired or been removed');
}

/** A node that a link to a folder shows: below the folder, live, and nothing that another one shares. @throws not_found */
export async function nodeBelow(db: Db, { link, folder }: LinkTarget, id: string): Promise<NodeRow> {
  if (folder === undefined || link.upload === 1) throw noNode();
  const find = async (id: string) =>
    await db.selectFrom('nodes').selectAll().where('id', '=', id).where('space', '=', folder.space).executeTakeFirst();
  const node = await find(id);
  if (node === undefined || node.mount !== null) throw noNode();
  for (let at: NodeRow | undefined = node; at?.removed === null; at = await find(at.parent)) {
    if (at.parent === folder.id) return node;
  }
  throw noNode();
}

/** Forgets links that have ended, and those of which the node is gone for good. */
export async function forgetLinks(db: Db, now: number): Promise<void> {
  await db.deleteFrom('links').where('expires', '<=', now).execute();
  await db
    .deleteFrom('links')
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('nodes')
            .select('nodes.id')
            .whereRef('nodes.id', '=', 'links.node')
            .where((node) => node('nodes.purged', '=', 0)),
        ),
      ),
    )
    .execute();
}

/** `undefined` if the node is not there, or its maker may not link it any more. */
async function targetOf(db: Db, link: LinkRow): Promise<LinkTarget | undefined> {
  const { account } = link;
  try {
    const node = await findNode(db, account, link.node);
    const space = await db.selectFrom('spaces').selectAll().where('id', '=', node.space).executeTakeFirstOrThrow();
    if (space.removed !== null || !(await isInLiveFolder(db, node, space.root))) return undefined;
    checkLinkable(space, node, link.upload === 1);
    if (space.account !== account && (await memberRole(db, space.id, account)) !== 'editor') return undefined;
    if (await isViewerOf(db, account, node.mount)) return undefined;
    return { link, node, folder: node.kind === 'folder' ? await contentFolder(db, account, node) : undefined };
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

async function isInLiveFolder(db: Db, node: NodeRow, root: string): Promise<boolean> {
  for (let at: NodeRow | undefined = node; at?.removed === null;) {
    if (at.parent === root) return true;
    at = await db.selectFrom('nodes').selectAll().where('id', '=', at.parent).executeTakeFirst();
  }
  return false;
}

/** Whether a folder has a shared space under it, of which the account is only a viewer. */
async function isViewerOf(db: Db, account: string, space: string | null): Promise<boolean> {
  return space !== null && (await memberRole(db, space, account)) === 'viewer';
}

async function linkRecord(db: Db, row: LinkRow, node: NodeRow): Promise<LinkRecord> {
  const { id, token, account, created, expires } = row;
  const maker = db.selectFrom('accounts').select('email').where('id', '=', account);
  return {
    id,
    token,
    node: node.id,
    name: node.name,
    kind: node.kind === 'folder' ? 'folder' : 'file',
    upload: row.upload === 1,
    password: row.password !== null,
    by: (await maker.executeTakeFirstOrThrow()).email,
    created,
    ...(expires === null ? {} : { expires }),
    active: (await targetOf(db, row)) !== undefined,
  };
}

function isOver({ expires }: LinkRow, now: number): boolean {
  return expires !== null && expires <= now;
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

function noNode(): Refusal {
  return new Refusal('not_found', 'there is nothing of this address in the linked folder');
}
