import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { spaceRecord } from '../meta/records.ts';
import { AttributesSchema } from '../../http/wire.ts';
import type { Attributes } from '../../records.ts';
import { listSpaces, openBackup, removeSpace, setAttributes } from '../meta/spaces.ts';
import type { Parts } from './parts.ts';

// `checkNodeName` validates the name, so the schema does not.
const NewSpace = Type.Object({ kind: Type.Literal('backup'), name: Type.String() });

export function spaceRoutes(app: FastifyInstance, { meta, hub }: Parts): void {
  app.get('/v1/spaces', async ({ caller }) => ({ spaces: await listSpaces(meta.db, caller) }));

  app.post('/v1/spaces', { schema: { body: NewSpace } }, async ({ caller, device, body }) => {
    const { name } = body as Static<typeof NewSpace>;
    const { space, made } = await meta.transaction(caller, async (transaction) =>
      openBackup(transaction, device.id, name),
    );
    if (made) hub.publish(caller.account, { type: 'spaces' });
    return spaceRecord(space, device.name, true);
  });

  app.post<{ Params: { id: string } }>(
    '/v1/spaces/:id/attributes',
    { schema: { body: AttributesSchema } },
    async ({ caller, params, body }) => {
      const space = await meta.transaction(caller, async (transaction) =>
        setAttributes(transaction, params.id, body as Attributes),
      );
      const [record] = (await listSpaces(meta.db, caller)).filter(({ id }) => id === space.id);
      return record;
    },
  );

  app.delete<{ Params: { id: string } }>('/v1/spaces/:id', async ({ caller, params }, reply) => {
    await meta.transaction(caller, async (transaction) => removeSpace(transaction, params.id));
    hub.publish(caller.account, { type: 'spaces' });
    return reply.code(204).send();
  });
}
