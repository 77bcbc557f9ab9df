import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import type { SessionRecord } from '../../records.ts';
import type { AccountInfo } from '../accounts.ts';
import { issueToken, revokeDevice, WEB } from '../meta/devices.ts';
import { deviceRecord } from '../meta/records.ts';
import { checkOrigin } from './origin.ts';
import type { Parts } from './parts.ts';
import { Code } from './second-factor.ts';
import { clearSession, setSession } from './session-cookie.ts';

const SignIn = Type.Object({
  email: Type.String({ maxLength: 254 }),
  password: Type.String({ maxLength: 1000 }),
  code: Type.Optional(Code),
  /** What the list of devices calls the browser. */
  name: Type.String({ minLength: 1, maxLength: 100 }),
});

/** Makes the browser a device of the account, with its token in a cookie. */
export async function startSession(
  { meta }: Parts,
  { id, email }: AccountInfo,
  name: string,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<SessionRecord> {
  const { token, row } = await issueToken(meta.db, id, { name, platform: WEB }, meta.now());
  setSession(request, reply.header('cache-control', 'no-store'), token);
  return { account: { id, email }, device: deviceRecord(row, row.id) };
}

export function signInRoute(app: FastifyInstance, parts: Parts): void {
  app.addHook('onRequest', async (request) => checkOrigin(request));
  app.post('/v1/session', { schema: { body: SignIn } }, async (request, reply): Promise<SessionRecord> => {
    const { email, password, code, name } = request.body as Static<typeof SignIn>;
    const account = await parts.accounts.authenticate(email, password, request.ip, code);
    return await startSession(parts, account, name, request, reply);
  });
}

export function sessionRoutes(app: FastifyInstance, { meta, hub }: Parts): void {
  app.get('/v1/session', async ({ device }): Promise<SessionRecord> => {
    const query = meta.db.selectFrom('accounts').select(['id', 'email']).where('id', '=', device.account);
    return { account: await query.executeTakeFirstOrThrow(), device: deviceRecord(device, device.id) };
  });

  app.delete('/v1/session', async (request, reply) => {
    const { account, device } = request.caller;
    await revokeDevice(meta.db, account, device, meta.now());
    hub.end(device);
    clearSession(request, reply);
    return reply.code(204).send();
  });
}
