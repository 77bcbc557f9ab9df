import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { Id } from '../../http/wire.ts';
import { liveNode } from '../meta/transaction.ts';
import { findNode } from '../meta/history.ts';
import { nodeRecord } from '../meta/records.ts';
import { trashNode } from '../meta/removal.ts';
import { mayChange } from '../meta/rights.ts';
import { listTrash, restoreNode, trashedNode } from '../meta/trash.ts';
import { drainPurged, purgeOne } from '../purge.ts';
import { Refusal } from '../refusal.ts';
import type { DeviceCaller } from './auth.ts';
import { sendNdjson } from './ndjson.ts';
import type { Parts } from './parts.ts';

const Password = Type.String({ maxLength: 1000 });
const Confirmation = Type.Union([Type.Object({ password: Password }), Type.Null(), Type.Undefined()]);
const Removal = Type.Object({ node: Id, password: Password });
const never = new AbortController().signal;

interface Target {
  Params: { node: string };
}

export function trashRoutes(app: FastifyInstance, parts: Parts): void {
  const { meta, accounts } = parts;
  app.get('/v1/trash', async ({ caller }, reply) => sendNdjson(reply, listTrash(meta.db, caller.account)));

  app.post<Target>('/v1/trash/:node/restore', async ({ caller, params }) => {
    const { node, revived } = await meta.transaction(caller, async (transaction) =>
      restoreNode(transaction, params.node),
    );
    if (revived) parts.hub.publish(caller.account, { type: 'spaces' });
    return nodeRecord(node);
  });

  app.delete<Target>('/v1/trash/:node', { schema: { body: Confirmation } }, async ({ caller, params, body }, reply) => {
    const password = (body as { password?: string } | null | undefined)?.password;
    await purge(parts, caller, params.node, password);
    return reply.code(204).send();
  });

  app.post('/v1/archive/remove', { schema: { body: Removal } }, async ({ caller, body }, reply) => {
    const { node, password } = body as Static<typeof Removal>;
    await accounts.confirmPassword(caller.account, password, caller.device);
    const { space } = await findNode(meta.db, caller.account, node);
    await meta.transaction({ account: caller.account, device: null }, async (transaction) => {
      const archive = await transaction.space(space);
      if (archive.kind !== 'archive') throw new Refusal('forbidden', 'the node is not in the archive');
      await trashNode(transaction, archive, await liveNode(transaction, archive, node));
    });
    return reply.code(204).send();
  });
}

/** Purges with the rights of the account's owner if the password is given, otherwise with those of the device. */
async function purge(parts: Parts, caller: DeviceCaller, node: string, password: string | undefined): Promise<void> {
  const { meta, accounts } = parts;
  const { account } = caller;
  if (password !== undefined) await accounts.confirmPassword(account, password, caller.device);
  const actor = password === undefined ? caller : { account, device: null };
  const home = await meta.transaction(actor, async (transaction) => {
    const [space] = await trashedNode(transaction, node);
    mayChange({ ...space, removed: null }, transaction);
    return space.id;
  });
  await purgeOne(meta, account, home, node);
  await drainPurged(meta, never);
}
