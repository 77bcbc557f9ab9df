import type { Logger } from 'pino';
import PQueue from 'p-queue';
import type { Remote } from '../cloud/remote.ts';
import type { Gateway } from '../mounts/gateway.ts';
import type { Context } from '../vfs/context.ts';
import { asFsError, FsError } from '../vfs/fs-error.ts';
import type { BackupSet } from '../backup/agent/backup-set.ts';
import type { RunRequest } from '../backup/agent/set-agent.ts';
import { BackupIndex } from '../backup/backup-index.ts';
import type { Priority } from '../backup/source-thread.ts';
import { Exclusions } from '../backup/exclusions.ts';
import { checkFolder } from '../backup/folder-check.ts';
import { rereadDamaged } from '../backup/reread.ts';
import { runBackup } from '../backup/run.ts';
import { openBackupStore } from '../backup/store.ts';
import type { BackupSummary } from '../backup/tally.ts';
import type { Halt } from '../backup/halt.ts';
import { ProblemLog, type LoggedProblem } from '../backup/problem-log.ts';
import { askSource } from '../backup/start-source-thread.ts';
import type { VolumeId } from '../backup/volume.ts';
import { Verification } from '../backup/verify.ts';
import type { BackupEngine, VerifyRequest } from './backup-controls.ts';
import { restoreSet } from './backup-restore.ts';
import type { OnProgress } from './control/controls.ts';
import type { BackupRestoreBody, Restored } from './control/wire.ts';

export interface BackupEngineOptions {
  readonly gateway: Gateway;
  readonly remote: Remote;
  /** Fjord's data folder, which must not be mirrored. */
  readonly dataFolder: string;
  /** The local folders that are synced. */
  readonly synced: () => readonly string[];
  /** The folder where the drive is mounted, or is about to be mounted again. */
  readonly mounted: () => string | undefined;
  readonly log: Logger;
  readonly priority: Priority;
  /** Most sets that run at the same time. */
  readonly parallel: number;
}

/** Ms after which a run whose disk does not answer gives up its place. */
const SILENT = 2000;
/** Ms that a person who adds a folder waits for its disk. */
const TIMEOUT = 15_000;
/** Changes up to which the drive shows them all when a run ends. More of them it shows soon after: they are in the cloud. */
const SHOWN = 5000;

/** Mirrors folders of this computer into the gateway's account. */
export class GatewayBackups implements BackupEngine {
  readonly #options: BackupEngineOptions;
  readonly #runs: PQueue;

  constructor(options: BackupEngineOptions) {
    this.#options = options;
    this.#runs = new PQueue({ concurrency: options.parallel });
  }

  check(folder: string, others: readonly BackupSet[]): Promise<string> {
    const { dataFolder, mounted, synced } = this.#options;
    const dir = mounted();
    const sets = others.map(({ name, folder: path }) => ({ what: `the backup set ${name}`, path }));
    const mount = dir === undefined ? [] : [{ what: 'the mounted drive', path: dir }];
    const folders = synced().map((path) => ({ what: 'the synced folder', path }));
    return checkFolder(folder, [{ what: "Fjord's data folder", path: dataFolder }, ...mount, ...sets, ...folders]);
  }

  async identify(folder: string, marker: boolean): Promise<VolumeId | undefined> {
    try {
      const signal = AbortSignal.timeout(TIMEOUT);
      return await askSource<VolumeId | undefined>(folder, { ask: 'identify', marker }, signal);
    } catch (error) {
      throw asFsError(error, 'backup', folder);
    }
  }

  async run(set: BackupSet, request: RunRequest): ReturnType<BackupEngine['run']> {
    try {
      const placed = await this.#runs.add(async () => this.#begin(set, request), { signal: request.signal });
      return await placed.running;
    } catch (error) {
      throw request.signal.aborted ? new FsError('EINTR', 'backup', { subject: set.name }) : error;
    }
  }

  /** Resolves when the run gives up its place: at its end, or as its disk does not answer, and others need not wait for that. */
  #begin(set: BackupSet, request: RunRequest): Promise<{ running: ReturnType<BackupEngine['run']> }> {
    return new Promise((resolve) => {
      const onProgress: RunRequest['onProgress'] = (progress) => {
        if (progress.silent >= SILENT) resolve({ running });
        request.onProgress(progress);
      };
      const running = this.#run(set, { ...request, onProgress });
      const end = (): void => resolve({ running });
      running.then(end, end);
    });
  }

  async #run(set: BackupSet, { confirm, ...request }: RunRequest): ReturnType<BackupEngine['run']> {
    const { gateway, remote, log, priority } = this.#options;
    const context = { signal: request.signal };
    const { name, folder, exclude, oneFileSystem, volume } = set;
    const space = await remote.openBackup(name, context);
    const store = await openBackupStore(gateway.stack.db, space.id);
    if (request.scope === undefined) {
      const reread = await rereadDamaged(new BackupIndex(store), remote, context);
      if (reread > 0) log.warn({ set: name, files: reread }, 'the cloud has damaged content, which is read again');
    }
    const rules = { exclude, oneFileSystem, volume, confirm, priority };
    const filled = gateway.unhurried(space.id);
    const summary = await runBackup({ folder, space, remote, store, ...rules, ...request }).finally(filled);
    const { problems, ...counts } = summary;
    const whole = request.scope === undefined;
    log[whole ? 'info' : 'debug']({ set: name, whole, ...counts, problems: problems.length }, 'a backup ran');
    if (changesOf(summary) <= SHOWN) await gateway.pull(context);
    const changes: Partial<BackupSet> = { space: space.id };
    if (summary.paused) return { summary, changes };
    const count = request.scope ? await new ProblemLog(store, 0).count() : summary.problemCount;
    return { summary, changes: { ...changes, ...(await this.#volumeOf(set, confirm)), problems: count } };
  }

  /** The volume as it is now: a person may have said that this one is right, or it is not known where it was mounted. */
  async #volumeOf({ folder, volume }: BackupSet, confirm: boolean): Promise<Pick<BackupSet, 'volume'>> {
    if (volume?.kind !== 'uuid' || (!confirm && volume.point !== undefined)) return {};
    const now = await this.identify(folder, false);
    return confirm || now?.id === volume.id ? { volume: now } : {};
  }

  async probe({ folder, volume }: BackupSet, halt: Halt | undefined, signal: AbortSignal): Promise<Halt | undefined> {
    const found = await askSource<Halt | undefined>(folder, { ask: 'check', volume }, signal);
    if (found || halt?.kind !== 'emptied') return found;
    return (await askSource<boolean>(folder, { ask: 'isEmpty' }, signal).catch(() => true)) ? halt : undefined;
  }

  async *problems({ name, space }: BackupSet, context: Context): AsyncGenerator<LoggedProblem> {
    const { gateway, remote } = this.#options;
    const id = space ?? (await remote.openBackup(name, context)).id;
    yield* new ProblemLog(await openBackupStore(gateway.stack.db, id), 0).list();
  }

  async verify({ name, space: id, ...set }: BackupSet, request: VerifyRequest): Promise<void> {
    const { gateway, remote, priority } = this.#options;
    const { folder, exclude = [], oneFileSystem = false, volume } = set;
    const space = (await remote.spaces(request.context)).find((one) => one.id === id);
    const other = await askSource<Halt | undefined>(folder, { ask: 'check', volume }, request.context.signal);
    if (other) throw new FsError('EBUSY', 'verify', { subject: name, reason: other.reason });
    if (space === undefined) {
      const reason = `${name} has no mirror yet; \`fjord backup run ${name}\` makes one`;
      throw new FsError('ENOENT', 'verify', { subject: name, reason });
    }
    const index = new BackupIndex(await openBackupStore(gateway.stack.db, space.id));
    const rules = { exclusions: new Exclusions(exclude), oneFileSystem, priority, random: Math.random };
    const context = { ...request.context, bulk: true };
    try {
      await new Verification({ folder, space, remote, index, ...rules, ...request, context }).run();
    } catch (error) {
      throw asFsError(error, 'verify', name);
    }
  }

  restore(body: BackupRestoreBody, onProgress: OnProgress, context: Context): Promise<Restored> {
    const { remote, mounted } = this.#options;
    return restoreSet({ ...body, remote, mounted: mounted() }, onProgress, context);
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

function changesOf({ added, changed, touched, moved, removed }: BackupSummary): number {
  return added + changed + touched + moved + removed;
}
