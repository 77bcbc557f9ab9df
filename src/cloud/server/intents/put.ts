import type { Static } from 'typebox';
import type { PutSchema } from '../../http/wire.ts';
import { Refusal } from '../refusal.ts';
import { resolveContent } from '../meta/content.ts';
import { liveNode, type Edit } from '../meta/edit.ts';
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

export async function put(edit: Edit, space: SpaceRow, intent: Put): Promise<NodeRow> {
  return await (intent.base === null ? create(edit, space, intent) : succeed(edit, space, intent));
}

async function create(edit: Edit, space: SpaceRow, intent: Put): Promise<NodeRow> {
  const { node: id, parent, name, mode, mtime, birthtime } = intent;
  mayAdd(space, edit);
  if (intent.replace !== undefined) mayChange(space, edit);
  const xattrs = packXattrs(intent.xattrs);
  const replaced = await claimPlace(edit, space, intent, [intent.replace]);
  if (replaced !== undefined) await checkReplaceable(edit, 'file', replaced, intent.replaceBase);
  await claimId(edit, space, id);
  await checkNewVersion(edit, intent.version);
  const content = await resolveContent(edit, space, intent.content);
  if (replaced !== undefined) await replaceNode(edit, space, replaced);
  const { size, hash } = content;
  const node = { id, space: space.id, parent, name, kind: 'file', mode, mtime, birthtime, size, hash } as const;
  const posix = packPosix(intent.posix);
  const row = await edit.insert(space, { version: intent.version, target: null, xattrs, posix, ...node });
  edit.count(space, size, 1);
  await addVersion(edit, space, { id: intent.version, node: id, rank: row.rev, mtime }, content);
  if (replaced !== undefined) await inheritVersions(edit, space, replaced, row);
  if (replaced !== undefined) await thinVersions(edit, space, id);
  else if (intent.predecessor !== undefined) await copyVersions(edit, space, intent.predecessor, row);
  return row;
}

async function succeed(edit: Edit, space: SpaceRow, intent: Put): Promise<NodeRow> {
  const { mode, mtime, birthtime, version } = intent;
  mayAdd(space, edit);
  const node = await liveNode(edit, space, intent.node);
  if (node.kind !== 'file' || node.version !== intent.base) {
    throw new Refusal('conflict', 'another version is the current one', { current: nodeRecord(node) });
  }
  const xattrs = intent.xattrs === undefined ? node.xattrs : packXattrs(intent.xattrs);
  const posix = intent.posix === undefined ? node.posix : packPosix(intent.posix);
  await checkNewVersion(edit, version);
  const content = await resolveContent(edit, space, intent.content);
  const { size, hash } = content;
  const row = await edit.update(space, node, { mode, mtime, birthtime, xattrs, posix, size, hash, version });
  edit.count(space, size - node.size, 0);
  await supersede(edit, node.version);
  await addVersion(edit, space, { id: version, node: node.id, rank: row.rev, mtime }, content);
  await thinVersions(edit, space, node.id);
  return row;
}
