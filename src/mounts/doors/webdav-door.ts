import { FsError } from '../../vfs/fs-error.ts';
import type { FileSystem } from '../../vfs/file-system.ts';
import type { LibraryServer } from '../../webdav/adapter/library-server.ts';
import { isLoopback } from '../../webdav/hosts.ts';
import type { LockStore } from '../../webdav/locks/lock-store.ts';
import type { Log } from '../../webdav/log.ts';
import type { QuotaPolicy } from '../../webdav/door.ts';
import { WebDavServer } from '../../webdav/server.ts';

export interface WebDavDoorOptions {
  readonly fs: FileSystem;
  readonly lockStore: LockStore;
  readonly engine: 'fjord' | 'webdav-server';
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Names under which clients reach it besides the loopback ones and `host`. */
  readonly names: readonly string[];
  readonly user: string;
  readonly password: string;
  readonly quota: QuotaPolicy;
  /** Of this computer; undefined as long as there is none. */
  readonly statusPage?: () => string | undefined;
  readonly tls?: { readonly cert: string; readonly key: string } | undefined;
  readonly log: Log;
}

export interface WebDavDoor {
  /** The drive's root; ends in `/`. */
  readonly url: string;
  readonly port: number;
  /** Finishes requests under way for a moment, then ends them. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens the drive to WebDAV clients.
 * @throws EBUSY if the port is in use; EACCES for an address beyond this computer without TLS; ENOTSUP for what the
 * package `webdav-server` cannot do
 */
export async function openWebDavDoor(options: WebDavDoorOptions): Promise<WebDavDoor> {
  try {
    const server = options.engine === 'fjord' ? await openOwn(options) : await openLibrary(options);
    return {
      url: server.url,
      port: Number(new URL(server.url).port || defaultPort(server.url)),
      close: () => server.close(),
    };
  } catch (error) {
    throw explain(error, options);
  }
}

async function openOwn(options: WebDavDoorOptions): Promise<WebDavServer> {
  const { fs, lockStore, names, user, password, quota, host, port, tls, log, statusPage } = options;
  const server = new WebDavServer({
    fs,
    lockStore,
    auth: { user, password },
    quota,
    hosts: names,
    log,
    // It is of no use to browsers of other computers.
    ...(statusPage !== undefined && isLoopback(host) ? { statusPage } : {}),
  });
  await server.listen({ host, port, ...(tls === undefined ? {} : { tls }) });
  return server;
}

async function openLibrary({ fs, user, password, host, port, tls, log }: WebDavDoorOptions): Promise<LibraryServer> {
  if (tls !== undefined || !isLoopback(host)) {
    throw new FsError('ENOTSUP', 'listen', {
      subject: host,
      reason:
        'the engine webdav-server only supports 127.0.0.1 without TLS; change webdav.host, or use the engine fjord',
    });
  }
  // Its module `domain` slows down every event of the process, and the package is large.
  const { LibraryServer } = await import('../../webdav/adapter/library-server.ts');
  const onError = (error: unknown): void => log.error({ err: error }, 'webdav-server did not handle an error');
  const server = new LibraryServer({ fs, user, password, onError });
  await server.listen({ port });
  return server;
}

function defaultPort(url: string): number {
  return url.startsWith('https:') ? 443 : 80;
}

function explain(error: unknown, { host, port }: WebDavDoorOptions): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'EADDRINUSE') return error;
  const reason = 'the port is in use by another program; choose another with --port';
  return new FsError('EBUSY', 'listen', { subject: `${host}:${port}`, reason, cause: error });
}
