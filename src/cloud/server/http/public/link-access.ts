import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { LinkTarget } from '../../meta/links.ts';
import type { LinkRow } from '../../meta/schema.ts';
import type { Passwords } from '../../passwords.ts';

/** How long a browser need not ask for the password of a link again, ms. */
const UNLOCKED = 12 * 60 * 60 * 1000;

/** Who may use a link that has a password: for some hours, whoever has given it. Nothing is stored for that. */
export class LinkAccess {
  readonly #passwords: Passwords;
  readonly #now: () => number;
  /** Signs what browsers keep; they are asked again after a restart. */
  readonly #key = randomBytes(32);

  constructor(passwords: Passwords, now: () => number) {
    this.#passwords = passwords;
    this.#now = now;
  }

  /**
   * Whether a request may use the link: it has no password, or the request has the cookie that `unlock` gave, or the password (Basic, with any
   * user name).
   * @throws too_many_requests, unavailable
   */
  async isOpen({ link }: LinkTarget, request: FastifyRequest): Promise<boolean> {
    if (link.password === null || this.#hasCookie(link, request.headers.cookie ?? '')) return true;
    const [, basic] = /^Basic +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    if (basic === undefined) return false;
    const text = Buffer.from(basic, 'base64').toString();
    return await this.isPassword(link, text.slice(text.indexOf(':') + 1), request.ip);
  }

  /** @throws too_many_requests, unavailable */
  async isPassword({ id, password }: LinkRow, given: string, source: string): Promise<boolean> {
    const found = async () => (password === null ? undefined : { password });
    return (await this.#passwords.check({ subject: `link ${id}`, source }, given, found)) !== undefined;
  }

  /** Lets the browser that gets this response use the link. */
  unlock(link: LinkRow, { protocol }: FastifyRequest, reply: FastifyReply): void {
    const until = this.#now() + UNLOCKED;
    const rules = `Path=/l/${link.token}; Max-Age=${UNLOCKED / 1000}; HttpOnly; SameSite=Lax`;
    const secure = protocol === 'https' ? '; Secure' : '';
    reply.header('set-cookie', `${cookieOf(link)}=${until}.${this.#sign(link, until)}; ${rules}${secure}`);
  }

  #hasCookie(link: LinkRow, header: string): boolean {
    const pair = header.split(';').find((pair) => pair.trim().startsWith(`${cookieOf(link)}=`));
    const [until = '', signature = ''] = pair?.slice(pair.indexOf('=') + 1).split('.') ?? [];
    if (!(Number(until) > this.#now())) return false;
    const expected = Buffer.from(this.#sign(link, Number(until)));
    const given = Buffer.from(signature);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  #sign({ id, password }: LinkRow, until: number): string {
    return createHmac('sha256', this.#key).update(`${id} ${until} ${password}`).digest('base64url');
  }
}

function cookieOf({ hash }: LinkRow): string {
  return `link-${hash.slice(0, 16)}`;
}
