import type { FileSystem } from '../vfs/file-system.ts';
import type { HotFiles } from './hot-files.ts';
import type { LockTable } from './locks/lock-table.ts';
import type { TextMemory } from './text-memory.ts';

/**
 * When quota is told (RFC 4331): `named` if a client asks for it by name; `auto` the same, but not to macOS 15.4 and
 * later, whose mount stalls for 90 seconds over it; `never`.
 */
export type QuotaPolicy = 'auto' | 'named' | 'never';

/** What the verbs share. */
export interface Door {
  readonly fs: FileSystem;
  readonly locks: LockTable;
  readonly hot: HotFiles;
  readonly textMemory: TextMemory;
  readonly quota: QuotaPolicy;
  /** Longest lease of a lock, ms. */
  readonly lockTimeout: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly uuid: () => string;
  /** True if an authority of a `Destination` or resource tag is this server, judged against the request's `Host`. */
  readonly isOwn: (authority: string, host: string | undefined) => boolean;
}
