import { posix } from 'node:path';
import type { Gateway } from '../mounts/gateway.ts';
import type { Context } from '../vfs/context.ts';
import type { FileSystem } from '../vfs/file-system.ts';
import { FsError } from '../vfs/fs-error.ts';
import type { TrashRecord, VersionRecord } from '../cloud/records.ts';
import { list, resolve } from './control/files.ts';
import type { Controls, OnProgress } from './control/controls.ts';
import { describeStatus, type Circumstances } from './gateway-status.ts';
import type {
  ArchiveRemoveBody,
  KeptVersion,
  Listed,
  PurgeBody,
  RestoreBody,
  Trashed,
  TrashFilterBody,
  TrashRestored,
} from './control/file-wire.ts';
import type { Conflict, Limits, LimitsBody, MountBody, Proof, Status } from './control/wire.ts';
import type { BandwidthLimits } from './limits/bandwidth-limits.ts';
import type { BackupControls } from './backup-controls.ts';
import type { LinkControls } from './link-controls.ts';
import type { FolderControls } from './folder-controls.ts';
import type { ShareControls } from './share-controls.ts';
import { IssueControls } from './issue-controls.ts';
import { PinControls } from './pin-controls.ts';
import type { MountPoint } from './mount-point.ts';

export interface GatewayControlsOptions {
  readonly gateway: Gateway;
  readonly backups: BackupControls;
  readonly shares: ShareControls;
  readonly links: LinkControls;
  readonly folders: FolderControls;
  readonly bandwidth: BandwidthLimits;
  readonly mountPoint: MountPoint;
  /** Resolves to the folder's real path. */
  readonly mount: (body: MountBody) => Promise<string>;
  readonly circumstances: Circumstances;
  readonly openPage: () => string;
  /** Ends the program soon. Returns the id of the process to wait for. */
  readonly leave: () => number;
}

/** Implements the operations of the control socket on a gateway. */
export class GatewayControls implements Controls {
  readonly #gateway: Gateway;
  readonly #circumstances: Circumstances;
  readonly #mountPoint: MountPoint;
  readonly mount: GatewayControlsOptions['mount'];
  readonly openPage: GatewayControlsOptions['openPage'];
  readonly #leave: () => number;
  readonly backups: BackupControls;
  readonly folders: FolderControls;
  readonly shares: ShareControls;
  readonly pins: PinControls;
  readonly links: LinkControls;
  readonly issues: IssueControls;
  readonly #bandwidth: BandwidthLimits;

  constructor(options: GatewayControlsOptions) {
    const { gateway, backups, shares, links, folders, bandwidth, mountPoint, mount, circumstances, openPage, leave } =
      options;
    this.#gateway = gateway;
    this.#mountPoint = mountPoint;
    this.mount = mount;
    this.openPage = openPage;
    this.#circumstances = circumstances;
    this.#leave = leave;
    this.backups = backups;
    this.shares = shares;
    this.folders = folders;
    this.pins = new PinControls(gateway);
    this.links = links;
    const { account: email, cloudUrl } = circumstances;
    this.issues = new IssueControls({
      gateway,
      backups,
      folders,
      shares,
      mount: () => mountPoint.state,
      email,
      cloudUrl,
    });
    this.#bandwidth = bandwidth;
  }

  get fs(): FileSystem {
    return this.#gateway.fs;
  }

  get raw(): FileSystem {
    return this.#gateway.raw;
  }

  async status(): Promise<Status> {
    const { limits } = this.#bandwidth;
    const open = await this.issues.count();
    return await describeStatus(this.#gateway, this.#circumstances, this.#mountPoint.state, {
      open,
      backups: this.backups.list(),
      folders: this.folders.list(),
      limits,
      transferred: this.#bandwidth.transferred,
    });
  }

  limits(): Limits {
    return this.#bandwidth.limits;
  }

  setLimits(body: LimitsBody): Promise<Limits> {
    return this.#bandwidth.set(body);
  }

  async versions(path: string, context: Context): Promise<KeptVersion[]> {
    await resolve(this.raw, path, 'versions', context);
    return (await this.#gateway.versions(path, context)).map(keptVersion);
  }

  async readVersion(path: string, id: string, context: Context): Promise<[Listed, AsyncIterable<Uint8Array>]> {
    const now = await list(this.raw, await resolve(this.raw, path, 'open', context), path, context);
    const kept = (await this.#gateway.versions(path, context)).find((version) => version.id === id);
    if (kept === undefined) {
      throw new FsError('ENOENT', 'open', {
        subject: path,
        reason: `there is no version ${id} of it; \`fjord versions\` lists them`,
      });
    }
    const then = { ...now, size: kept.size, mtime: kept.mtime, version: kept.id };
    return [then, this.#gateway.readVersion(path, id, context)];
  }

  async restore({ path, version }: RestoreBody, context: Context): Promise<void> {
    await resolve(this.raw, path, 'restore', context);
    await this.#gateway.restoreVersion(path, version, context);
  }

  async *trash(context: Context): AsyncGenerator<Trashed> {
    for await (const record of this.#gateway.trash(context)) yield trashed(record);
  }

  async restoreTrash(node: string, context: Context): Promise<void> {
    await this.#gateway.restoreTrash(node, context);
  }

  async restoreRemoved(filter: TrashFilterBody, context: Context): Promise<TrashRestored> {
    const { items, failures } = await this.#gateway.restoreRemoved(filter, context);
    return { items, failures: failures.map(({ path, error }) => ({ path, reason: error.reason ?? error.code })) };
  }

  async purgeTrash({ node, password }: PurgeBody, context: Context): Promise<void> {
    await this.#gateway.purgeTrash(node, password, context);
  }

  async conflicts(): Promise<Conflict[]> {
    const found = await this.#gateway.conflicts();
    return found.map(({ path, name, at }) => ({ path, original: posix.join(posix.dirname(path), name), at }));
  }

  retry(): number {
    return this.#gateway.retry();
  }

  verify(): Promise<Proof> {
    return this.#gateway.verify();
  }

  confirm(): number {
    return this.#gateway.confirm() + this.backups.confirm() + this.folders.confirm();
  }

  async flush(path: string, onProgress: OnProgress, context: Context): Promise<void> {
    await resolve(this.raw, path, 'flush', context);
    let most = 0;
    await this.#gateway.flush(
      path,
      ({ done, total, bytes, waits }) => {
        most = Math.max(most, bytes);
        onProgress({ done: { files: done, bytes: most - bytes }, total: { files: total, bytes: most }, waits });
      },
      context,
    );
  }

  async removeArchived({ path, password }: ArchiveRemoveBody, context: Context): Promise<void> {
    await resolve(this.raw, path, 'remove', context);
    await this.#gateway.removeArchived(path, password, context);
  }

  unmount(lazy: boolean): Promise<string> {
    return this.#mountPoint.unmount({ lazy });
  }

  leave(): number {
    return this.#leave();
  }
}

function keptVersion({ id, size, mtime, created, current }: VersionRecord): KeptVersion {
  return { id, size, mtime, created, current };
}

function trashed({ node, path, size, files, removed, expires, by }: TrashRecord): Trashed {
  const who = by?.device ?? by?.account;
  const about = { node: node.id, path, kind: node.kind, size, files, removed, expires };
  return { ...about, ...(who === undefined ? {} : { by: who }) };
}
