import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { Id, PutSchema } from '../../http/wire.ts';
import type { NodeRecord } from '../../records.ts';
import { put } from '../intents/put.ts';
import { findNode } from '../meta/history.ts';
import { nodeRecord } from '../meta/records.ts';
import type { NodeRow, SpaceRow } from '../meta/schema.ts';
import { liveNode, type Transaction } from '../meta/transaction.ts';
import { Refusal } from '../refusal.ts';
import { MANIFEST_LIMIT } from './intents.ts';
import type { Parts } from './parts.ts';
import { confirmed } from './trash.ts';

const Replacement = Type.Object({
  node: Id,
  password: Type.String({ maxLength: 1000 }),
  /** The version that the caller takes for the current one. */
  base: Id,
  /** Absent: nothing is changed, and the response tells whether it would be. */
  put: Type.Optional(Type.Pick(PutSchema, ['version', 'mtime', 'content'])),
});

/** A file of a backup gets a new version by its owner. The agent leaves that alone until the file changes on its computer. */
export function backupContentRoutes(app: FastifyInstance, parts: Parts): void {
  const { meta } = parts;
  app.post(
    '/v1/backup/replace',
    { schema: { body: Replacement }, bodyLimit: MANIFEST_LIMIT },
    async ({ caller, body }): Promise<NodeRecord> => {
      const replacement = body as Static<typeof Replacement>;
      const owner = await confirmed(parts, caller, replacement);
      const { space: id } = await findNode(meta.db, caller.account, replacement.node);
      return await meta.transaction(owner, async (transaction) =>
        nodeRecord(await replace(transaction, await transaction.space(id), replacement)),
      );
    },
  );
}

/** @throws forbidden, conflict, gone, blocks_missing, quota_exceeded */
async function replace(
  transaction: Transaction,
  space: SpaceRow,
  { node: id, base, put: given }: Static<typeof Replacement>,
): Promise<NodeRow> {
  if (space.kind !== 'backup') throw new Refusal('forbidden', 'the node is not in a backup');
  const node = await liveNode(transaction, space, id);
  // Sent again after a lost response.
  if (given !== undefined && node.version === given.version) return node;
  if (node.kind !== 'file' || node.version !== base) {
    throw new Refusal('conflict', 'another version is the current one', { current: nodeRecord(node) });
  }
  if (given === undefined) return node;
  const { parent, name, mode, birthtime } = node;
  const described = { op: 'put', id: given.version, space: space.id, node: id, parent, name, mode, birthtime } as const;
  return await put(transaction, space, { ...described, base, ...given });
}
