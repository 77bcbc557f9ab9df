import { createHash, timingSafeEqual } from 'node:crypto';
import { DavError } from '../dav-error.ts';
import type { AuthRequest } from './auth-request.ts';
import { parseBasic } from './basic.ts';
import { Digest } from './digest.ts';

/** The credentials that requests need. `anonymous` opens the drive to every program on this computer. */
export type Auth = 'anonymous' | Credentials;

export interface Credentials {
  readonly user: string;
  readonly password: string;
  /** Shown by clients. Default `Fjord`. */
  readonly realm?: string;
  /** Offer Basic next to Digest. Default true. */
  readonly basic?: boolean;
}

export interface Authenticator {
  /** @throws DavError 401 with the challenges */
  check(request: AuthRequest): void;
}

export function authenticator(auth: Auth, now: () => number, random: (size: number) => Buffer): Authenticator {
  return auth === 'anonymous' ? { check: () => {} } : new PasswordAuthenticator(auth, now, random);
}

class PasswordAuthenticator implements Authenticator {
  readonly #user: Buffer;
  readonly #password: Buffer;
  readonly #realm: string;
  readonly #basic: boolean;
  readonly #digest: Digest;
  /** A client repeats the same Basic field in every request; comparing its hash saves parsing it. */
  readonly #known: Buffer;

  constructor(
    { user, password, realm = 'Fjord', basic = true }: Credentials,
    now: () => number,
    random: (size: number) => Buffer,
  ) {
    this.#user = sha256(user);
    this.#password = sha256(password);
    this.#realm = realm;
    this.#basic = basic;
    this.#digest = new Digest({ user, password, realm, now, random });
    this.#known = Buffer.from(`Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`);
  }

  check(request: AuthRequest): void {
    const { authorization } = request;
    if (authorization === undefined) throw this.#challenge(false);
    if (this.#basic && this.#isKnown(authorization)) return;
    const scheme = /^\s*([\w-]+)/.exec(authorization)?.[1]?.toLowerCase();
    if (scheme === 'basic' && this.#basic && this.#checkBasic(authorization)) return;
    const verdict = scheme === 'digest' ? this.#digest.check(request) : 'wrong';
    if (verdict !== 'right') throw this.#challenge(verdict === 'stale');
  }

  #isKnown(authorization: string): boolean {
    const given = Buffer.from(authorization);
    return given.length === this.#known.length && timingSafeEqual(given, this.#known);
  }

  #checkBasic(authorization: string): boolean {
    const given = parseBasic(authorization);
    if (given === undefined) return false;
    const user = timingSafeEqual(sha256(given.user), this.#user);
    const password = timingSafeEqual(sha256(given.password), this.#password);
    return user && password;
  }

  #challenge(stale: boolean): DavError {
    const challenges = this.#digest.challenges(stale);
    if (this.#basic) challenges.push(`Basic realm="${this.#realm}", charset="UTF-8"`);
    const headers = challenges.flatMap((challenge) => ['WWW-Authenticate', challenge]);
    return new DavError(401, 'The drive needs its user name and password.', { headers });
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text.normalize('NFC')).digest();
}
