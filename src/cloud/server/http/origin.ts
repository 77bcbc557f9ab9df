import type { FastifyRequest } from 'fastify';
import { Refusal } from '../refusal.ts';

/**
 * Refuses what a page of another origin has made the browser send (CSRF, DNS rebinding). Browsers do not let a page choose
 * these headers: `Sec-Fetch-Site` (Fetch Metadata) is missing from pages without TLS that are not on loopback, and `Origin` is in
 * all requests that change something.
 * @throws forbidden
 */
export function checkOrigin(request: FastifyRequest): void {
  checkHost(request);
  const { origin, 'sec-fetch-site': site } = request.headers;
  const safe = request.method === 'GET' || request.method === 'HEAD';
  if (site !== undefined && site !== 'same-origin' && !(safe && site === 'none')) throw foreign();
  if (origin !== undefined && origin !== `${request.protocol}://${request.host}`) throw foreign();
  if (!safe && site === undefined && origin === undefined) throw foreign();
}

/**
 * The web app is reached by TLS or on loopback. A name of any other kind that leads here without TLS was rebound to
 * this computer, or would carry the session over the network in the clear.
 * @throws forbidden
 */
export function checkHost({ protocol, hostname }: FastifyRequest): void {
  if (protocol === 'https' || isLoopback(hostname)) return;
  throw new Refusal('forbidden', 'the web app needs HTTPS, or an address of this computer such as 127.0.0.1');
}

/** Whether the caller is a program on this computer that used an address of it. A proxy here says for whom it asks. */
export function isLocal({ hostname, ip }: FastifyRequest): boolean {
  return isLoopback(hostname) && isLoopback(ip.replace(/^::ffff:/, ''));
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
}

function foreign(): Refusal {
  return new Refusal('forbidden', 'the request comes from another site');
}
