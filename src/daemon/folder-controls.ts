import { randomUUID } from 'node:crypto';
import { resolve } from 'node:path';
import PQueue from 'p-queue';
import type { Clock } from '../backup/agent/clock.ts';
import { checkPatterns } from '../backup/exclusions.ts';
import { checkFolder, type TakenFolder } from '../backup/folder-check.ts';
import { openBackupStore } from '../backup/store.ts';
import { digestsOf } from '../local-folder/digests-of.ts';
import { FolderAgent } from '../local-folder/folder-agent.ts';
import type { FolderPair } from '../local-folder/folder-pair.ts';
import { FolderSync } from '../local-folder/folder-sync.ts';
import type { Gateway } from '../mounts/gateway.ts';
import { twoWay } from '../mounts/policy/reconcile.ts';
import { conflictName } from '../mounts/sync/conflict/conflict.ts';
import type { Context } from '../vfs/context.ts';
import { asFsError, FsError } from '../vfs/fs-error.ts';
import type { Attr } from '../vfs/node.ts';
import { find, splitPath } from '../vfs/walk.ts';
import type { WatchFolder } from '../watch/folder-watcher.ts';
import type { SyncedFolders } from './control/controls.ts';
import type { FolderAddBody, FolderBody, SyncedFolder } from './control/wire.ts';
import { readPairs, writePairs } from './folder-pairs-file.ts';

export interface FolderControlsOptions {
  readonly gateway: Gateway;
  readonly device: string;
  /** Where the pairs are kept. */
  readonly file: string;
  /** Folders that must neither contain nor be inside a synced one. */
  readonly taken: () => Promise<readonly TakenFolder[]>;
  readonly watch: WatchFolder;
  readonly clock: Clock;
  readonly onFault: (error: unknown) => void;
}

/** Ms between the two halves of a move that are found apart. */
const HOLD = 1000;
/** The problems of one folder that are named one by one. */
const NAMED = 20;

/** The local folders that are synced with folders of the drive, and an agent for each of them. */
export class FolderControls implements SyncedFolders {
  readonly #options: FolderControlsOptions;
  /** By the local folders, in the order in which they were added. */
  readonly #agents = new Map<string, FolderAgent>();
  readonly #changes = new PQueue({ concurrency: 1 });

  constructor(options: FolderControlsOptions) {
    this.#options = options;
  }

  /** Starts the agents. @throws EIO if the file of the pairs is damaged */
  async open(): Promise<void> {
    for (const pair of await readPairs(this.#options.file)) await this.#begin(pair);
  }

  /** Ends all agents; what they have not done they do after the next start. */
  async close(): Promise<void> {
    await Promise.all([...this.#agents.values()].map((agent) => agent.stop()));
  }

  list(): SyncedFolder[] {
    return [...this.#agents.values()].map((agent) => this.#shown(agent));
  }

  /** @throws EINVAL, which names the other folder; ENOENT, ENOTDIR */
  add({ folder, remote = '/Sync', exclude, only }: FolderAddBody, context: Context): Promise<SyncedFolder> {
    return this.#change(async () => {
      checkPatterns(exclude ?? []);
      const own = [...this.#agents.values()].map(({ pair }) => ({ what: 'the synced folder', path: pair.folder }));
      const path = await checkFolder(folder, [...(await this.#options.taken()), ...own]);
      const { id: node } = await this.#remote(remote, context);
      const chosen = only?.map((one) => splitPath(one, 'sync').join('/'));
      const pair = {
        id: randomUUID(),
        folder: path,
        remote,
        node,
        ...(exclude && { exclude }),
        ...(chosen && { only: chosen }),
      };
      const sync = await this.#sync(pair);
      try {
        await sync.prepare();
      } catch (error) {
        throw asFsError(error, 'sync', folder);
      } finally {
        await sync.close();
      }
      const agent = await this.#begin(pair);
      await this.#save();
      return this.#shown(agent);
    });
  }

  /** Both sides keep what they have. @throws ENOENT */
  remove({ folder }: FolderBody): Promise<void> {
    return this.#change(async () => {
      const agent = this.#find(folder);
      await agent.stop();
      this.#agents.delete(agent.pair.folder);
      await this.#save();
      const sync = await this.#sync(agent.pair);
      try {
        await sync.forget();
      } finally {
        await sync.close();
      }
    });
  }

  /** @throws ENOENT */
  pause({ folder }: FolderBody): Promise<void> {
    return this.#change(async () => {
      this.#find(folder).pause();
      await this.#save();
    });
  }

  /** @throws ENOENT */
  resume({ folder }: FolderBody): Promise<void> {
    return this.#change(async () => {
      this.#find(folder).resume();
      await this.#save();
    });
  }

  /** Lets the folders go on that wait because most of their files are gone. @returns how many */
  confirm(): number {
    return [...this.#agents.values()].filter((agent) => agent.confirm()).length;
  }

  /** The folder of the drive, made if there is none. */
  async #remote(path: string, context: Context): Promise<Attr> {
    const { fs } = this.#options.gateway;
    const names = splitPath(path, 'sync');
    if (names[0] !== 'Sync') {
      throw new FsError('EINVAL', 'sync', { subject: path, reason: 'only /Sync and folders in it can be synced' });
    }
    let at = await fs.getattr(fs.root, context);
    for (const name of names) at = (await find(fs, at.id, name, context)) ?? (await fs.mkdir(at.id, name, {}, context));
    if (at.kind === 'folder') return at;
    throw new FsError('ENOTDIR', 'sync', { subject: path, reason: 'it is not a folder; name a folder' });
  }

  async #begin(pair: FolderPair): Promise<FolderAgent> {
    const { gateway, watch, clock, onFault } = this.#options;
    const { activity, catalog } = gateway.stack;
    const agent = new FolderAgent({
      pair,
      sync: await this.#sync(pair),
      watch,
      watchDrive: ({ changed, released }) => {
        const ends = [gateway.fs.watch(changed), activity.watch(released)];
        return () => ends.forEach((end) => end());
      },
      parentOf: (node) => catalog.get(node)?.parent,
      clock,
      onFault,
    });
    this.#agents.set(pair.folder, agent);
    agent.start();
    return agent;
  }

  async #sync(pair: FolderPair): Promise<FolderSync> {
    const { gateway, device, clock } = this.#options;
    const { catalog, activity, conflicts, writer, db } = gateway.stack;
    return new FolderSync({
      id: pair.id,
      folder: pair.folder,
      selection: pair,
      fs: gateway.fs,
      top: pair.node,
      reconcile: twoWay,
      hold: HOLD,
      now: clock.monotonic,
      store: await openBackupStore(db, `folder-${pair.id}`),
      facts: {
        hashOf: (node) => catalog.get(node)?.hash,
        digestsOf: (file, context) => digestsOf(gateway.stack, file, context),
        isBusy: (node) => activity.isBusy(node),
        conflictName: (name, isTaken) => conflictName(name, device, new Date(clock.now()), isTaken),
        noteConflict: async (node, name) => writer.write([conflicts.add({ node, name, at: clock.now() })]),
      },
    });
  }

  #find(folder: string): FolderAgent {
    const agent = this.#agents.get(resolve(folder));
    if (agent) return agent;
    const known = this.#agents.size === 0 ? 'there is none yet' : `there are ${[...this.#agents.keys()].join(', ')}`;
    throw new FsError('ENOENT', 'sync', { subject: folder, reason: `it is not a synced folder; ${known}` });
  }

  #shown(agent: FolderAgent): SyncedFolder {
    const { pair, problems, state } = agent;
    const { catalog } = this.#options.gateway.stack;
    const node = catalog.get(pair.node);
    const { folder, exclude = [], only = [] } = pair;
    const remote = node === undefined ? pair.remote : catalog.path(node);
    const named = [...problems].slice(0, NAMED).map(([path, reason]) => ({ path, reason }));
    const rest = { problems: problems.size, named };
    if (state.doing === 'halted') {
      const { kind, reason } = state.halt;
      const ends = kind === 'removal' ? 'confirm' : 'itself';
      return { folder, remote, exclude, only, ...rest, state: { doing: 'halted', reason, ends, why: kind } };
    }
    if (state.doing !== 'watching') return { folder, remote, exclude, only, ...rest, state };
    const scanning = state.scanning === undefined ? {} : { scanning: state.scanning };
    return { folder, remote, exclude, only, ...rest, state: { doing: 'watching', ...scanning } };
  }

  async #save(): Promise<void> {
    await writePairs(
      this.#options.file,
      [...this.#agents.values()].map(({ pair }) => pair),
    );
  }

  async #change<T>(change: () => Promise<T>): Promise<T> {
    return await this.#changes.add(change);
  }
}
