import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContentStore, Staging } from '../cache/content/content.ts';
import { DiskContentStore } from '../cache/store/content-store.ts';
import { Database } from '../cache/db/database.ts';
import type { DiskSync } from '../libc/disk-sync.ts';
import type { Catalog } from '../cache/tree/catalog.ts';
import type { Journal } from '../cache/tree/journal.ts';
import { DurableWriter } from '../cache/tree/durable-writer.ts';
import type { Entry } from '../cache/tree/entry.ts';
import { GroupWriter } from '../cache/db/group-writer.ts';
import type { KeyValueStore } from '../cache/db/level-store.ts';
import { openRecords, type Records } from '../cache/tree/records.ts';
import { DiskStaging } from '../cache/staging/staging.ts';
import type { Remote } from '../cloud/remote.ts';
import type { FileSystem } from '../vfs/file-system.ts';
import { Activity } from './drive/activity.ts';
import { attachFixedFolders } from './drive/mount-table.ts';
import { ROOT } from './policy/layout.ts';
import { Changes } from './drive/changes.ts';
import { Issues } from './sync/issues.ts';
import { Chores } from './sync/chores.ts';
import { Conflicts } from './sync/conflict/conflicts.ts';
import { AccountRoom, type Quota } from './drive/account-room.ts';
import { Drive } from './drive/drive.ts';
import { Follower } from './sync/follow/follower.ts';
import { Guard } from './drive/guard.ts';
import { IntentPlanner } from './intents/planner.ts';
import { LockRecords } from './doors/lock-records.ts';
import { FileRecords } from './drive/open/file-records.ts';
import { OpenFiles } from './drive/open/open-files.ts';
import { Sources } from './drive/open/source.ts';
import { NameCheck } from './names/name-check.ts';
import { Keeper } from './pins/keeper.ts';
import { Pins } from './pins/pins.ts';
import { Backoff } from '../transfer/backoff.ts';
import { ParkedIntents } from './sync/upload/parked.ts';
import { policies, policyFor } from './policy/policies.ts';
import type { PolicyOf } from './policy/policy.ts';
import { QuotaWatch } from './quota-watch.ts';
import { recoverWriting } from './recovery/recovery.ts';
import { CloudBlocks } from './sync/cloud-blocks.ts';
import { Healer } from './sync/healer.ts';
import { Outage } from './sync/outage.ts';
import { rescueInto } from './sync/rescue.ts';
import { Replica } from './sync/replica.ts';
import { resumeChores } from './sync/resume.ts';
import { removeScratch } from './recovery/scratch.ts';
import { recoverSettling } from './recovery/settling.ts';
import { PolicyState } from './drive/policy-state.ts';
import { Sweeper } from './drive/sweeper.ts';
import type { SyncLog } from './sync/sync-log.ts';
import { StagedCollector } from './drive/staged-collector.ts';
import { TreeWriter } from './drive/tree-writer.ts';
import { Tidying } from './recovery/tidying.ts';
import { Uploader } from './sync/upload/uploader.ts';
import { Verifier } from './sync/verify/verifier.ts';
import { VersionsFolder } from './versions/versions-folder.ts';

export interface GatewayOptions {
  /** Everything that the gateway stores is below this folder, which is created if absent. */
  readonly dir: string;
  /** Owned by the caller, who closes it after the gateway. */
  readonly remote: Remote;
  readonly device: { readonly id: string; readonly name: string };
  readonly limits: GatewayLimits;
  readonly log: SyncLog;
  /** How long a file in Archive must have been released before it is sealed, ms; more than 0. */
  readonly settle?: number;
  /** Whether programs can read sealed files of Archive. */
  readonly archiveReadable?: boolean;
  /** How often the catalog is compared with the cloud, ms; 0: only on request. Default 6 h. */
  readonly verifyEvery?: number;
  /** What an acknowledged change survives without an fsync: the death of the process, or the loss of power. */
  readonly durability?: 'process' | 'power';
  /** How bytes get to the disk; the system's way if absent. */
  readonly sync?: DiskSync;
  /** Opens the key-value store of the database in a folder; LevelDB if absent. */
  readonly keyValues?: (dir: string) => KeyValueStore;
  /** ms since 1970 */
  readonly now?: () => number;
  /** 0 to 1 */
  readonly random?: () => number;
}

export interface GatewayLimits {
  /** Most bytes of cached content. */
  readonly cacheBytes: number;
  /** Bytes to leave free on the disk. */
  readonly minFree: number;
  /** Memory for entries of the catalog that were used lately, bytes. */
  readonly hotBytes?: number;
}

/** The parts of a gateway, put together and not yet started. */
export interface Stack {
  readonly catalog: Catalog;
  readonly journal: Journal;
  readonly writer: GroupWriter;
  readonly staging: Staging;
  readonly store: ContentStore;
  readonly files: OpenFiles;
  readonly activity: Activity;
  /** The drive for doors: guarded, with `.versions`. */
  readonly fs: FileSystem;
  /** The drive without policies, for explicit requests of the user. */
  readonly raw: Drive;
  readonly conflicts: Conflicts;
  readonly issues: Issues;
  /** For tables of agents that run beside the drive. */
  readonly db: Database;
  /** For the WebDAV door. */
  readonly locks: LockRecords;
  readonly uploader: Uploader;
  readonly policyOf: PolicyOf;
  readonly parked: ParkedIntents;
  readonly quota: QuotaWatch;
  readonly healer: Healer;
  readonly follower: Follower;
  readonly verifier: Verifier;
  readonly pins: Pins;
  readonly keeper: Keeper;
  readonly names: NameCheck;
  start(): void;
  /** Closes everything in the reverse order of opening; queued changes stay queued. */
  close(): Promise<void>;
}

/** ms */
const VERIFY_EVERY = 6 * 60 * 60_000;

interface Disk extends Records {
  readonly db: Database;
  readonly store: DiskContentStore;
  readonly staging: DiskStaging;
}

/**
 * Assembles a gateway. This is the one place that knows the order of its layers, from the door inwards: versions
 * (folders that exist only here), guard (what the mount allows), drive (catalog, journal, content). Opening includes
 * recovery and needs no network.
 */
export async function compose(options: GatewayOptions): Promise<Stack> {
  const closers = new Closers();
  try {
    const outage = new Outage(options.now ?? Date.now);
    return await assemble(options, await openDisk(options, outage, closers), outage, closers);
  } catch (error) {
    await closers.close().catch(() => undefined);
    throw error;
  }
}

async function openDisk(options: GatewayOptions, outage: Outage, closers: Closers): Promise<Disk> {
  const { dir, remote, limits, now = Date.now, durability, sync, keyValues } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const db = await Database.open(join(dir, 'db'), keyValues === undefined ? {} : { store: keyValues });
  closers.add(() => db.close());
  const syncContents = (staged: ReadonlySet<string>): Promise<void> => staging.syncContents(staged);
  const writer = new GroupWriter(durability === 'power' ? new DurableWriter(db, syncContents) : db);
  closers.add(() => writer.idle());
  const source = new CloudBlocks({ remote, outage, now });
  const { cacheBytes: maxBytes, minFree, hotBytes = 40 << 20 } = limits;
  const store = await DiskContentStore.open({ dir, db, writer, source, maxBytes, minFree, now });
  closers.add(() => store.close());
  const how = sync === undefined ? {} : { sync };
  const staging: DiskStaging = await DiskStaging.open({ db, writer, store, minFree, ...how });
  closers.add(() => staging.close());
  closers.add(() => staging.sync());
  return { ...(await openRecords(db, writer, hotBytes)), db, store, staging };
}

async function assemble(options: GatewayOptions, disk: Disk, outage: Outage, closers: Closers): Promise<Stack> {
  const { remote, device, log, now = Date.now, random = Math.random } = options;
  const { settle = 10_000, archiveReadable = false, verifyEvery: every = VERIFY_EVERY } = options;
  const { db, catalog, journal, writer, staging, store } = disk;
  const all = policies({ settle, readable: archiveReadable });
  const policyOf: PolicyOf = ({ space }) => policyFor(all, catalog.space(space));
  const activity = new Activity({ now, settle });
  const changes = new Changes((error) => log.warn({ err: error }, 'a listener for changes failed'));
  const policyState = new PolicyState({ catalog, journal, activity, policyOf, now });
  const planner = new IntentPlanner({ journal, writer, now });
  const room = new AccountRoom(() => staging.usage());
  const parts = { catalog, journal, planner, writer, staging, store, changes, activity, room, now };
  const records = new FileRecords({ ...parts, isHeld: (staged) => stagedCollector.isHeld(staged) });
  const openParts = { records, sources: new Sources(staging, store), activity, room };
  const stagedCollector: StagedCollector = new StagedCollector(parts, (node) => files.isOpen(node));
  const closed = (): void => stagedCollector.closed();
  const files: OpenFiles = new OpenFiles(openParts, { durable: options.durability === 'power', closed });
  const treeWriter = new TreeWriter({ ...parts, stagedCollector });
  const sweeper = new Sweeper({ ...parts, treeWriter });
  const isSealed = (entry: Entry): boolean => policyState.isSealed(entry);
  const isCrossing = (space: string): boolean => policyOf({ space }).crossing;
  const isSealing = (space: string): boolean => policyOf({ space }).sealing;
  const pins = await Pins.open(await db.rows('pinned'), { catalog, writer, now });
  const isCached = (space: string): boolean => policyOf({ space }).uploaded === 'cache';
  const isPinned = (entry: Entry): boolean => pins.isPinned(entry) && isCached(entry.space);
  const raw = new Drive(ROOT, { ...parts, files, treeWriter, sweeper, isSealed, isCrossing, isSealing, isPinned });
  const guarded = new Guard(raw, policyState);
  const fs = new VersionsFolder(guarded, { remote, store, policyState });

  const chores = new Chores(await db.rows('chores'), writer);
  const conflicts = new Conflicts(await db.rows('conflicts'), writer);
  const issues = await Issues.open(await db.rows('issues'), writer);
  const locks = new LockRecords(await db.rows('locks'), writer);
  const replica = new Replica({
    ...parts,
    stagedCollector,
    chores,
    conflicts,
    openFiles: files,
    policyOf,
    device,
    log,
  });
  const loop = { replica, remote, now, random, log };
  const uploader: Uploader = new Uploader(
    { ...loop, openFiles: files, activity },
    {
      offer: (record) => follower.offer(record),
      expect: (record) => follower.expect(record),
      mark: (space, mark) => follower.mark(space, mark),
      resync: (space) => follower.resync(space),
      relist: () => follower.relist(),
    },
  );
  const reachable = (): void => {
    uploader.reachable();
    keeper.reachable();
    verifier.reachable();
  };
  const current = (): void => verifier.current();
  const rescue = rescueInto(join(options.dir, 'rescue'), { staging, store, issues });
  const follower: Follower = new Follower({ ...loop, store, staging, issues, rescue }, { outage, reachable, current });
  const verifying = { ...loop, follower, issues, rows: await db.rows('verified'), writer, every };
  const verifier = new Verifier(verifying);
  const parked = new ParkedIntents(replica, reachable);
  const told = (quota: Quota): void => [raw, parked].forEach((part) => part.setQuota(quota));
  const watch = (listener: () => void): (() => void) => raw.watch(listener);
  const healer = new Healer({ remote, store, log, now });
  const damaged = (count: number): void => healer.found(count);
  const quota = new QuotaWatch({ remote, rows: await db.rows('quota'), writer, watch, told, damaged });
  if (quota.last !== undefined) raw.setQuota(quota.last);
  const backoff = new Backoff({ now, random });
  const isShared = (space: string): boolean => {
    return policyOf({ space }).crossing && catalog.space(space)?.writable === true;
  };
  const names = new NameCheck({ catalog, isShared, watch: (listener) => raw.watch(listener) });
  const keeper = new Keeper({
    catalog,
    store,
    pins,
    backoff,
    isCached,
    watch: (listener) => raw.watch(listener),
    now,
    log,
  });

  // Reading them makes the shared ones known.
  await catalog.spaces();
  if (catalog.get(ROOT) === undefined) await writer.write(attachFixedFolders(catalog, now()));
  await recoverWriting(parts);
  await recoverSettling({ ...parts, policyOf });
  await removeScratch(catalog, journal, raw);
  await resumeChores(replica);
  const tidy = new Tidying(parts, sweeper, await staging.ids(), log);
  const ends = [
    tidy,
    { close: () => files.flush() },
    uploader,
    parked,
    quota,
    healer,
    keeper,
    names,
    follower,
    verifier,
  ];
  for (const part of ends) closers.add(() => part.close());
  closers.add(() => writer.end());
  const start = (): void => [uploader, follower, quota, parked, keeper, names, tidy].forEach((part) => part.start());
  const close = (): Promise<void> => closers.close();
  const drive = { catalog, journal, writer, staging, store, files, activity, policyOf, fs, raw };
  return {
    ...drive,
    db,
    conflicts,
    issues,
    locks,
    uploader,
    parked,
    quota,
    healer,
    follower,
    verifier,
    pins,
    keeper,
    names,
    start,
    close,
  };
}

/** What was opened, to be closed in the reverse order. */
class Closers {
  readonly #closers: (() => unknown)[] = [];

  add(close: () => unknown): void {
    this.#closers.push(close);
  }

  /** Closes all of them even if some fail; then throws the first failure. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (const close of this.#closers.splice(0).toReversed()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
