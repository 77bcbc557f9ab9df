import { join } from 'node:path';
import { DiskContentStore, type DiskContentStoreOptions } from '../../src/cache/store/content-store.ts';
import { Database } from '../../src/cache/db/database.ts';
import { DurableWriter } from '../../src/cache/tree/durable-writer.ts';
import { GroupWriter } from '../../src/cache/db/group-writer.ts';
import { DiskStaging, type DiskStagingOptions } from '../../src/cache/staging/staging.ts';
import type { BlockSource } from '../../src/cache/content/content.ts';

export interface CacheDisk {
  readonly db: Database;
  readonly writer: GroupWriter;
  readonly store: DiskContentStore;
  readonly staging: DiskStaging;
  readonly close: () => Promise<void>;
}

export interface CacheDiskOptions {
  readonly store?: Partial<DiskContentStoreOptions>;
  readonly staging?: Partial<DiskStagingOptions>;
  /** Folder of LevelDB, if not next to the files. */
  readonly database?: string;
  /** Whether every batch survives a power loss. */
  readonly durable?: boolean;
}

/** Database, store and staging in one folder, as in a gateway. Opening the folder again finds their data. */
export async function openCacheDisk(
  dir: string,
  source: BlockSource,
  options: CacheDiskOptions = {},
): Promise<CacheDisk> {
  const db = await Database.open(options.database ?? join(dir, 'db'));
  const syncContents = (staged: ReadonlySet<string>): Promise<void> => staging.syncContents(staged);
  const writer = new GroupWriter(options.durable === true ? new DurableWriter(db, syncContents) : db);
  const limits = { maxBytes: 1e12, minFree: 0 };
  const store = await DiskContentStore.open({ dir, db, writer, source, ...limits, ...options.store });
  const staging: DiskStaging = await DiskStaging.open({ db, writer, store, minFree: 0, ...options.staging });
  const close = async (): Promise<void> => {
    await staging.close();
    await store.close();
    await writer.idle();
    await db.close();
  };
  return { db, writer, store, staging, close };
}
