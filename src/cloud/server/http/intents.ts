import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { Id } from '../../http/wire.ts';
import { MAX_INTENTS } from '../../limits.ts';
import { executeBriefly, executeIntents } from '../intents/batch.ts';
import type { Parts } from './parts.ts';

/**
 * Largest body in bytes: the manifest of the largest file takes 171 MiB in base64 if no two consecutive blocks are
 * equal.
 */
export const MANIFEST_LIMIT = 192 * 1024 * 1024;

const Batch = Type.Object({
  intents: Type.Array(Type.Object({ id: Id }), { minItems: 1, maxItems: MAX_INTENTS }),
  /** Of nodes that the intents make, only what they do not say themselves is sent back. */
  brief: Type.Optional(Type.Boolean()),
});

export function intentRoutes(app: FastifyInstance, { meta, carrier }: Parts): void {
  app.post('/v1/intents', { schema: { body: Batch }, bodyLimit: MANIFEST_LIMIT }, async ({ caller, body }) => {
    const { intents, brief = false } = body as Static<typeof Batch>;
    await carrier.carryFor(caller, intents);
    return brief
      ? await executeBriefly(meta, caller, intents)
      : { results: await executeIntents(meta, caller, intents) };
  });
}
