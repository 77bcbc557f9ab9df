import type { FastifyInstance } from 'fastify';
import { findByToken } from '../meta/devices.ts';
import type { MetaStore } from '../meta/meta-store.ts';
import type { DeviceRow } from '../meta/schema.ts';
import { Refusal } from '../refusal.ts';

/** Who calls: always a device. */
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

/** Every route of `app` asks for a token; nothing of a body is read before it is known to be good. */
export function authenticate(app: FastifyInstance, meta: MetaStore): void {
  app.decorateRequest('caller');
  app.decorateRequest('device');
  app.addHook('onRequest', async (request) => {
    const [, token] = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    if (token === undefined) throw new Refusal('unauthorized', 'this call needs a device token');
    const device = await findByToken(meta.db, token, meta.now());
    request.device = device;
    request.caller = { account: device.account, device: device.id };
  });
}
