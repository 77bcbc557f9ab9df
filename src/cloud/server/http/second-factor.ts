import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import type { Parts } from './parts.ts';

const Password = Type.String({ maxLength: 1000 });
export const Code = Type.String({ maxLength: 100 });
const Begin = Type.Object({ password: Password });
const Confirm = Type.Object({ code: Code });
const Remove = Type.Object({ password: Password, code: Code });

/** Turns the codes of an authenticator app on and off. */
export function secondFactorRoutes(app: FastifyInstance, { accounts, secondFactor }: Parts): void {
  app.get('/v1/second-factor', async ({ caller }) => secondFactor.state(caller.account));

  app.post('/v1/second-factor', { schema: { body: Begin } }, async ({ caller, body }) => {
    const { account, device } = caller;
    const email = await accounts.confirmPassword(account, (body as Static<typeof Begin>).password, device);
    return { uri: await secondFactor.begin(account, email) };
  });

  app.post('/v1/second-factor/confirm', { schema: { body: Confirm } }, async ({ caller, body }) => ({
    recovery: await secondFactor.confirm(caller.account, (body as Static<typeof Confirm>).code),
  }));

  app.delete('/v1/second-factor', { schema: { body: Remove } }, async ({ caller, body }, reply) => {
    const { password, code } = body as Static<typeof Remove>;
    await accounts.confirmPassword(caller.account, password, caller.device);
    await secondFactor.check(caller.account, code);
    await secondFactor.remove(caller.account);
    return reply.code(204).send();
  });
}
