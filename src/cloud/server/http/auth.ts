import type { FastifyInstance, FastifyRequest } from 'fastify';
import { findByToken, findSession } from '../meta/devices.ts';
import type { MetaStore } from '../meta/meta-store.ts';
import type { DeviceRow } from '../meta/schema.ts';
import { Refusal } from '../refusal.ts';
import { checkOrigin } from './origin.ts';
import { sessionToken } from './session-cookie.ts';

/** The caller of an authenticated route, which is always a device. */
export interface DeviceCaller {
  readonly account: string;
  readonly device: string;
}

declare module 'fastify' {
  interface FastifyRequest {
    caller: DeviceCaller;
    device: DeviceRow;
  }
}

/**
 * Makes every route of `app` require the token of a device, or the cookie of a session in a request of the app's own page.
 * Both are checked before any of the body is read.
 */
export function authenticate(app: FastifyInstance, meta: MetaStore): void {
  app.decorateRequest('caller');
  app.decorateRequest('device');
  app.addHook('onRequest', async (request, reply) => {
    const device = await identify(request, meta);
    request.device = device;
    request.caller = { account: device.account, device: device.id };
    if (request.headers.authorization === undefined) reply.header('cache-control', 'no-store');
  });
}

async function identify(request: FastifyRequest, meta: MetaStore): Promise<DeviceRow> {
  const { authorization } = request.headers;
  const [, token] = /^Bearer +(\S+)$/i.exec(authorization ?? '') ?? [];
  if (token !== undefined) return await findByToken(meta.db, token, meta.now());
  const session = authorization === undefined ? sessionToken(request) : undefined;
  if (session === undefined)
    throw new Refusal('unauthorized', 'this request needs a device token (Authorization: Bearer …)');
  checkOrigin(request);
  return await findSession(meta.db, session, meta.now());
}
