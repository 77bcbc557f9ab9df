import type { SourceProblem } from './source-entry.ts';

/** How far a run is, for a bar. Sizes in bytes. */
export interface BackupProgress {
  readonly phase: 'refresh' | 'scan' | 'finish' | 'remove';
  /** Files, folders and links seen in the source, and the bytes of the files. */
  readonly scanned: { readonly entries: number; readonly bytes: number };
  /** Files whose content has to be read, so far; the whole is known when the phase is no longer `scan`. */
  readonly total: { readonly files: number; readonly bytes: number };
  readonly read: { readonly files: number; readonly bytes: number };
  /** What the cloud did not have. */
  readonly uploaded: { readonly blocks: number; readonly bytes: number };
}

export interface BackupSummary {
  readonly scanned: {
    readonly files: number;
    readonly folders: number;
    readonly symlinks: number;
    readonly bytes: number;
  };
  /** Nodes. */
  readonly added: number;
  /** Files with a new version. */
  readonly changed: number;
  /** Times or modes only. */
  readonly touched: number;
  readonly moved: number;
  readonly removed: number;
  readonly uploaded: { readonly blocks: number; readonly bytes: number };
  /** What could not be mirrored; the rest was. At most a thousand are told. */
  readonly problems: readonly SourceProblem[];
  readonly problemCount: number;
  /**
   * Why nothing, or nothing more, was removed from the mirror, in words for a person, who may let the run go on with
   * `confirm`.
   */
  readonly paused: string | undefined;
}

const TOLD = 1000;

/** Counts what happens in one run. */
export class Tally {
  phase: BackupProgress['phase'] = 'refresh';
  readonly scanned = { files: 0, folders: 0, symlinks: 0, bytes: 0 };
  readonly total = { files: 0, bytes: 0 };
  readonly read = { files: 0, bytes: 0 };
  readonly uploaded = { blocks: 0, bytes: 0 };
  readonly done = { added: 0, changed: 0, touched: 0, moved: 0, removed: 0 };
  readonly #problems: SourceProblem[] = [];
  #problemCount = 0;

  problem(path: string, reason: string): void {
    this.#problemCount += 1;
    if (this.#problems.length < TOLD) this.#problems.push({ path, reason });
  }

  progress(): BackupProgress {
    const { files, folders, symlinks, bytes } = this.scanned;
    return {
      phase: this.phase,
      scanned: { entries: files + folders + symlinks, bytes },
      total: { ...this.total },
      read: { ...this.read },
      uploaded: { ...this.uploaded },
    };
  }

  summary(paused: string | undefined): BackupSummary {
    const problems = [...this.#problems];
    return {
      ...this.done,
      scanned: { ...this.scanned },
      uploaded: { ...this.uploaded },
      problems,
      problemCount: this.#problemCount,
      paused,
    };
  }
}
