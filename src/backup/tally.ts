import type { Halt } from './halt.ts';
import type { SourceProblem } from './source-entry.ts';

/** Progress of a run. Sizes are in bytes. */
export interface BackupProgress {
  readonly phase: 'refresh' | 'scan' | 'finish' | 'remove';
  /** Files, folders and links seen in the source, and the bytes of the files. */
  readonly scanned: { readonly entries: number; readonly bytes: number };
  /** Files whose content must be read, as known so far; final once the phase is no longer `scan`. */
  readonly total: { readonly files: number; readonly bytes: number };
  readonly read: { readonly files: number; readonly bytes: number };
  /** Path of a file that is being read or sent. */
  readonly current?: string | undefined;
  /** The blocks that the cloud did not have. */
  readonly uploaded: { readonly blocks: number; readonly bytes: number };
  /** Ms for which the disk of the source has not answered a call. */
  readonly silent: number;
}

export interface BackupSummary {
  readonly scanned: {
    readonly files: number;
    readonly folders: number;
    readonly symlinks: number;
    readonly bytes: number;
  };
  /** Number of new nodes. */
  readonly added: number;
  /** Number of files with a new version. */
  readonly changed: number;
  /** Number of nodes of which only times or mode changed. */
  readonly touched: number;
  readonly moved: number;
  readonly removed: number;
  /** Files whose content in the mirror was replaced or removed. */
  readonly lost: number;
  readonly uploaded: { readonly blocks: number; readonly bytes: number };
  /** What could not be mirrored; the rest was. The first thousand; `ProblemLog` has all. */
  readonly problems: readonly SourceProblem[];
  /** Of these, without what was skipped. */
  readonly problemCount: number;
  /** Why the run, or its removals and replacements, did not happen. */
  readonly paused: Halt | undefined;
}

const LISTED = 1000;

/** Counts the results of a run. */
export class Tally {
  phase: BackupProgress['phase'] = 'refresh';
  readonly scanned = { files: 0, folders: 0, symlinks: 0, bytes: 0 };
  readonly total = { files: 0, bytes: 0 };
  readonly read = { files: 0, bytes: 0 };
  readonly uploaded = { blocks: 0, bytes: 0 };
  readonly done = { added: 0, changed: 0, touched: 0, moved: 0, removed: 0 };
  silent = 0;
  lost = 0;
  current: string | undefined;
  /** By how many files the mirror has grown; below 0 if it has shrunk. */
  growth = 0;
  readonly #problems: SourceProblem[] = [];
  #problemCount = 0;
  readonly #onProblem: (problem: SourceProblem) => void;

  constructor(onProblem: (problem: SourceProblem) => void = () => undefined) {
    this.#onProblem = onProblem;
  }

  problem(path: string, reason: string, skipped = false): void {
    const problem: SourceProblem = skipped ? { path, reason, skipped } : { path, reason };
    if (!skipped) this.#problemCount += 1;
    if (this.#problems.length < LISTED) this.#problems.push(problem);
    this.#onProblem(problem);
  }

  progress(): BackupProgress {
    const { files, folders, symlinks, bytes } = this.scanned;
    return {
      phase: this.phase,
      scanned: { entries: files + folders + symlinks, bytes },
      total: { ...this.total },
      read: { ...this.read },
      current: this.current,
      uploaded: { ...this.uploaded },
      silent: this.silent,
    };
  }

  summary(paused: Halt | undefined): BackupSummary {
    const problems = [...this.#problems];
    return {
      ...this.done,
      lost: this.lost,
      scanned: { ...this.scanned },
      uploaded: { ...this.uploaded },
      problems,
      problemCount: this.#problemCount,
      paused,
    };
  }
}
