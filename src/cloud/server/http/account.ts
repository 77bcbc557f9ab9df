import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { revokeSessions } from '../meta/devices.ts';
import type { Parts } from './parts.ts';

const Change = Type.Object({
  password: Type.String({ maxLength: 1000 }),
  next: Type.String({ maxLength: 1000 }),
});

export function accountRoutes(app: FastifyInstance, { meta, accounts, hub }: Parts): void {
  app.post('/v1/password', { schema: { body: Change } }, async ({ caller, body }, reply) => {
    const { password, next } = body as Static<typeof Change>;
    await accounts.changePassword(caller, password, next);
    for (const id of await revokeSessions(meta.db, caller, meta.now())) hub.end(id);
    return reply.code(204).send();
  });
}
