import { createHash, randomBytes } from 'node:crypto';

/** How long a link works, ms. */
const LINK_LIFE = 5 * 60_000;
/** Browsers that may be signed in at a time; the oldest session ends first. */
const MOST_SESSIONS = 16;

/**
 * Who may see the status page: browsers that were opened by a link, which works once. Both end with the process. Only digests
 * are kept, and compared as keys, so that the time of a comparison says nothing about a secret.
 */
export class PageSessions {
  readonly #now: () => number;
  /** When each link ends, by the digest of its token. */
  readonly #links = new Map<string, number>();
  readonly #sessions = new Set<string>();

  /** @param now ms of a clock that never steps */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** A new token for a link. */
  link(): string {
    for (const [digest, end] of this.#links) if (end <= this.#now()) this.#links.delete(digest);
    const token = newToken();
    this.#links.set(digestOf(token), this.#now() + LINK_LIFE);
    return token;
  }

  /** Ends the link. Returns the token of a new session, or undefined if the link is none or has ended. */
  redeem(token: string): string | undefined {
    const digest = digestOf(token);
    const end = this.#links.get(digest) ?? 0;
    this.#links.delete(digest);
    if (end <= this.#now()) return undefined;
    const session = newToken();
    this.#sessions.add(digestOf(session));
    for (const oldest of this.#sessions) {
      if (this.#sessions.size <= MOST_SESSIONS) break;
      this.#sessions.delete(oldest);
    }
    return session;
  }

  has(session: string): boolean {
    return this.#sessions.has(digestOf(session));
  }
}

function newToken(): string {
  return randomBytes(32).toString('base64url');
}

function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
