import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type, type Static } from 'typebox';
import type { SessionRecord } from '../../records.ts';
import { Refusal } from '../refusal.ts';
import { checkOrigin, isLocal } from './origin.ts';
import type { Parts } from './parts.ts';
import { startSession } from './session.ts';

const First = Type.Object({
  email: Type.String({ maxLength: 254 }),
  password: Type.String({ maxLength: 1000 }),
  /** What the list of devices calls the browser. */
  name: Type.String({ minLength: 1, maxLength: 100 }),
});

/** Makes the first account of a cloud that has none, from this computer. */
export function setupRoutes(app: FastifyInstance, parts: Parts): void {
  const { accounts } = parts;
  const isOpen = async (request: FastifyRequest) => isLocal(request) && (await accounts.isEmpty());
  app.addHook('onRequest', async (request) => checkOrigin(request));
  app.get('/v1/setup', (request) => isOpen(request).then((open) => ({ open })));
  app.post('/v1/setup', { schema: { body: First } }, async (request, reply): Promise<SessionRecord> => {
    const { email, password, name } = request.body as Static<typeof First>;
    if (!(await isOpen(request))) {
      throw new Refusal('forbidden', 'the first account is made on the computer of the cloud, while it has none');
    }
    const account = await accounts.add(email, password);
    return await startSession(parts, account, name, request, reply);
  });
}
