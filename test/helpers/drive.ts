import { openRecords } from '../../src/cache/tree/records.ts';
import type { Entry } from '../../src/cache/tree/entry.ts';
import type { BlockSource } from '../../src/cache/content/content.ts';
import type { SpaceRecord } from '../../src/cloud/records.ts';
import { AccountRoom } from '../../src/mounts/drive/account-room.ts';
import { Activity } from '../../src/mounts/drive/activity.ts';
import { attachSpaces } from '../../src/mounts/drive/mount-table.ts';
import { ROOT } from '../../src/mounts/policy/layout.ts';
import { Changes } from '../../src/mounts/drive/changes.ts';
import { Drive, type DriveParts } from '../../src/mounts/drive/drive.ts';
import { Guard } from '../../src/mounts/drive/guard.ts';
import { IntentPlanner } from '../../src/mounts/intents/planner.ts';
import { FileRecords } from '../../src/mounts/drive/open/file-records.ts';
import { OpenFiles } from '../../src/mounts/drive/open/open-files.ts';
import { Sources } from '../../src/mounts/drive/open/source.ts';
import { policies, policyFor } from '../../src/mounts/policy/policies.ts';
import type { PolicyOf } from '../../src/mounts/policy/policy.ts';
import { PolicyState } from '../../src/mounts/drive/policy-state.ts';
import { StagedCollector } from '../../src/mounts/drive/staged-collector.ts';
import { TreeWriter } from '../../src/mounts/drive/tree-writer.ts';
import { Sweeper } from '../../src/mounts/drive/sweeper.ts';
import { openCacheDisk } from './cache-disk.ts';
import { MemorySource } from './memory-source.ts';

export interface TestDrive {
  readonly parts: DriveParts;
  readonly drive: Drive;
  /** The drive behind the policies. */
  readonly guard: Guard;
  readonly policyState: PolicyState;
  readonly sweeper: Sweeper;
  readonly stagedCollector: StagedCollector;
  readonly source: MemorySource;
  close(): Promise<void>;
}

export interface TestDriveOptions {
  readonly now?: () => number;
  readonly source?: MemorySource;
  readonly readable?: boolean;
  /** Folder of LevelDB, if not next to the files. */
  readonly database?: string;
  /** How long a write waits for space, ms. */
  readonly timeout?: number;
}

/** ms */
export const SETTLE = 10_000;

const device = { id: 'dev', name: 'laptop' };

/** An account with one space of each kind. */
export const spaces: readonly SpaceRecord[] = [
  { id: 'sync', kind: 'sync', name: 'sync', root: 'sync-root', rev: 0, writable: true },
  { id: 'archive', kind: 'archive', name: 'archive', root: 'archive-root', rev: 0, writable: true },
  { id: 'set', kind: 'backup', name: 'set', root: 'set-root', rev: 0, writable: true, device },
];

/** The drive on a real disk cache, without a cloud: nothing is uploaded, and content comes from `source`. */
export async function openTestDrive(dir: string, options: TestDriveOptions = {}): Promise<TestDrive> {
  const { now = Date.now, readable = false, source = new MemorySource() } = options;
  const blocks: BlockSource = source;
  const { db, writer, store, staging, close } = await openCacheDisk(dir, blocks, {
    ...(options.database === undefined ? {} : { database: options.database }),
    staging: options.timeout === undefined ? {} : { timeout: options.timeout },
  });
  const { catalog, journal } = await openRecords(db, writer, 16 << 20);
  const all = policies({ settle: SETTLE, readable });
  const policyOf: PolicyOf = ({ space }) => policyFor(all, catalog.space(space));
  const activity = new Activity({ now, settle: SETTLE });
  const policyState = new PolicyState({ catalog, journal, activity, policyOf, now });
  const changes = new Changes((error) => {
    throw error;
  });
  const planner = new IntentPlanner({ journal, writer, now });
  const room = new AccountRoom(() => staging.usage());
  const base = { catalog, journal, planner, writer, staging, store, changes, activity, room, now };
  const openParts = {
    records: new FileRecords({ ...base, isHeld: (staged) => stagedCollector.isHeld(staged) }),
    sources: new Sources(staging, store),
    activity,
    room,
  };
  const stagedCollector = new StagedCollector(base, (node) => files.isOpen(node));
  const files: OpenFiles = new OpenFiles(openParts, { closed: () => stagedCollector.closed() });
  const treeWriter = new TreeWriter({ ...base, stagedCollector });
  const sweeper = new Sweeper({ ...base, treeWriter });
  if (catalog.get(ROOT) === undefined) await writer.write((await attachSpaces(catalog, spaces, now())).ops);
  const isSealed = (entry: Entry): boolean => policyState.isSealed(entry);
  const isCrossing = (space: string): boolean => policyOf({ space }).crossing;
  const isSealing = (space: string): boolean => policyOf({ space }).sealing;
  const parts: DriveParts = {
    ...base,
    files,
    treeWriter,
    sweeper,
    isSealed,
    isCrossing,
    isSealing,
    isPinned: () => false,
  };
  const drive = new Drive(ROOT, parts);
  return {
    parts,
    drive,
    guard: new Guard(drive, policyState),
    policyState,
    sweeper,
    stagedCollector,
    source,
    close: async () => {
      await sweeper.close();
      await close();
    },
  };
}
