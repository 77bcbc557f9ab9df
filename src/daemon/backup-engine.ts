import type { Logger } from 'pino';
import type { Remote } from '../cloud/remote.ts';
import type { Gateway } from '../mounts/gateway.ts';
import type { Context } from '../vfs/context.ts';
import { FsError } from '../vfs/fs-error.ts';
import { checkFolder } from '../backup/folder-check.ts';
import { runBackup } from '../backup/run.ts';
import { openBackupStore } from '../backup/store.ts';
import type { BackupProgress, BackupSummary } from '../backup/tally.ts';
import type { BackupEngine, RunOptions } from './backup-controls.ts';
import type { BackupSet, Progress } from './control/wire.ts';

export interface BackupEngineOptions {
  readonly gateway: Gateway;
  readonly remote: Remote;
  /** Fjord's own folder, which must not be mirrored. */
  readonly dataFolder: string;
  /** Where the drive is mounted, or is to be mounted again. */
  readonly mounted: () => string | undefined;
  readonly log: Logger;
}

/** Mirrors folders of this computer into the account of the gateway. */
export class GatewayBackups implements BackupEngine {
  readonly #options: BackupEngineOptions;

  constructor(options: BackupEngineOptions) {
    this.#options = options;
  }

  check(folder: string, others: readonly BackupSet[]): Promise<string> {
    const { dataFolder, mounted } = this.#options;
    const dir = mounted();
    const sets = others.map(({ name, folder: path }) => ({ what: `the backup set ${name}`, path }));
    const mount = dir === undefined ? [] : [{ what: 'the mounted drive', path: dir }];
    return checkFolder(folder, [{ what: 'the data folder of Fjord', path: dataFolder }, ...mount, ...sets]);
  }

  async run(
    { name, folder }: BackupSet,
    { onProgress, confirm }: RunOptions,
    context: Context,
  ): Promise<FsError | undefined> {
    const { gateway, remote, log } = this.#options;
    const space = await remote.openBackup(name, context);
    const summary = await runBackup({
      folder,
      space,
      remote,
      store: await openBackupStore(gateway.stack.db, space.id),
      signal: context.signal,
      confirm,
      onProgress: (progress) => onProgress(toProgress(progress)),
    });
    log.info({ set: name, ...summary }, 'a folder was mirrored');
    await gateway.pull(context);
    if (summary.paused === undefined) return leftOut(name, summary);
    const reason = `${summary.paused}; \`fjord backup run --confirm ${name}\` goes on`;
    throw new FsError('EBUSY', 'backup', { subject: name, reason });
  }

  async remove(name: string, context: Context): Promise<void> {
    const { gateway, remote } = this.#options;
    const { id } = await remote.device(context);
    const spaces = await remote.spaces(context);
    const space = spaces.find((one) => one.kind === 'backup' && one.name === name && one.device?.id === id);
    if (space === undefined) return;
    await remote.removeSpace(space.id, context);
    await gateway.pull(context);
  }
}

function toProgress({ read, total }: BackupProgress): Progress {
  return { done: read, total };
}

function leftOut(name: string, { problems, problemCount }: BackupSummary): FsError | undefined {
  const [first] = problems;
  if (first === undefined) return undefined;
  const more = problemCount > 1 ? `, and ${problemCount - 1} more (see the log)` : '';
  const reason = `all was mirrored but ${first.path}: ${first.reason}${more}`;
  return new FsError('EIO', 'backup', { subject: name, reason });
}
