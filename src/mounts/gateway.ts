import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Remote } from '../cloud/remote.ts';
import type { TrashRecord, VersionRecord } from '../cloud/records.ts';
import type { Entry } from '../cache/tree/entry.ts';
import { background, type Context } from '../vfs/context.ts';
import type { FileSystem } from '../vfs/file-system.ts';
import { FsError } from '../vfs/fs-error.ts';
import type { NodeId } from '../vfs/node.ts';
import { splitPath, walk } from '../vfs/walk.ts';
import { compose, type GatewayOptions, type Stack } from './compose.ts';
import type { ListedConflict } from './sync/conflict/conflicts.ts';
import type { Issue } from './sync/issues.ts';
import { flush, type FlushProgress } from './flush.ts';
import { free, type Freed } from './pins/freer.ts';
import type { PinStatus } from './pins/keeper.ts';
import { inward } from './sync/shared-root.ts';
import { parkedIn, syncStatus, type ParkedChange, type SyncStatus } from './sync-status.ts';
import type { Verification, VerifiedStatus } from './sync/verify/verifier.ts';
import { type RemovedFilter, restoreRemoved, type Restored } from './restore-removed.ts';
import { resolveConflict, type Kept } from './resolve-conflict.ts';

export interface GatewayStatus extends SyncStatus {
  readonly cache: { readonly bytes: number; readonly limit: number; readonly entries: number };
  /** Bytes of files that wait for their upload, or stay here. */
  readonly staged: number;
  /** Files that programs have open. */
  readonly open: number;
  /** Blocks of the account that the cloud has found damaged. */
  readonly damaged: number;
  /** The last comparison of the catalog with the cloud. */
  readonly verified: VerifiedStatus;
}

/** Issues that are named one by one. */
const NAMED = 100;
/** Interval between checks whether the cloud has reported the spaces, ms. */
const LOOK = 10;

/** One account's drive on this computer: what doors, commands and agents use. Paths begin at the root of the drive. */
export class Gateway {
  readonly #stack: Stack;
  readonly #remote: Remote;
  #closing: Promise<void> | undefined;

  private constructor(stack: Stack, remote: Remote) {
    this.#stack = stack;
    this.#remote = remote;
  }

  /**
   * Opens the data folder, creating it if needed; serves at once, without the network.
   * @throws EBUSY if another process has the folder open; EIO if it is damaged
   */
  static async open(options: GatewayOptions): Promise<Gateway> {
    const stack = await compose(options);
    stack.start();
    return new Gateway(stack, options.remote);
  }

  /** The drive with the rules that programs meet. */
  get fs(): FileSystem {
    return this.#stack.fs;
  }

  /** The drive without policies: sealed files can be read. */
  get raw(): FileSystem {
    return this.#stack.raw;
  }

  /** The parts, for tests and for agents that run beside the drive. */
  get stack(): Stack {
    return this.#stack;
  }

  /**
   * Resolves when the drive has its folders. Before this computer's first contact with the cloud it has none, and
   * programs would see an empty drive; after `timeout` ms without contact it resolves anyway.
   */
  async ready(timeout: number): Promise<void> {
    const { catalog } = this.#stack;
    for (const end = performance.now() + timeout; performance.now() < end; await sleep(LOOK)) {
      if ((await catalog.spaces()).length > 0) return;
    }
  }

  status(): GatewayStatus {
    const { journal, catalog, store, staging, files, uploader, follower, healer, verifier } = this.#stack;
    const sync = syncStatus({ journal, catalog, uploader, follower });
    const { damaged } = healer;
    return {
      ...sync,
      cache: store.usage(),
      staged: staging.usage(),
      open: files.size,
      damaged,
      verified: verifier.status,
    };
  }

  /** Resolves when every change below the path that was journaled before is in the cloud. See `flush` in `flush.ts`. */
  async flush(
    path = '/',
    onProgress: (progress: FlushProgress) => void = () => undefined,
    context = background,
  ): Promise<void> {
    const { journal, catalog, activity, files, uploader, policyOf } = this.#stack;
    const scope = splitPath(path, 'flush').length === 0 ? undefined : (await this.#find(path, 'flush', context)).id;
    await files.flush();
    await flush({ journal, catalog, activity, policyOf, uploader }, scope, onProgress, context);
  }

  /** Shows everything that is in the cloud now. @throws FsError as `Remote` does */
  async pull({ signal }: Context): Promise<void> {
    await this.#stack.follower.pull(signal);
  }

  /** While an agent of this computer fills a space, the drive shows it with some delay. Returns what ends that; see `Follower`. */
  unhurried(space: string): () => void {
    return this.#stack.follower.unhurried(space);
  }

  conflicts(): Promise<ListedConflict[]> {
    return this.#stack.conflicts.list(this.#stack.catalog);
  }

  /** What of the cloud cannot be shown, or is lost: how many in all, and the first of them. */
  async issues(): Promise<{ readonly count: number; readonly first: readonly Issue[] }> {
    const { issues, writer } = this.#stack;
    const settled = (await issues.list(Infinity)).filter(
      ({ rescued }) => rescued !== undefined && !existsSync(rescued),
    );
    if (settled.length > 0) await writer.write(settled.flatMap(({ space, node }) => issues.remove(space, node)));
    return { count: issues.size, first: await issues.list(NAMED) };
  }

  /** Every change that the cloud refuses. */
  parkedChanges(): Iterable<ParkedChange> {
    return parkedIn(this.#stack);
  }

  /** Ends a conflict. @throws ENOENT, and what the drive refuses */
  async resolveConflict(node: NodeId, kept: Kept, context: Context): Promise<void> {
    await resolveConflict(this.#stack, node, kept, context);
  }

  /** Gives a node another name in its folder. @throws EEXIST, EINVAL, and what the drive refuses */
  async rename(node: NodeId, name: string, context: Context): Promise<void> {
    const entry = this.#stack.catalog.get(node);
    if (entry === undefined) throw new FsError('ESTALE', 'rename', { subject: node });
    const { parent } = entry;
    await this.fs.rename({ parent, name: entry.name }, { parent, name }, { noReplace: true }, context);
  }

  /**
   * Keeps the content of a file, or of everything in a folder, on this computer, or ends that. Resolves when it is decided; the content
   * comes in the background. @throws EPERM in the Archive
   */
  async pin(path: string, pinned: boolean, context: Context): Promise<void> {
    const { pins, keeper, policyOf } = this.#stack;
    const entry = await this.#find(path, 'pin', context);
    if (policyOf(entry).uploaded === 'drop') {
      const reason = 'the Archive keeps its content in the cloud only; `fjord get` copies it to this computer';
      throw new FsError('EPERM', 'pin', { subject: path, reason });
    }
    await pins.set(entry, pinned);
    await keeper.survey();
  }

  /** Removes cached content from the disk, but for what is pinned, open, or not in the cloud yet. */
  async free(path: string, context: Context): Promise<Freed> {
    return await free(this.#stack, await this.#find(path, 'free', context), context);
  }

  /** The pinned nodes with their paths, and how far their content is here. */
  pins(): { readonly paths: readonly string[]; readonly status: PinStatus } {
    const { pins, keeper, catalog } = this.#stack;
    const paths = [...pins.marked()].flatMap(([entry, { pinned }]) => (pinned ? [catalog.path(entry)] : []));
    return { paths: paths.sort(), status: keeper.status };
  }

  /** Compares the catalog with the cloud now, and repairs it. @throws FsError as `Remote` does */
  verify(): Promise<Verification> {
    return this.#stack.verifier.verify();
  }

  /** Retries parked changes; returns their number. */
  retry(): number {
    const retried = this.#stack.parked.retry();
    this.#stack.uploader.reachable();
    return retried;
  }

  /** Applies mass removals made elsewhere; returns their number. */
  confirm(): number {
    const { held } = this.#stack.follower.status;
    this.#stack.follower.confirm();
    return held.length;
  }

  /** Newest first. @throws ENOENT; EAGAIN while the cloud cannot be reached */
  async versions(path: string, context: Context): Promise<VersionRecord[]> {
    return await this.#remote.versions((await this.#file(path, 'versions', context)).id, context);
  }

  /** The bytes of a kept version; fetched as they are read. */
  async *readVersion(path: string, version: string, context: Context): AsyncGenerator<Uint8Array> {
    const kept = await this.versions(path, context);
    const found = kept.find(({ id }) => id === version);
    if (found === undefined) throw noVersion(path, version);
    const { store } = this.#stack;
    const reader = store.open({ hash: found.hash, size: found.size, version: found.id });
    try {
      for (let position = 0; position < found.size;) {
        const chunk = Buffer.allocUnsafe(Math.min(1 << 20, found.size - position));
        const count = await reader.read(chunk, position, context);
        if (count === 0)
          throw new FsError('EIO', 'read', {
            subject: path,
            reason: 'the cloud sent less content than the version has',
          });
        yield chunk.subarray(0, count);
        position += count;
      }
    } finally {
      reader.close();
    }
  }

  /** Makes a kept version the newest again; the drive shows it when this resolves. */
  async restoreVersion(path: string, version: string, context: Context): Promise<void> {
    const { id } = await this.#file(path, 'restore', context);
    const record = await this.#remote.restoreVersion(id, version, context);
    this.#stack.follower.offer(inward(this.#stack.catalog, record));
    await this.pull(context);
  }

  trash(context: Context): AsyncIterable<TrashRecord> {
    return this.#remote.trash(context);
  }

  /** Restores a node from the Trash; the drive shows it when this resolves. */
  async restoreTrash(node: string, context: Context): Promise<void> {
    await this.#remote.restoreTrash(node, context);
    await this.pull(context);
  }

  /** Restores everything in the Trash that the filter names; the drive shows it when this resolves. */
  async restoreRemoved(filter: RemovedFilter, context: Context): Promise<Restored> {
    const restored = await restoreRemoved(this.#remote, filter, context);
    await this.pull(context);
    return restored;
  }

  /**
   * Deletes permanently. For nodes from Archive, or from another computer's backup, the account's password is needed.
   * @throws EACCES
   */
  async purgeTrash(node: string, password: string | undefined, context: Context): Promise<void> {
    await this.#remote.purgeTrash(node, password, context);
    // What had no room may have it now.
    this.#stack.quota.refresh();
  }

  /** Moves a node from Archive to the Trash, for which the account's password is needed. @throws EACCES */
  async removeArchived(path: string, password: string, context: Context): Promise<void> {
    const { id } = await this.#find(path, 'remove', context);
    await this.#remote.removeArchived(id, password, context);
    this.#stack.quota.refresh();
    await this.pull(context);
  }

  /** Queued changes stay queued; call `flush` first to send them. Doors must be closed before. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#stack.close();
    return this.#closing;
  }

  async #find(path: string, op: string, context: Context): Promise<Entry> {
    const { id } = await walk(this.#stack.raw, splitPath(path, op), context);
    const entry = this.#stack.catalog.get(id);
    if (entry === undefined) throw new FsError('ESTALE', op, { subject: path });
    return entry;
  }

  async #file(path: string, op: string, context: Context): Promise<Entry> {
    const entry = await this.#find(path, op, context);
    if (entry.kind === 'folder') throw new FsError('EISDIR', op, { subject: path });
    if (entry.kind === 'symlink')
      throw new FsError('EINVAL', op, { subject: path, reason: 'symbolic links have no versions' });
    return entry;
  }
}

function noVersion(path: string, version: string): FsError {
  return new FsError('ENOENT', 'read', {
    subject: path,
    reason: `there is no version ${version} of it; \`fjord versions\` lists them`,
  });
}
