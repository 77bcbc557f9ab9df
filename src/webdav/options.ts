import type { FileSystem } from '../vfs/file-system.ts';
import type { Auth } from './auth/auth.ts';
import type { QuotaPolicy } from './door.ts';
import type { LockStore } from './locks/lock-store.ts';
import type { Log } from './log.ts';

/** Times in ms, sizes in bytes. */
export interface Limits {
  /** A request whose body delivers nothing for this long is aborted. */
  readonly bodyIdle: number;
  /** An XML body must be complete within this time. */
  readonly xmlDeadline: number;
  /** Largest XML body. */
  readonly xmlSize: number;
  /** A response of which the client reads nothing for this long is aborted. */
  readonly sendIdle: number;
  /** The head of a request must be complete within this time. */
  readonly headDeadline: number;
  /** Largest total of all header fields of a request. */
  readonly headSize: number;
  /** A connection without a request is closed after this. */
  readonly keepAlive: number;
  /**
   * Most of an unwanted body that is read and discarded, so that the client can read the refusal; then the connection
   * is cut.
   */
  readonly swallow: number;
  /** Longest timeout of a lock. */
  readonly lockTimeout: number;
}

export const DEFAULT_LIMITS: Limits = {
  bodyIdle: 60_000,
  xmlDeadline: 30_000,
  xmlSize: 1024 * 1024,
  sendIdle: 300_000,
  headDeadline: 60_000,
  headSize: 32 * 1024,
  keepAlive: 120_000,
  swallow: 4 * 1024 * 1024,
  lockTimeout: 3_600_000,
};

export interface WebDavServerOptions {
  readonly fs: FileSystem;
  readonly auth: Auth;
  readonly lockStore: LockStore;
  readonly log: Log;
  /** Default `auto`. */
  readonly quota?: QuotaPolicy;
  /** An address that the listings for browsers link to, as that of the program's own page. */
  readonly statusPage?: () => string | undefined;
  /** Names, besides `localhost`, `127.0.0.1` and `[::1]`, by which clients may address the server; without ports. */
  readonly hosts?: readonly string[];
  readonly limits?: Partial<Limits>;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly random?: (size: number) => Buffer;
}

export interface ListenOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  /** PEM. Required to listen on addresses other than loopback. */
  readonly tls?: { readonly cert: string | Buffer; readonly key: string | Buffer };
}
