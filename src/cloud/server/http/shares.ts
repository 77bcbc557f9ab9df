import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { normalize } from '../accounts.ts';
import { Id } from '../../http/wire.ts';
import { accept, leave, listShares, revoke, share, unshare } from '../meta/shares.ts';
import type { Parts } from './parts.ts';

const Email = Type.String({ maxLength: 254 });
const Invitation = Type.Object({ node: Id, email: Email, role: Type.Enum(['editor', 'viewer']) });
const Revocation = Type.Object({ email: Email });

interface Target {
  Params: { space: string };
}

export function shareRoutes(app: FastifyInstance, { meta }: Parts): void {
  app.get('/v1/shares', async ({ caller }) => ({ shares: await listShares(meta.db, caller.account) }));

  app.post('/v1/shares', { schema: { body: Invitation } }, async ({ caller, body }) => {
    const { node, email, role } = body as Static<typeof Invitation>;
    return await meta.transaction(caller, async (transaction) => share(transaction, node, normalize(email), role));
  });

  app.delete<Target>('/v1/shares/:space', async ({ caller, params }, reply) => {
    await meta.transaction(caller, async (transaction) => unshare(transaction, params.space));
    return reply.code(204).send();
  });

  app.post<Target>('/v1/shares/:space/accept', async ({ caller, params }) =>
    meta.transaction(caller, async (transaction) => accept(transaction, params.space)),
  );

  app.post<Target>('/v1/shares/:space/leave', async ({ caller, params }, reply) => {
    await meta.transaction(caller, async (transaction) => leave(transaction, params.space));
    return reply.code(204).send();
  });

  app.post<Target>('/v1/shares/:space/revoke', { schema: { body: Revocation } }, async (request, reply) => {
    const { caller, params, body } = request;
    const { email } = body as Static<typeof Revocation>;
    await meta.transaction(caller, async (transaction) => revoke(transaction, params.space, normalize(email)));
    return reply.code(204).send();
  });
}
