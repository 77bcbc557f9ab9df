import { createHash, timingSafeEqual } from 'node:crypto';
import { DavError } from '../dav-error.ts';
import { parsePath, splitTarget } from '../path.ts';
import type { AuthRequest } from './auth-request.ts';
import { parseDigest } from './digest-header.ts';
import { Nonces } from './nonces.ts';

interface Algorithm {
  /** Its name in the header field. */
  readonly name: string;
  readonly hash: string;
}

/** MD5 comes first, because clients that support only MD5 use the first challenge. */
const ALGORITHMS: readonly Algorithm[] = [
  { name: 'MD5', hash: 'md5' },
  { name: 'SHA-256', hash: 'sha256' },
];

export interface DigestOptions {
  readonly user: string;
  readonly password: string;
  readonly realm: string;
  readonly now: () => number;
  readonly random: (size: number) => Buffer;
}

/** RFC 7616 with `qop=auth`. */
export class Digest {
  readonly #user: string;
  readonly #realm: string;
  readonly #nonces: Nonces;
  /** H(A1) by the algorithm's name. */
  readonly #secrets: ReadonlyMap<string, string>;

  constructor({ user, password, realm, now, random }: DigestOptions) {
    this.#user = user;
    this.#realm = realm;
    this.#nonces = new Nonces(now, random);
    this.#secrets = new Map(ALGORITHMS.map(({ name, hash }) => [name, digest(hash, `${user}:${realm}:${password}`)]));
  }

  challenges(stale: boolean): string[] {
    const rest = `qop="auth", nonce="${this.#nonces.make()}"${stale ? ', stale=true' : ''}`;
    return ALGORITHMS.map(({ name }) => `Digest realm="${this.#realm}", ${rest}, algorithm=${name}`);
  }

  /** `stale`: the password is right, but the nonce is no longer valid. */
  check({ method, url, authorization = '' }: AuthRequest): 'right' | 'stale' | 'wrong' {
    const given = parseDigest(authorization);
    const algorithm = ALGORITHMS.find(({ name }) => name === (given?.get('algorithm') ?? 'MD5').toUpperCase());
    if (given === undefined || algorithm === undefined) return 'wrong';
    const value = (name: string): string => given.get(name) ?? '';
    const count = /^[\da-f]{8}$/i.test(value('nc')) ? parseInt(value('nc'), 16) : 0;
    if (value('qop').toLowerCase() !== 'auth' || count === 0 || value('cnonce') === '') return 'wrong';
    if (value('username') !== this.#user || value('realm') !== this.#realm) return 'wrong';
    if (!sameTarget(value('uri'), url)) return 'wrong';
    const a2 = digest(algorithm.hash, `${method}:${value('uri')}`);
    const middle = `${value('nonce')}:${value('nc')}:${value('cnonce')}:${value('qop')}`;
    const expected = digest(algorithm.hash, `${this.#secrets.get(algorithm.name) ?? ''}:${middle}:${a2}`);
    if (!equal(expected, value('response').toLowerCase())) return 'wrong';
    return this.#nonces.use(value('nonce'), count) ? 'right' : 'stale';
  }
}

/** Compares decoded paths, as some clients escape a path differently here and in the request line. */
function sameTarget(uri: string, url: string): boolean {
  if (uri === url) return true;
  const path = decoded(uri);
  return path !== undefined && path === decoded(url);
}

function decoded(target: string): string | undefined {
  if (target === '*') return target;
  try {
    return `/${parsePath(splitTarget(target).path).names.join('/')}`;
  } catch (error) {
    if (error instanceof DavError) return undefined;
    throw error;
  }
}

function digest(hash: string, text: string): string {
  return createHash(hash).update(text).digest('hex');
}

function equal(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
