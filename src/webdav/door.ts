import type { FileSystem } from '../vfs/file-system.ts';
import type { HotFiles } from './hot-files.ts';
import type { LockTable } from './locks/lock-table.ts';
import type { TextMemory } from './text-memory.ts';

/**
 * When quota properties (RFC 4331) are sent. `named`: if a client requests them by name. `auto`: the same, except to
 * macOS 15.4 and later, whose mount then stalls for 90 seconds. `never`.
 */
export type QuotaPolicy = 'auto' | 'named' | 'never';

/** The parts and settings of the server that verbs use. */
export interface Door {
  readonly fs: FileSystem;
  readonly locks: LockTable;
  readonly hot: HotFiles;
  readonly textMemory: TextMemory;
  readonly quota: QuotaPolicy;
  /** An address that listings link to. */
  readonly statusPage: () => string | undefined;
  /** Longest timeout of a lock, ms. */
  readonly lockTimeout: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly uuid: () => string;
  /** True if the authority of a `Destination` or resource tag is this server, given the request's `Host`. */
  readonly isOwn: (authority: string, host: string | undefined) => boolean;
}
