import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { Id } from '../../http/wire.ts';
import { issueToken, listDevices, revokeDevice } from '../meta/devices.ts';
import { deviceRecord } from '../meta/records.ts';
import type { Parts } from './parts.ts';
import { Code } from './second-factor.ts';

const Login = Type.Object({
  email: Type.String({ maxLength: 254 }),
  password: Type.String({ maxLength: 1000 }),
  code: Type.Optional(Code),
  device: Type.Object({
    /** Id of an existing device of the account, to log in as that device again. */
    id: Type.Optional(Id),
    name: Type.String({ minLength: 1, maxLength: 100 }),
    platform: Type.String({ maxLength: 100 }),
  }),
});

export function loginRoute(app: FastifyInstance, { meta, accounts, hub }: Parts): void {
  app.post('/v1/login', { schema: { body: Login } }, async ({ body, ip }) => {
    const { email, password, code, device } = body as Static<typeof Login>;
    const account = await accounts.authenticate(email, password, ip, code);
    const { token, row } = await issueToken(meta.db, account.id, device, meta.now());
    if (device.id !== undefined) hub.end(row.id);
    return { token, device: deviceRecord(row, row.id), account: { id: account.id, email: account.email } };
  });
}

export function deviceRoutes(app: FastifyInstance, { meta, hub }: Parts): void {
  app.get('/v1/device', async ({ device }) => deviceRecord(device, device.id));

  app.get('/v1/devices', async ({ caller }) => ({
    devices: await listDevices(meta.db, caller.account, caller.device, meta.now()),
  }));

  app.delete<{ Params: { id: string } }>('/v1/devices/:id', async ({ caller, params }, reply) => {
    await revokeDevice(meta.db, caller.account, params.id, meta.now());
    hub.end(params.id);
    return reply.code(204).send();
  });
}
