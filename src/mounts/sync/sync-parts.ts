import type { Catalog } from '../../cache/tree/catalog.ts';
import type { ContentStore, StagedFile, Staging } from '../../cache/content/content.ts';
import type { GroupWriter } from '../../cache/db/group-writer.ts';
import type { Journal } from '../../cache/tree/journal.ts';
import type { Remote } from '../../cloud/remote.ts';
import type { Change } from '../../vfs/file-system.ts';
import type { NodeId } from '../../vfs/node.ts';
import type { Conflicts } from './conflict/conflicts.ts';
import type { Issues } from './issues.ts';
import type { PolicyOf } from '../policy/policy.ts';

/** The part of the open files that uploader and follower use. */
export interface Freezer {
  /** See `OpenFiles`. */
  freeze(node: NodeId): Promise<StagedFile | undefined>;
  rebind(from: NodeId, to: NodeId): void;
  hasWriters(node: NodeId): boolean;
  isOpen(node: NodeId): boolean;
}

/** The part of the activity tracking that they use. */
export interface Readiness {
  readyAt(node: NodeId, settle: number): number | undefined;
  isBusy(node: NodeId): boolean;
  rebind(from: NodeId, to: NodeId): void;
  watch(listener: (node: NodeId) => void): () => void;
}

export interface SyncLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

/** The state that the two loops share with the drive. */
export interface SyncParts {
  readonly remote: Remote;
  readonly catalog: Catalog;
  readonly journal: Journal;
  readonly writer: GroupWriter;
  readonly staging: Staging;
  readonly store: ContentStore;
  readonly conflicts: Conflicts;
  readonly issues: Issues;
  readonly openFiles: Freezer;
  readonly activity: Readiness;
  readonly changes: { emit(change: Change): void };
  readonly policyOf: PolicyOf;
  readonly device: { readonly id: string; readonly name: string };
  /** ms since 1970 */
  readonly now: () => number;
  /** 0 to 1 */
  readonly random: () => number;
  readonly log: SyncLog;
}
