import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { Id } from '../../http/wire.ts';
import type { Caller } from '../meta/caller.ts';
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
const NAMES = { archive: 'the archive', backup: 'a backup' } as const;
const never = new AbortController().signal;

interface Target {
  Params: { node: string };
}

export function trashRoutes(app: FastifyInstance, parts: Parts): void {
  const { meta } = parts;
  app.get('/v1/trash', async ({ caller }, reply) => sendNdjson(reply, listTrash(meta.db, caller.account)));

  app.post<Target>('/v1/trash/:node/restore', { schema: { body: Confirmation } }, async ({ caller, params, body }) => {
    const actor = await confirmed(parts, caller, body as Static<typeof Confirmation>);
    const { node, revived } = await meta.transaction(actor, async (transaction) =>
      restoreNode(transaction, params.node),
    );
    if (revived) parts.hub.publish(caller.account, { type: 'spaces' });
    return nodeRecord(node);
  });

  app.delete<Target>('/v1/trash/:node', { schema: { body: Confirmation } }, async ({ caller, params, body }, reply) => {
    await purge(parts, caller, params.node, body as Static<typeof Confirmation>);
    return reply.code(204).send();
  });

  app.post('/v1/archive/remove', { schema: { body: Removal } }, async ({ caller, body }, reply) => {
    await remove(parts, caller, 'archive', body as Static<typeof Removal>);
    return reply.code(204).send();
  });

  app.post('/v1/backup/remove', { schema: { body: Removal } }, async ({ caller, body }, reply) => {
    await remove(parts, caller, 'backup', body as Static<typeof Removal>);
    return reply.code(204).send();
  });
}

/** Moves to the Trash what takes the password. The agent of a backup leaves that alone until the file changes on its computer. */
async function remove(
  parts: Parts,
  caller: DeviceCaller,
  kind: 'archive' | 'backup',
  { node, password }: Static<typeof Removal>,
): Promise<void> {
  const { meta } = parts;
  const owner = await confirmed(parts, caller, { password });
  const { space: id } = await findNode(meta.db, caller.account, node);
  await meta.transaction(owner, async (transaction) => {
    const space = await transaction.space(id);
    if (space.kind !== kind) throw new Refusal('forbidden', `the node is not in ${NAMES[kind]}`);
    mayChange(space, transaction);
    await trashNode(transaction, space, await liveNode(transaction, space, node));
  });
}

/** With the rights of the account's owner if the password is given, otherwise with those of the device. */
export async function confirmed(
  { accounts }: Parts,
  caller: DeviceCaller,
  confirmation: Static<typeof Confirmation>,
): Promise<Caller> {
  const { account, device } = caller;
  if (confirmation === null || confirmation === undefined) return caller;
  await accounts.confirmPassword(account, confirmation.password, device);
  return { account, device: null };
}

async function purge(
  parts: Parts,
  caller: DeviceCaller,
  node: string,
  confirmation: Static<typeof Confirmation>,
): Promise<void> {
  const { meta } = parts;
  const { account } = caller;
  const actor = await confirmed(parts, caller, confirmation);
  const home = await meta.transaction(actor, async (transaction) => {
    const [space] = await trashedNode(transaction, node);
    mayChange({ ...space, removed: null }, transaction);
    return space.id;
  });
  await purgeOne(meta, account, home, node);
  await drainPurged(meta, never);
}
