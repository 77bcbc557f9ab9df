import { Readable } from 'node:stream';
import { DIGEST_SIZE } from '../../../vfs/block.ts';
import type { FastifyInstance } from 'fastify';
import { Type, type Static } from 'typebox';
import { Id } from '../../http/wire.ts';
import { MAX_BATCH_BLOCKS, MAX_BATCH_BYTES, MAX_DIGESTS } from '../../limits.ts';
import { FRAME_HEADER, readFrames } from '../blocks/frames.ts';
import { readBlocks, resolveBlocks } from '../blocks/reading.ts';
import { acceptBlocks, presentBlocks } from '../blocks/shared-blocks.ts';
import { listDamaged } from '../meta/damaged-blocks.ts';
import { distinct, splitDigests } from '../meta/manifest.ts';
import { Refusal } from '../refusal.ts';
import { begun, sendBody } from './body.ts';
import type { Parts } from './parts.ts';

/** Base64 of raw digests, in the request and in the response. */
const Missing = Type.Object({
  digests: Type.String({
    pattern: '^[A-Za-z0-9+/]*={0,2}$',
    maxLength: Math.ceil((MAX_DIGESTS * DIGEST_SIZE) / 3) * 4,
  }),
});
/** The space that blocks are for; one of the account itself, if absent. */
const Target = Type.Object({ space: Type.Optional(Id) });
const Read = Type.Object({
  /** The caller compares each block with its digest, and sends the request without this for one that is wrong. */
  verifies: Type.Optional(Type.Boolean()),
  blocks: Type.Array(Type.Object({ version: Id, index: Type.Integer({ minimum: 0 }) }), { maxItems: MAX_BATCH_BLOCKS }),
});
/** Largest upload in bytes, frame headers included. */
const UPLOAD_LIMIT = MAX_BATCH_BYTES + MAX_BATCH_BLOCKS * FRAME_HEADER;

export function blockRoutes(app: FastifyInstance, { meta, reader, uploads }: Parts): void {
  app.post(
    '/v1/blocks/missing',
    { schema: { body: Missing, querystring: Target } },
    async ({ caller, body, query }) => {
      const digests = splitDigests(Buffer.from((body as Static<typeof Missing>).digests, 'base64'));
      const { space } = query as Static<typeof Target>;
      const present = await presentBlocks(meta.db, caller, space, digests, meta.now());
      const missing = distinct(digests).filter((digest) => !present.has(digest));
      return { missing: Buffer.from(missing.join(''), 'hex').toString('base64') };
    },
  );

  app.get('/v1/blocks/damaged', async ({ caller }) => {
    const digests = await listDamaged(meta.db, caller.account, MAX_DIGESTS);
    return { damaged: Buffer.from(digests.join(''), 'hex').toString('base64') };
  });

  app.post('/v1/blocks/read', { schema: { body: Read } }, async ({ caller, body }, reply) => {
    const { blocks, verifies = false } = body as Static<typeof Read>;
    const found = await resolveBlocks(meta.db, caller.account, blocks);
    const frames = await begun(readBlocks(reader, found, { unverified: verifies }));
    return sendBody(reply.type('application/octet-stream'), frames, (part) => reader.release(part));
  });

  app.register(async (raw) => {
    raw.removeAllContentTypeParsers();
    // The body is passed on as a stream; the parser of frames enforces the limits.
    raw.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));
    raw.post('/v1/blocks', { schema: { querystring: Target } }, async ({ caller, headers, body, query }) => {
      if (Number(headers['content-length'] ?? 0) > UPLOAD_LIMIT) {
        throw new Refusal('too_large', 'the upload is too large; send fewer blocks in one request');
      }
      if (!(body instanceof Readable)) throw new Refusal('bad_request', 'the body must be application/octet-stream');
      const frames = readFrames(body as AsyncIterable<Uint8Array>);
      const { space } = query as Static<typeof Target>;
      return { stored: await acceptBlocks({ db: meta.db, uploads, now: meta.now }, caller, space, frames) };
    });
  });
}
