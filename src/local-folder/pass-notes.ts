import type { NodeId } from '../vfs/node.ts';
import { asFsError, type Code } from '../vfs/fs-error.ts';
import type { ChangedNames } from '../watch/quiet-paths.ts';
import { splitLast } from './paths.ts';

/** Another look will find another state: something was changed, removed or created meanwhile, or cannot be reached now. */
const TRANSIENT: ReadonlySet<string> = new Set<Code>([
  'ENOENT',
  'ESTALE',
  'EEXIST',
  'ENOTEMPTY',
  'EAGAIN',
  'ETIMEDOUT',
  'EBUSY',
  'ENOTDIR',
  'EISDIR',
  'ELOOP',
]);

/** Why a folder waits. `removal`: for a person; the others end by themselves. */
export interface FolderHalt {
  readonly kind: 'gone' | 'removal' | 'full' | 'remote-gone';
  readonly reason: string;
}

/** Ends a pass, and what follows, until its cause has gone. */
export class HaltError extends Error {
  readonly halt: FolderHalt;

  constructor(halt: FolderHalt) {
    super(halt.reason);
    this.halt = halt;
  }
}

/** What a pass leaves for the next one, and for people. */
export class PassNotes {
  /** What could not be synced, and why, by path. */
  readonly problems = new Map<string, string>();
  /** Those of them that the disk of the folder cannot hold: they are not tried again until their folder is compared. */
  readonly refused = new Set<string>();
  /** Paths of folders that were compared with the drive's. */
  readonly compared = new Set<string>();
  /** Places of the local folder to look at again. */
  readonly local: ChangedNames = new Map();
  /** Folders of the drive to look at again. */
  readonly drive = new Set<NodeId>();
  /** Nodes whose local state could not be brought to the drive: they are not changed here in this pass. */
  readonly unsettled = new Set<NodeId>();
  /** Files that a program may be writing although another one has their place. */
  waiting = 0;
  /** Some content has to wait for the cloud. */
  offline = false;
  /** Things that were done, on either side. */
  done = 0;

  /** A path of the local folder has to be looked at again. */
  lookAgain(path: string): void {
    const [folder, name] = splitLast(path);
    const names = this.local.get(folder);
    if (names !== 'all') this.local.set(folder, (names ?? new Set()).add(name));
  }

  /** The disk cannot hold what the drive has. */
  refuse(path: string, reason: string): void {
    this.problems.set(path, reason);
    this.refused.add(path);
  }

  /** What has failed for one path. The others go on, unless this throws. @throws HaltError; EINTR */
  failed(path: string, error: unknown, node?: NodeId): void {
    if (error instanceof HaltError) throw error;
    const failure = asFsError(error, 'sync', path);
    if (failure.code === 'EINTR') throw failure;
    // An error of the local disk is none of ours.
    if (failure.code === 'ENOSPC')
      throw new HaltError({
        kind: 'full',
        reason: failure === error ? 'the disk of the cache is full' : 'the disk of the folder is full',
      });
    if (node !== undefined) this.unsettled.add(node);
    this.lookAgain(path);
    const isPassing = TRANSIENT.has(failure.code) && failure.code !== 'EAGAIN' && failure.code !== 'ETIMEDOUT';
    if (!isPassing) this.problems.set(path, failure.reason ?? failure.message);
  }
}
