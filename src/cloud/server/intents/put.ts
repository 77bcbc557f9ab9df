import type { Static } from 'typebox';
import type { PutSchema } from '../../http/wire.ts';
import { Refusal } from '../refusal.ts';
import { resolveContent } from '../meta/content.ts';
import { liveNode, type NewNode, type Transaction } from '../meta/transaction.ts';
import { packPosix } from '../meta/posix.ts';
import { nodeRecord } from '../meta/records.ts';
import { replaceNode } from '../meta/removal.ts';
import { mayAdd, mayChange } from '../meta/rights.ts';
import type { NodeRow, SpaceRow } from '../meta/schema.ts';
import {
  addVersion,
  checkNewVersion,
  copyVersions,
  inheritVersions,
  supersede,
  thinVersions,
} from '../meta/versions.ts';
import { packXattrs } from '../meta/xattrs.ts';
import { checkReplaceable, claimId, claimPlace } from './place.ts';

type Put = Static<typeof PutSchema>;

export async function put(transaction: Transaction, space: SpaceRow, intent: Put): Promise<NodeRow> {
  return await (intent.base === null ? create(transaction, space, intent) : succeed(transaction, space, intent));
}

async function create(transaction: Transaction, space: SpaceRow, intent: Put): Promise<NodeRow> {
  const { node: id, mtime } = intent;
  mayAdd(space, transaction);
  if (intent.replace !== undefined) mayChange(space, transaction);
  const replaced = await claimPlace(transaction, space, intent, [intent.replace]);
  if (replaced !== undefined) await checkReplaceable(transaction, 'file', replaced, intent.replaceBase);
  await claimId(transaction, space, id);
  await checkNewVersion(transaction, intent.version);
  const content = await resolveContent(transaction, space, intent.content);
  const node = fileOf(intent, content);
  if (replaced !== undefined) await replaceNode(transaction, space, replaced);
  const row = await transaction.insert(space, node);
  transaction.count(space, node.size, 1);
  await addVersion(transaction, space, { id: intent.version, node: id, rank: row.rev, mtime }, content);
  if (replaced !== undefined) await inheritVersions(transaction, space, replaced, row);
  if (replaced !== undefined) await thinVersions(transaction, space, id);
  else if (intent.predecessor !== undefined) await copyVersions(transaction, space, intent.predecessor, row);
  return row;
}

/** The new file as the intent describes it. @throws too_large */
export function fileOf(intent: Put, { size, hash }: { readonly size: number; readonly hash: string }): NewNode {
  const { node: id, space, parent, name, mode, mtime, birthtime, version } = intent;
  const [xattrs, posix] = [packXattrs(intent.xattrs), packPosix(intent.posix)];
  const target = null;
  return { id, space, parent, name, kind: 'file', mode, mtime, birthtime, size, hash, version, target, xattrs, posix };
}

async function succeed(transaction: Transaction, space: SpaceRow, intent: Put): Promise<NodeRow> {
  const { mode, mtime, birthtime, version } = intent;
  mayAdd(space, transaction);
  const node = await liveNode(transaction, space, intent.node);
  if (node.kind !== 'file' || node.version !== intent.base) {
    throw new Refusal('conflict', 'another version is the current one', { current: nodeRecord(node) });
  }
  const xattrs = intent.xattrs === undefined ? node.xattrs : packXattrs(intent.xattrs);
  const posix = intent.posix === undefined ? node.posix : packPosix(intent.posix);
  await checkNewVersion(transaction, version);
  const content = await resolveContent(transaction, space, intent.content);
  const { size, hash } = content;
  const row = await transaction.update(space, node, { mode, mtime, birthtime, xattrs, posix, size, hash, version });
  transaction.count(space, size - node.size, 0);
  await supersede(transaction, node.version);
  await addVersion(transaction, space, { id: version, node: node.id, rank: row.rev, mtime }, content);
  await thinVersions(transaction, space, node.id);
  return row;
}
