import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { Id } from '../../http/wire.ts';
import { listLinks, makeLink, removeLink } from '../meta/links.ts';
import type { Parts } from './parts.ts';

const NewLink = Type.Object({
  node: Id,
  upload: Type.Optional(Type.Boolean()),
  password: Type.Optional(Type.String({ minLength: 1, maxLength: 1000 })),
  /** ms since 1970 UTC */
  expires: Type.Optional(Type.Number({ minimum: 0, maximum: 8.64e15 })),
});

/** Public links, as their makers see them. */
export function linkRoutes(app: FastifyInstance, { meta, passwords }: Parts): void {
  app.get('/v1/links', async ({ caller }) => ({ links: await listLinks(meta.db, caller.account, meta.now()) }));

  app.post('/v1/links', { schema: { body: NewLink } }, async ({ caller, body }) => {
    const { node, upload = false, password, expires = null } = body as Static<typeof NewLink>;
    const hash = password === undefined ? null : await passwords.hash(password);
    return await meta.transaction(caller, async (transaction) =>
      makeLink(transaction, { node, upload, password: hash, expires }),
    );
  });

  app.delete<{ Params: { id: string } }>('/v1/links/:id', async ({ caller, params }, reply) => {
    await removeLink(meta.db, caller.account, params.id);
    return reply.code(204).send();
  });
}
