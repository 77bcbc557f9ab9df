import type { ChangeStep } from './folder-watcher.ts';

/** Names to look at, by folder; `all` of a folder where it is not known which. */
export type ChangedNames = Map<string, Set<string> | 'all'>;

export interface QuietPolicy {
  /** A path is due when it has not changed for this long, ms, */
  readonly quiet: number;
  /** or for this long since it was closed, ms; absent: as `quiet`, */
  readonly closed?: number;
  /** or when its first change is this long ago, ms. */
  readonly longest: number;
  /** Paths that are kept apart; when there are more, a scan of everything is cheaper. */
  readonly most: number;
}

export const QUIET: QuietPolicy = { quiet: 1500, longest: 300_000, most: 20_000 };

interface Change {
  readonly folder: string;
  readonly name: string | undefined;
  readonly first: number;
  last: number;
  isWhole: boolean;
}

/** Paths that have changed and wait until they are left alone: each for itself, so that a log does not hold up a letter. */
export class QuietPaths {
  readonly #policy: QuietPolicy;
  readonly #now: () => number;
  readonly #changes = new Map<string, Change>();
  #overflowed = false;

  /** @param now ms of a clock that never steps back */
  constructor(policy: QuietPolicy, now: () => number) {
    this.#policy = policy;
    this.#now = now;
  }

  /** Too many paths to tell apart: everything has to be looked at. */
  get overflowed(): boolean {
    return this.#overflowed;
  }

  touch(folder: string, name: string | undefined, step?: ChangeStep): void {
    if (this.#overflowed) return;
    const key = `${folder}/${name ?? ''}`;
    const now = this.#now();
    const known = this.#changes.get(key);
    if (known) {
      known.last = now;
      // Attributes are often set after the last `close`.
      if (step !== undefined) known.isWhole = step === 'whole';
    } else this.#changes.set(key, { folder, name, first: now, last: now, isWhole: step === 'whole' });
    if (this.#changes.size <= this.#policy.most) return;
    this.#overflowed = true;
    this.#changes.clear();
  }

  clear(): void {
    this.#changes.clear();
    this.#overflowed = false;
  }

  /** Ms until a path is due, 0 if one is; undefined if none has changed. */
  wait(): number | undefined {
    let soonest: number | undefined;
    for (const change of this.#changes.values()) soonest = Math.min(soonest ?? Infinity, this.#dueAt(change));
    return soonest === undefined ? undefined : Math.max(0, soonest - this.#now());
  }

  /** The paths that are due; they are forgotten here. */
  take(): ChangedNames {
    const now = this.#now();
    const due: ChangedNames = new Map();
    for (const [key, change] of this.#changes) {
      if (this.#dueAt(change) > now) continue;
      this.#changes.delete(key);
      const names = due.get(change.folder);
      if (change.name === undefined || names === 'all') due.set(change.folder, 'all');
      else due.set(change.folder, (names ?? new Set()).add(change.name));
    }
    return due;
  }

  #dueAt({ first, last, isWhole }: Change): number {
    const { quiet, closed = quiet, longest } = this.#policy;
    return Math.min(last + (isWhole ? closed : quiet), first + longest);
  }
}
