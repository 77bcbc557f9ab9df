import { readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import type { Database } from '../../src/cache/db/database.ts';
import { type DiskSync, systemSync } from '../../src/libc/disk-sync.ts';

/** The name of an open file, which Linux shows in /proc. */
const nameOf = (fd: number): string => basename(readlinkSync(`/proc/self/fd/${fd}`));

/**
 * Performs the system's syncs and records them in order: `file <name>` and `all` when they are done, `records` when a
 * synced batch of the database starts.
 */
export class RecordedSync {
  readonly events: string[] = [];
  /** Thrown by the next sync of content. */
  failure: Error | undefined;
  readonly disk: DiskSync;

  constructor() {
    const system = systemSync();
    this.disk = {
      file: async (fd) => {
        this.#failOnce();
        const name = nameOf(fd);
        await system.file(fd);
        this.events.push(`file ${name}`);
      },
      all: async (dir) => {
        this.#failOnce();
        await system.all?.(dir);
        this.events.push('all');
      },
    };
  }

  /** Records the synced batches of a database, too. */
  watch(db: Database): void {
    const write = db.write.bind(db);
    db.write = (ops, sync, how) => {
      const before = async (): Promise<void> => {
        await how?.before?.();
        if (sync) this.events.push('records');
      };
      return write(ops, sync, { ...how, before });
    };
  }

  #failOnce(): void {
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
  }
}
