import type { SourceThread } from '../backup/start-source-thread.ts';
import type { Rules } from '../mounts/policy/policy.ts';
import type { Context } from '../vfs/context.ts';
import type { DigestList } from '../vfs/digest-list.ts';
import type { FileSystem } from '../vfs/file-system.ts';
import type { Attr, NodeId } from '../vfs/node.ts';
import type { Base } from './base.ts';
import type { Disk } from './disk.ts';
import type { DriveSide } from './drive-side.ts';
import type { Folding } from './grounds.ts';
import type { PassNotes } from './pass-notes.ts';
import type { Removals } from './removals.ts';
import type { SyncRules } from './rules.ts';

/** What a folder needs of the drive besides its port. */
export interface DriveFacts {
  /** The identity of a file's content, if it is known without reading it. */
  hashOf(node: NodeId): string | undefined;
  /** The digests of the blocks of this version of a file; undefined if they cannot be had. */
  digestsOf(file: Pick<Attr, 'id' | 'version'>, context: Context): Promise<DigestList | undefined>;
  /** Whether a program may be writing it just now. */
  isBusy(node: NodeId): boolean;
  /** The name of a conflict copy. */
  conflictName(name: string, isTaken: (name: string) => boolean): string;
  /** Lists a conflict copy for the user. @param name that it had */
  noteConflict(node: NodeId, name: string): Promise<void>;
}

/** What the steps of one pass share. */
export interface PassParts {
  readonly fs: FileSystem;
  readonly facts: DriveFacts;
  /** The folder of the drive. */
  readonly top: NodeId;
  readonly base: Base;
  readonly disk: Disk;
  /** Lists the local folder. */
  readonly scanner: SourceThread;
  readonly drive: DriveSide;
  readonly rules: SyncRules;
  readonly folding: Folding;
  /** The id of the local folder's file system; others that are mounted in it are left out. */
  readonly fileSystem: string;
  /** Of the drive's folder, for what both sides have changed. */
  readonly reconcile: Rules;
  /** The names of files that were written after they had lost their place, by the paths that they have got. */
  readonly rescued: Map<string, string>;
  readonly removals: Removals;
  readonly notes: PassNotes;
  readonly context: Context;
}
