import type { Readable } from 'node:stream';
import { Pool, type Dispatcher } from 'undici';
import { asFsError, FsError, isGone } from '../../vfs/fs-error.ts';
import { Problem } from '../problem.ts';
import { fromFailure } from './failure.ts';
import { Heartbeat, type GatewayHangs } from './heartbeat.ts';
import { fromLines } from './lines.ts';
import type {
  ArchiveRemoveBody,
  Copied,
  CopyBody,
  KeptVersion,
  ListQuery,
  Listed,
  PurgeBody,
  ReadQuery,
  RestoreBody,
  Trashed,
  TrashFilterBody,
  TrashRestored,
  WriteQuery,
} from './file-wire.ts';
import type {
  AcceptBody,
  BackupBody,
  BackupEditBody,
  BackupPauseBody,
  BackupProblem,
  BackupRemoveBody,
  BackupRunBody,
  BackupSet,
  BackupVerifyBody,
  FolderAddBody,
  FolderBody,
  SyncedFolder,
  Conflict,
  Freed,
  LeaveBody,
  Limits,
  LimitsBody,
  Leaving,
  MountBody,
  OpenIssue,
  PinBody,
  Pinned,
  Progress,
  Proof,
  ResolveBody,
  RevokeBody,
  LinkBody,
  Linked,
  ShareBody,
  Shared,
  UnlinkBody,
  Status,
  VerifyReport,
} from './wire.ts';

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

interface Request {
  readonly method: Dispatcher.HttpMethod;
  readonly path: string;
  readonly query?: Query;
  readonly json?: object;
  readonly body?: Readable;
}

/** A download in progress. `body` must be read completely or destroyed. */
export interface Download {
  readonly file: Listed;
  readonly body: Readable;
}

/** Responses that one command may read at the same time. */
const CONNECTIONS = 8;

/**
 * A client of the running gateway's control socket. All methods throw the gateway's own `FsError`, a `Problem` of kind
 * `unreachable` if no gateway is running, and `GatewayHangs`, within seconds, if it does not respond. It has a method of a line
 * or two for each call, which are more than four hundred lines together.
 */
export class ControlClient {
  readonly #client: Pool;
  readonly #dir: string;
  readonly #signal: AbortSignal;
  readonly #heartbeat: Heartbeat;

  /** @param dir the data folder, for messages @param signal ends all calls */
  constructor(socketPath: string, dir: string, signal: AbortSignal) {
    const patient = { headersTimeout: 0, bodyTimeout: 0, pipelining: 1 };
    // A command fetches files while it is still reading the listing that names them.
    this.#client = new Pool('http://fjord', { socketPath, connections: CONNECTIONS, ...patient });
    this.#dir = dir;
    this.#heartbeat = new Heartbeat(socketPath, dir);
    this.#signal = AbortSignal.any([signal, this.#heartbeat.signal]);
  }

  async status(): Promise<Status> {
    return (await this.#json({ method: 'GET', path: '/status' })) as Status;
  }

  async stat(path: string): Promise<Listed> {
    return (await this.#json({ method: 'GET', path: '/stat', query: { path } })) as Listed;
  }

  /** Whether there is a folder at the path; false if nothing is there. */
  async isFolder(path: string): Promise<boolean> {
    try {
      return (await this.stat(path)).kind === 'folder';
    } catch (error) {
      if (isGone(error)) return false;
      throw error;
    }
  }

  /** Yields children in the order of their names; with `recursive`, each folder before its content. */
  list(query: ListQuery): AsyncIterable<Listed> {
    return this.#lines({ method: 'GET', path: '/list', query }) as AsyncIterable<Listed>;
  }

  async read(query: ReadQuery): Promise<Download> {
    const { headers, body } = await this.#send({ method: 'GET', path: '/file', query });
    const file = JSON.parse(decodeURIComponent(String(headers['x-fjord-file']))) as Listed;
    return { file, body };
  }

  /** Like `read`, but resolves to `undefined` if the file has been removed. */
  async readIfThere(query: ReadQuery): Promise<Download | undefined> {
    try {
      return await this.read(query);
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  async write(query: WriteQuery, body: Readable): Promise<Listed> {
    return (await this.#json({ method: 'PUT', path: '/file', query, body })) as Listed;
  }

  /** Creates a folder and missing folders above it. Does nothing if it exists. */
  async mkdir(path: string): Promise<void> {
    await this.#json({ method: 'POST', path: '/folder', json: { path } });
  }

  async symlink(path: string, target: string): Promise<void> {
    await this.#json({ method: 'POST', path: '/symlink', json: { path, target } });
  }

  /** Copies inside the drive. @throws FsError if the node itself cannot be copied */
  async copy(body: CopyBody): Promise<Copied> {
    return (await this.#json({ method: 'POST', path: '/copy', json: body })) as Copied;
  }

  async versions(path: string): Promise<KeptVersion[]> {
    return (await this.#json({ method: 'GET', path: '/versions', query: { path } })) as KeptVersion[];
  }

  async restore(body: RestoreBody): Promise<void> {
    await this.#json({ method: 'POST', path: '/restore', json: body });
  }

  trash(): AsyncIterable<Trashed> {
    return this.#lines({ method: 'GET', path: '/trash' }) as AsyncIterable<Trashed>;
  }

  async restoreTrash(node: string): Promise<void> {
    await this.#json({ method: 'POST', path: '/trash/restore', json: { node } });
  }

  async restoreRemoved(filter: TrashFilterBody): Promise<TrashRestored> {
    return (await this.#json({ method: 'POST', path: '/trash/restore-removed', json: filter })) as TrashRestored;
  }

  async purgeTrash(body: PurgeBody): Promise<void> {
    await this.#json({ method: 'POST', path: '/trash/purge', json: body });
  }

  async folders(): Promise<SyncedFolder[]> {
    return (await this.#json({ method: 'GET', path: '/folders' })) as SyncedFolder[];
  }

  async addFolder(body: FolderAddBody): Promise<SyncedFolder> {
    return (await this.#json({ method: 'POST', path: '/folders', json: body })) as SyncedFolder;
  }

  async removeFolder(body: FolderBody): Promise<void> {
    await this.#json({ method: 'POST', path: '/folders/remove', json: body });
  }

  async pauseFolder(body: FolderBody): Promise<void> {
    await this.#json({ method: 'POST', path: '/folders/pause', json: body });
  }

  async resumeFolder(body: FolderBody): Promise<void> {
    await this.#json({ method: 'POST', path: '/folders/resume', json: body });
  }

  async shares(): Promise<Shared[]> {
    return (await this.#json({ method: 'GET', path: '/shares' })) as Shared[];
  }

  async share(body: ShareBody): Promise<Shared> {
    return (await this.#json({ method: 'POST', path: '/shares', json: body })) as Shared;
  }

  async acceptShare(body: AcceptBody): Promise<Shared> {
    return (await this.#json({ method: 'POST', path: '/shares/accept', json: body })) as Shared;
  }

  async declineShare(body: AcceptBody): Promise<void> {
    await this.#json({ method: 'POST', path: '/shares/decline', json: body });
  }

  async leaveShare(body: LeaveBody): Promise<void> {
    await this.#json({ method: 'POST', path: '/shares/leave', json: body });
  }

  async revokeShare(body: RevokeBody): Promise<void> {
    await this.#json({ method: 'POST', path: '/shares/revoke', json: body });
  }

  async pins(): Promise<Pinned> {
    return (await this.#json({ method: 'GET', path: '/pins' })) as Pinned;
  }

  /** Pins or unpins; resolves to what is pinned then. */
  async pin(body: PinBody): Promise<Pinned> {
    return (await this.#json({ method: 'POST', path: '/pins', json: body })) as Pinned;
  }

  async free(path: string): Promise<Freed> {
    return (await this.#json({ method: 'POST', path: '/free', json: { path } })) as Freed;
  }

  async links(): Promise<Linked[]> {
    return (await this.#json({ method: 'GET', path: '/links' })) as Linked[];
  }

  async link(body: LinkBody): Promise<Linked> {
    return (await this.#json({ method: 'POST', path: '/links', json: body })) as Linked;
  }

  /** Resolves to the number of links that have ended. */
  async unlink(body: UnlinkBody): Promise<number> {
    return ((await this.#json({ method: 'POST', path: '/links/remove', json: body })) as { removed: number }).removed;
  }

  async issues(): Promise<OpenIssue[]> {
    return (await this.#json({ method: 'GET', path: '/issues' })) as OpenIssue[];
  }

  async resolve(body: ResolveBody): Promise<void> {
    await this.#json({ method: 'POST', path: '/issues/resolve', json: body });
  }

  async conflicts(): Promise<Conflict[]> {
    return (await this.#json({ method: 'GET', path: '/conflicts' })) as Conflict[];
  }

  /** Retries parked changes. Resolves to their number. */
  async retry(): Promise<number> {
    return ((await this.#json({ method: 'POST', path: '/retry' })) as { retried: number }).retried;
  }

  /** Compares the drive with the cloud, and repairs it. */
  async verify(): Promise<Proof> {
    return (await this.#json({ method: 'POST', path: '/verify' })) as Proof;
  }

  /** Confirms held changes. Resolves to their number. */
  async confirm(): Promise<number> {
    return ((await this.#json({ method: 'POST', path: '/confirm' })) as { confirmed: number }).confirmed;
  }

  /** Yields progress, and ends when everything below the path is in the cloud. */
  flush(path: string): AsyncIterable<Progress> {
    return this.#lines({ method: 'POST', path: '/flush', json: { path } }) as AsyncIterable<Progress>;
  }

  async backups(): Promise<BackupSet[]> {
    return (await this.#json({ method: 'GET', path: '/backups' })) as BackupSet[];
  }

  async addBackup(body: BackupBody): Promise<BackupSet> {
    return (await this.#json({ method: 'POST', path: '/backups', json: body })) as BackupSet;
  }

  async editBackup(body: BackupEditBody): Promise<BackupSet> {
    return (await this.#json({ method: 'POST', path: '/backups/edit', json: body })) as BackupSet;
  }

  async removeBackup(body: BackupRemoveBody): Promise<void> {
    await this.#json({ method: 'POST', path: '/backups/remove', json: body });
  }

  /** Returns when the run is to begin. */
  async startBackup(body: BackupRunBody): Promise<void> {
    await this.#json({ method: 'POST', path: '/backups/start', json: body });
  }

  /** Ends when all that is there now is in the cloud; the run goes on if the caller does not wait for that any more. */
  runBackup(body: BackupRunBody): AsyncIterable<Progress> {
    return this.#lines({ method: 'POST', path: '/backups/run', json: body }) as AsyncIterable<Progress>;
  }

  async pauseBackups(body: BackupPauseBody): Promise<void> {
    await this.#json({ method: 'POST', path: '/backups/pause', json: body });
  }

  async resumeBackups(body: BackupPauseBody): Promise<void> {
    await this.#json({ method: 'POST', path: '/backups/resume', json: body });
  }

  verifyBackup(body: BackupVerifyBody): AsyncIterable<VerifyReport> {
    return this.#lines({ method: 'POST', path: '/backups/verify', json: body }) as AsyncIterable<VerifyReport>;
  }

  backupLog(name: string): AsyncIterable<BackupProblem> {
    return this.#lines({ method: 'GET', path: '/backups/log', query: { name } }) as AsyncIterable<BackupProblem>;
  }

  /** Resolves to an address of the status page that signs a browser in, once. */
  async openPage(): Promise<string> {
    return ((await this.#json({ method: 'POST', path: '/page' })) as { link: string }).link;
  }

  async removeArchived(body: ArchiveRemoveBody): Promise<void> {
    await this.#json({ method: 'POST', path: '/archive/remove', json: body });
  }

  async limits(): Promise<Limits> {
    return (await this.#json({ method: 'GET', path: '/limits' })) as Limits;
  }

  async setLimits(body: LimitsBody): Promise<Limits> {
    return (await this.#json({ method: 'POST', path: '/limits', json: body })) as Limits;
  }

  /** Mounts the drive. Resolves to the real path of the mount point. */
  async mount(body: MountBody): Promise<string> {
    return ((await this.#json({ method: 'POST', path: '/mount', json: body })) as { dir: string }).dir;
  }

  /** Unmounts the drive. Resolves to the former mount point. */
  async unmount(lazy: boolean): Promise<string> {
    return ((await this.#json({ method: 'POST', path: '/unmount', json: { lazy } })) as { dir: string }).dir;
  }

  /**
   * Stops the gateway. Yields the progress of uploading queued changes, then what is left and the process to wait for.
   */
  down(drain: boolean): AsyncIterable<Progress | Leaving> {
    return this.#lines({ method: 'POST', path: '/down', json: { drain } }) as AsyncIterable<Progress | Leaving>;
  }

  async close(): Promise<void> {
    await Promise.all([this.#client.destroy(), this.#heartbeat.close()]);
  }

  /** Throws the error of a failed call, or `GatewayHangs` if that is the cause. */
  #lost(error: unknown): never {
    throw this.#heartbeat.signal.aborted ? (this.#heartbeat.signal.reason as GatewayHangs) : error;
  }

  async #json(request: Request): Promise<unknown> {
    const { body } = await this.#send(request);
    return body.json().catch((error: unknown) => this.#lost(error));
  }

  async *#lines(request: Request): AsyncGenerator {
    const { body } = await this.#send(request);
    try {
      yield* fromLines(body, request.path);
    } catch (error) {
      this.#lost(error);
    }
  }

  async #send({ method, path, query = {}, json, body }: Request): Promise<Dispatcher.ResponseData> {
    this.#heartbeat.start();
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
    const type = body === undefined ? 'application/json' : 'application/octet-stream';
    const response = await this.#try(path, {
      method,
      path: search.size === 0 ? path : `${path}?${search.toString()}`,
      headers: json === undefined && body === undefined ? {} : { 'content-type': type },
      body: body ?? (json === undefined ? null : JSON.stringify(json)),
      signal: this.#signal,
    });
    if (response.statusCode < 300) return response;
    throw fromFailure(await response.body.json().catch(() => undefined), path);
  }

  async #try(op: string, options: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData> {
    try {
      return await this.#client.request(options);
    } catch (error) {
      if (this.#heartbeat.signal.aborted) this.#lost(error);
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ECONNREFUSED') throw notRunning(this.#dir, error);
      if (code === 'EACCES')
        throw new Problem(
          'refused',
          `${this.#dir}: this Fjord was started by another user; run the command as that user`,
        );
      if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET') {
        throw new FsError('EAGAIN', op, {
          reason: 'the gateway ended before its response was complete; run the command again',
          cause: error,
        });
      }
      throw asFsError(error, op);
    }
  }
}

function notRunning(dir: string, cause: unknown): Problem {
  return new Problem('unreachable', `Fjord is not running for ${dir}; start it with \`fjord start\` or \`fjord up\``, {
    cause,
  });
}
