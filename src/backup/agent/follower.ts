import type {
  ChangeStep,
  FolderWatcher,
  WatchEnd,
  WatchFolder,
  WatchListener,
  WatchOptions,
} from '../../watch/folder-watcher.ts';
import { QUIET, QuietPaths, type ChangedNames, type QuietPolicy } from '../../watch/quiet-paths.ts';
import type { Clock } from './clock.ts';

/** How often everything is compared, ms: where events tell of changes, and where they do not. */
const WITH_EVENTS = 6 * 3_600_000;
const WITHOUT_EVENTS = 300_000;
/** Without events, the time between two scans is at least this multiple of the time that a scan takes. */
const SHARE = 20;
/** Ms after which it is tried again whether there are events. */
const RETRY = 3_600_000;

export interface FollowerOptions {
  readonly watch: WatchFolder;
  readonly clock: Clock;
  /** Something was reported. */
  readonly wake: () => void;
  /** When a path that has changed is due. */
  readonly quiet?: QuietPolicy;
}

/** What has changed in a source folder: by events, and by comparing everything from time to time. */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #paths: QuietPaths;
  #watcher: FolderWatcher | undefined;
  #scanAt = -Infinity;
  #retryAt = -Infinity;
  #unsupported: string | undefined;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#paths = new QuietPaths(options.quiet ?? QUIET, options.clock.monotonic);
  }

  /** Why changes are found by comparing only; undefined where events tell of them. */
  get unsupported(): string | undefined {
    const blind = this.#watcher?.blind;
    return (
      this.#unsupported ?? (blind === undefined ? undefined : `the system does not report changes in ${clipped(blind)}`)
    );
  }

  /** Ms of the clock that never steps: when everything has to be compared. */
  get scanAt(): number {
    return this.#scanAt;
  }

  /** Ms until a path is quiet. */
  get wait(): number | undefined {
    return this.#paths.wait();
  }

  /** Names to compare now. */
  take(): ChangedNames {
    return this.#paths.take();
  }

  /** Resolves when whatever happens from now on will be noticed. To be called before everything is compared. */
  async begin(options: WatchOptions): Promise<void> {
    const { watch, clock } = this.#options;
    this.#paths.clear();
    if (this.#watcher || this.#retryAt > clock.monotonic()) return;
    this.#unsupported = undefined;
    const changed: WatchListener['changed'] = (folder, name, step) => this.#changed(folder, name, step);
    const watcher = watch(options, { changed, ended: (end) => this.#ended(watcher, end) });
    this.#watcher = watcher;
    await watcher.ready;
  }

  /** Everything was compared; `ms` is how long that took. */
  compared(took: number): void {
    const { clock } = this.#options;
    const every = this.unsupported === undefined ? WITH_EVENTS : Math.max(WITHOUT_EVENTS, SHARE * took);
    // Events may have been lost while it was compared.
    if (this.#paths.overflowed) return;
    if (this.#watcher || this.#unsupported !== undefined) this.#scanAt = clock.monotonic() + every;
  }

  /** It is not known any more what has changed. */
  lose(): void {
    this.#scanAt = -Infinity;
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
    this.#retryAt = -Infinity;
    this.lose();
  }

  #changed(folder: string, name: string | undefined, step: ChangeStep | undefined): void {
    this.#paths.touch(folder, name, step);
    if (this.#paths.overflowed) this.lose();
    this.#options.wake();
  }

  #ended(watcher: FolderWatcher, { why, reason }: WatchEnd): void {
    if (this.#watcher === watcher) this.#watcher = undefined;
    this.lose();
    if (why === 'unsupported') {
      this.#unsupported = reason;
      this.#retryAt = this.#options.clock.monotonic() + RETRY;
    }
    this.#options.wake();
  }
}

/** Paths may be longer than anyone reads. */
function clipped(path: string): string {
  return path.length <= 100 ? path : `${path.slice(0, 60)} … ${path.slice(-30)}`;
}
