import type { FastifyReply, FastifyRequest } from 'fastify';
import { SESSION_IDLE } from '../meta/devices.ts';

/**
 * The cookie with a session's token. Over TLS it is `__Host-` and `Secure`, so that nothing but this host, over TLS, sets or gets it.
 * On loopback without TLS `Secure` would keep some browsers from storing it, and all ports of a host share their cookies:
 * the name contains the port, so that two clouds of one computer do not end each other's sessions.
 */
function nameOf(request: FastifyRequest): string {
  return isSecure(request) ? '__Host-fjord' : `fjord-${request.socket.localPort ?? 0}`;
}

export function sessionToken(request: FastifyRequest): string | undefined {
  const name = `${nameOf(request)}=`;
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(name))?.slice(name.length);
}

export function setSession(request: FastifyRequest, reply: FastifyReply, token: string): void {
  write(request, reply, token, SESSION_IDLE / 1000);
}

export function clearSession(request: FastifyRequest, reply: FastifyReply): void {
  write(request, reply, '', 0);
}

function write(request: FastifyRequest, reply: FastifyReply, value: string, seconds: number): void {
  const rules = `Path=/; Max-Age=${seconds}; HttpOnly; SameSite=Strict${isSecure(request) ? '; Secure' : ''}`;
  reply.header('set-cookie', `${nameOf(request)}=${value}; ${rules}`);
}

function isSecure({ protocol }: FastifyRequest): boolean {
  return protocol === 'https';
}
