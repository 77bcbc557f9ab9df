import type { Gateway } from '../mounts/gateway.ts';
import type { Context } from '../vfs/context.ts';
import { FsError } from '../vfs/fs-error.ts';
import type { IssueList } from './control/controls.ts';
import type { OpenIssue, ResolveBody, Shared } from './control/wire.ts';
import { folderIssues } from './issues/folder-issues.ts';
import { backupIssues, invitationIssues, mountIssues, sessionIssues } from './issues/account-issues.ts';
import { gatewayIssues } from './issues/gateway-issues.ts';
import type { Found } from './issues/issue-parts.ts';
import type { MountState } from './mount-point.ts';
import type { BackupControls } from './backup-controls.ts';
import type { FolderControls } from './folder-controls.ts';
import type { ShareControls } from './share-controls.ts';

export interface IssueControlsOptions {
  readonly gateway: Gateway;
  readonly backups: Pick<BackupControls, 'list'>;
  readonly folders: Pick<FolderControls, 'list'>;
  readonly shares: Pick<ShareControls, 'list'>;
  readonly mount: () => MountState;
  readonly email: string;
  readonly cloudUrl: string;
}

/** How long the cloud may take to name the invitations, ms; without it the last ones are shown. */
const TIMEOUT = 2000;
/** How old they may be in a status, ms. */
const FRESH = 60_000;

/** Everything that needs a person, in one list. */
export class IssueControls implements IssueList {
  readonly #options: IssueControlsOptions;
  #shares: readonly Shared[] = [];
  #askedAt = -Infinity;
  #asking: Promise<void> | undefined;

  constructor(options: IssueControlsOptions) {
    this.#options = options;
  }

  async list(context: Context): Promise<OpenIssue[]> {
    return (await this.#found(context)).map(({ issue }) => issue);
  }

  /** From what is known now, without the network. */
  async count(): Promise<{ readonly issues: number; readonly advice: number }> {
    if (performance.now() - this.#askedAt > FRESH) void this.#ask(AbortSignal.timeout(TIMEOUT));
    const { gateway } = this.#options;
    const found = await this.#from(gateway.stack.names.known);
    const advice = found.filter(({ issue }) => issue.advice === true).length;
    return { issues: found.length - advice, advice };
  }

  async resolve({ id, keep, rename }: ResolveBody, context: Context): Promise<void> {
    const found = (await this.#found(context)).find(({ issue }) => issue.id === id);
    if (found === undefined) {
      const reason = 'there is no such issue, or it is over; `fjord issues` lists them';
      throw new FsError('ENOENT', 'resolve', { subject: id, reason });
    }
    const { issue, node } = found;
    const { gateway } = this.#options;
    if (keep !== undefined && issue.kind === 'conflict' && node !== undefined) {
      return await gateway.resolveConflict(node, keep, context);
    }
    if (rename !== undefined && node !== undefined) return await gateway.rename(node, rename, context);
    const how = issue.command === undefined ? issue.remedy : `use \`${issue.command}\``;
    throw new FsError('EINVAL', 'resolve', { subject: id, reason: `this cannot be resolved in this way: ${how}` });
  }

  async #found({ signal }: Context): Promise<Found[]> {
    await this.#ask(AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT)]));
    return await this.#from(await this.#options.gateway.stack.names.list());
  }

  async #from(names: Parameters<typeof gatewayIssues>[1]): Promise<Found[]> {
    const { gateway, backups, folders, mount, email, cloudUrl } = this.#options;
    return [
      ...sessionIssues(gateway.status(), email, cloudUrl),
      ...mountIssues(mount()),
      ...(await gatewayIssues(gateway, names)),
      ...backupIssues(backups.list()),
      ...folderIssues(folders.list()),
      ...invitationIssues(this.#shares),
    ];
  }

  /** Never rejects: what the cloud has said last counts while it is out of reach. */
  #ask(signal: AbortSignal): Promise<void> {
    this.#askedAt = performance.now();
    this.#asking ??= this.#options.shares
      .list({ signal, once: true })
      .then(
        (shares) => void (this.#shares = shares),
        () => undefined,
      )
      .finally(() => (this.#asking = undefined));
    return this.#asking;
  }
}
