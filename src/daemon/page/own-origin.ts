import type { FastifyRequest } from 'fastify';
import { FsError } from '../../vfs/fs-error.ts';

/**
 * Refuses a name that leads here by DNS rebinding: only this computer's own names are this page's.
 * @throws EACCES
 */
export function checkHost({ hostname }: Pick<FastifyRequest, 'hostname'>): void {
  if (hostname === '127.0.0.1' || hostname === 'localhost') return;
  throw new FsError('EACCES', 'status page', { subject: hostname, reason: 'is not a name of this page' });
}

/**
 * Refuses a call that a page of another origin, also of another port, has made the browser send. Browsers do not let a page
 * choose these headers (Fetch Metadata; RFC 6454, 7).
 * @throws EACCES
 */
export function checkOrigin(request: Pick<FastifyRequest, 'headers' | 'method' | 'host'>): void {
  const { origin, 'sec-fetch-site': site } = request.headers;
  const foreign = site !== undefined && site !== 'same-origin';
  const unknown = request.method !== 'GET' && origin === undefined;
  if (!foreign && !unknown && (origin === undefined || origin === `http://${request.host}`)) return;
  throw new FsError('EACCES', 'status page', { reason: 'the call comes from another page' });
}
