import type { FastifyInstance } from 'fastify';
import { MAX_NEW_BYTES, MAX_NEW_TEXT, NEW_FILES_HEAD } from '../../new-files.ts';
import { Refusal } from '../refusal.ts';
import type { Parts } from './parts.ts';

const BODY_LIMIT = NEW_FILES_HEAD + MAX_NEW_BYTES + MAX_NEW_TEXT;

export function fileRoutes(app: FastifyInstance, { fileMaker }: Parts): void {
  app.register(async (raw) => {
    raw.removeAllContentTypeParsers();
    raw.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
      done(null, body),
    );
    raw.post('/v1/files', { bodyLimit: BODY_LIMIT }, async ({ caller, body }) => {
      if (!(body instanceof Uint8Array)) throw new Refusal('bad_request', 'the body must be application/octet-stream');
      return await fileMaker.make(caller, body);
    });
  });
}
