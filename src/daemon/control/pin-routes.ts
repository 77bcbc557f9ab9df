import type { FastifyInstance } from 'fastify';
import { contextOf } from './context-of.ts';
import type { Controls } from './controls.ts';
import { PathQuery } from './file-wire.ts';
import { PinBody } from './wire.ts';

/** What is kept on this computer. */
export function addPinRoutes(app: FastifyInstance, { pins }: Controls): void {
  app.get('/pins', () => pins.list());
  app.post<{ Body: PinBody }>('/pins', { schema: { body: PinBody } }, (request, reply) =>
    pins.pin(request.body, contextOf(request, reply)),
  );
  app.post<{ Body: PathQuery }>('/free', { schema: { body: PathQuery } }, (request, reply) =>
    pins.free(request.body.path, contextOf(request, reply)),
  );
}
