import { setTimeout as sleep } from 'node:timers/promises';
import { asFsError, FsError, isFsError } from '../../vfs/fs-error.ts';
import { Backoff } from '../../transfer/backoff.ts';
import { Signal } from '../../transfer/signal.ts';
import type { WatchFolder } from '../../watch/folder-watcher.ts';
import type { ChangedNames } from '../../watch/quiet-paths.ts';
import { Exclusions } from '../exclusions.ts';
import { isMass, type Halt } from '../halt.ts';
import { openingOf, type Opening } from '../schedule/opening.ts';
import { overdueFrom } from '../schedule/overdue.ts';
import { parseSchedule, type Schedule } from '../schedule/schedule.ts';
import type { BackupProgress, BackupSummary } from '../tally.ts';
import type { BackupSet } from './backup-set.ts';
import type { Clock } from './clock.ts';
import { Follower } from './follower.ts';
import { nextStep, type Step } from './next-step.ts';
import { RecentLosses } from './recent-losses.ts';

/** What one run of a set is asked for. */
export interface RunRequest {
  /** Names to compare; everything if undefined. */
  readonly scope: ChangedNames | undefined;
  readonly confirm: boolean;
  readonly repair: boolean;
  readonly recentlyLost: number;
  readonly asked: boolean;
  readonly onProgress: (progress: BackupProgress) => void;
  readonly signal: AbortSignal;
}

export interface SetAgentOptions {
  readonly set: BackupSet;
  /** One run. @throws FsError; EINTR when aborted */
  readonly run: (
    set: BackupSet,
    request: RunRequest,
  ) => Promise<{ summary: BackupSummary; changes: Partial<BackupSet> }>;
  /** Whether what a run has stopped at is still so. */
  readonly probe: (set: BackupSet, halt: Halt | undefined, signal: AbortSignal) => Promise<Halt | undefined>;
  readonly watch: WatchFolder;
  /** Keeps what the agent has learned. */
  readonly save: (set: BackupSet) => Promise<void>;
  readonly clock: Clock;
  readonly random: () => number;
  /** Why runs that a person has not asked for wait; undefined if they do not. */
  readonly deferred?: (() => string | undefined) | undefined;
  /** A step that failed for no known reason. */
  readonly onFault: (error: unknown) => void;
}

/** What an agent does just now. */
export type AgentState =
  /** `silent`: ms for which the disk has not answered, where that is longer than disks take. */
  | {
      readonly doing: 'running';
      readonly whole: boolean;
      readonly progress: BackupProgress | undefined;
      readonly silent: number | undefined;
    }
  /** Waits for changes. `scanning`: why it cannot be told of them, and compares from time to time. */
  | { readonly doing: 'watching'; readonly scanning: string | undefined }
  /** Waits for its schedule; without a time, for a person. */
  | { readonly doing: 'waiting'; readonly next: number | undefined }
  | { readonly doing: 'paused'; readonly until: number | undefined }
  /** Waits for something outside, such as mains. */
  | { readonly doing: 'deferred'; readonly reason: string }
  | { readonly doing: 'halted'; readonly halt: Halt }
  | { readonly doing: 'failing'; readonly reason: string; readonly next: number; readonly offline: boolean };

export interface AskOptions {
  readonly confirm: boolean;
  /** Puts right everything that was changed in the cloud. */
  readonly repair?: boolean;
  readonly onProgress?: (progress: BackupProgress) => void;
}

interface Asked extends AskOptions {
  readonly settle: (error: FsError | undefined, summary?: BackupSummary) => void;
}

interface Run {
  readonly stop: AbortController;
  readonly whole: boolean;
  readonly asked: boolean;
  progress: BackupProgress | undefined;
  /** Since when it waits for the disk's first answer, by the clock that never steps. */
  probing: number | undefined;
}

/** Ms after which a disk counts as one that does not answer. */
const SILENT = 10_000;
/** Most ms between two looks at the clock, which may have been set, or have gone on while the computer slept. */
const LOOK = 30_000;
/** Ms between two looks for a source that has vanished. */
const PROBE = 5000;
/** Ms that the end waits for what runs. */
const LEAVE = 5000;
/** The shortest pause after a failure, ms. */
const SHORTEST = 2000;

/**
 * Keeps one mirror up to date: decides when to run, follows changes, halts where a person has to decide. One loop and the state that
 * its steps share, so it is not cut apart.
 */
export class SetAgent {
  readonly #options: SetAgentOptions;
  readonly #follower: Follower;
  readonly #losses: RecentLosses;
  readonly #backoff: Backoff;
  readonly #signal = new Signal();
  readonly #life = new AbortController();
  readonly #asked: Asked[] = [];
  #set: BackupSet;
  #schedule: Schedule;
  #halt: Halt | undefined;
  #probeAt = 0;
  #run: Run | undefined;
  #running: Promise<void> | undefined;

  constructor(options: SetAgentOptions) {
    const { set, clock, watch, random } = options;
    this.#options = options;
    this.#set = set;
    this.#schedule = parseSchedule(set.schedule ?? 'continuous');
    this.#halt = set.halt;
    this.#losses = new RecentLosses(clock.monotonic);
    this.#backoff = new Backoff({ now: clock.monotonic, random });
    this.#follower = new Follower({ watch, clock, wake: () => this.#signal.wake() });
  }

  get set(): BackupSet {
    return this.#set;
  }

  /** Since when it has not been complete for longer than its schedule allows, ms; undefined if it has. */
  get overdue(): number | undefined {
    const from = overdueFrom(this.#schedule, { finished: this.#set.finished, added: this.#set.added });
    return from !== undefined && from <= this.#options.clock.now() ? from : undefined;
  }

  get state(): AgentState {
    const { now } = this.#options.clock;
    if (this.#run)
      return { doing: 'running', whole: this.#run.whole, progress: this.#run.progress, silent: this.#silent };
    const paused = this.#paused;
    if (paused) return { doing: 'paused', until: paused.until };
    if (this.#halt) return { doing: 'halted', halt: this.#halt };
    const reason = this.#deferred;
    if (reason !== undefined) return { doing: 'deferred', reason };
    const { error, until } = this.#backoff;
    if (error !== undefined) {
      const offline = isFsError(error, 'EAGAIN') || isFsError(error, 'ETIMEDOUT');
      return { doing: 'failing', reason: reasonOf(error), next: this.#timeOf(until), offline };
    }
    const opening = this.#opening(now());
    if (opening.state === 'open') return { doing: 'watching', scanning: this.#follower.unsupported };
    return { doing: 'waiting', next: opening.state === 'due' ? now() : opening.next };
  }

  start(): void {
    this.#running ??= this.#loop();
  }

  /** Ends what runs; the next start goes on from there. */
  async stop(): Promise<void> {
    this.#life.abort();
    this.#run?.stop.abort();
    this.#follower.close();
    // A disk that hangs does not keep the program from ending.
    await Promise.race([this.#running, sleep(LEAVE, undefined, { ref: false })]);
    this.#refuse(new FsError('EINTR', 'backup', { subject: this.#set.name, reason: 'Fjord ends' }));
  }

  /**
   * Asks for a run of everything that begins after the call.
   * @throws FsError with which it failed; EBUSY if the set is paused
   */
  ask(options: AskOptions): Promise<BackupSummary> {
    const { name } = this.#set;
    if (this.#life.signal.aborted) return Promise.reject(new FsError('EINTR', 'backup', { subject: name }));
    if (this.#paused) return Promise.reject(paused(name));
    return new Promise((resolve, reject) => {
      const settle: Asked['settle'] = (error, summary) => (summary ? resolve(summary) : reject(error));
      this.#asked.push({ ...options, settle });
      this.#signal.wake();
    });
  }

  /** Stops what runs, up to a time or for good; it goes on where it was. */
  async pause(until: number | undefined): Promise<void> {
    await this.#keep({ paused: until === undefined ? {} : { until } });
    this.#run?.stop.abort();
    this.#refuse(paused(this.#set.name));
    this.#signal.wake();
  }

  async resume(): Promise<void> {
    await this.#keep({ paused: undefined });
    this.#backoff.worked();
    this.#signal.wake();
  }

  /** Keeps when it was verified. */
  async note(verified: NonNullable<BackupSet['verified']>): Promise<void> {
    await this.#keep({ verified });
  }

  /** Whom to tell of failures; what runs is not disturbed. */
  async hook(onFailure: string | undefined): Promise<void> {
    await this.#keep({ onFailure });
  }

  /** Other patterns, another schedule. What runs is begun anew with them. */
  async edit(changes: Pick<BackupSet, 'schedule' | 'exclude' | 'oneFileSystem'>): Promise<void> {
    this.#schedule = parseSchedule(changes.schedule ?? 'continuous');
    await this.#keep(changes);
    this.#follower.close();
    this.#run?.stop.abort();
    this.#signal.wake();
  }

  /** To be called when it may be deferred, or not any more. What a person has asked for goes on. */
  reconsider(): void {
    if (this.#deferred !== undefined && this.#run?.asked === false) this.#run.stop.abort();
    this.#signal.wake();
  }

  get #deferred(): string | undefined {
    return this.#options.deferred?.();
  }

  get #paused(): BackupSet['paused'] {
    const { paused: until } = this.#set;
    return until?.until !== undefined && until.until <= this.#options.clock.now() ? undefined : until;
  }

  async #loop(): Promise<void> {
    const { signal } = this.#life;
    while (!signal.aborted) {
      try {
        await this.#take(this.#next());
      } catch (error) {
        this.#options.onFault(error);
        this.#backoff.failed(error);
        await this.#signal.wait(SHORTEST, signal);
      }
    }
  }

  #next(): Step {
    const { clock } = this.#options;
    const now = clock.now();
    const { scanAt } = this.#follower;
    return nextStep({
      now,
      opening: this.#opening(now),
      paused: this.#paused,
      deferred: this.#deferred !== undefined,
      requested: this.#asked.length > 0,
      halted: this.#halt && (isMass(this.#halt) ? 'asks' : 'vanished'),
      again: this.#timeOf(this.#halt ? this.#probeAt : this.#backoff.until),
      scanAt: this.#timeOf(scanAt),
      changes: this.#follower.wait,
    });
  }

  /** A last run that lies ahead, as the clock was set back, is taken for one of now. */
  #opening(now: number): Opening {
    const { started } = this.#set;
    if (started !== undefined && started > now) this.#set = { ...this.#set, started: now };
    return openingOf(this.#schedule, { now, last: this.#set.started });
  }

  async #take(step: Step): Promise<void> {
    if (step.run === 'nothing') return this.#signal.wait(Math.min(step.wait ?? LOOK, LOOK), this.#life.signal);
    if (step.run === 'probe') return this.#probe();
    const asked = step.run === 'whole' ? this.#asked.splice(0) : [];
    try {
      const summary = await this.#mirror(step.run === 'whole', step.until, asked);
      for (const { settle } of asked) settle(undefined, summary);
    } catch (error) {
      const failure = asFsError(error, 'backup', this.#set.name);
      const stopped = isFsError(failure, 'EINTR') && this.#paused ? paused(this.#set.name) : failure;
      for (const { settle } of asked) settle(stopped);
      if (!isFsError(failure, 'EINTR')) this.#failed(failure);
    }
  }

  async #probe(): Promise<void> {
    this.#halt = await this.#options.probe(this.#set, this.#halt, this.#life.signal);
    this.#probeAt = this.#options.clock.monotonic() + PROBE;
  }

  async #mirror(whole: boolean, until: number | undefined, asked: readonly Asked[]): Promise<BackupSummary> {
    const { clock, run } = this.#options;
    const stop = new AbortController();
    const current: Run = (this.#run = {
      stop,
      whole,
      asked: asked.length > 0,
      progress: undefined,
      probing: undefined,
    });
    const [started, began] = [clock.now(), clock.monotonic()];
    const closing = until === undefined ? undefined : setTimeout(() => stop.abort(), Math.max(0, until - started));
    const onProgress = (progress: BackupProgress): void => {
      current.progress = progress;
      for (const one of asked) one.onProgress?.(progress);
    };
    try {
      if (whole && this.#follows) {
        await this.#answered(current);
        await this.#follow();
      }
      const scope = whole ? undefined : this.#follower.take();
      const confirm = asked.some((one) => one.confirm);
      const repair = asked.some((one) => one.repair === true);
      const recentlyLost = this.#losses.files;
      const waits = this.#halt !== undefined && isMass(this.#halt);
      const request = { scope, confirm, repair, recentlyLost, asked: waits, onProgress, signal: stop.signal };
      const { summary, changes } = await run(this.#set, request);
      await this.#ended(summary, { whole, confirm, started, took: clock.monotonic() - began, changes });
      return summary;
    } catch (error) {
      // What was taken is not known to be in the cloud.
      this.#follower.lose();
      throw error;
    } finally {
      clearTimeout(closing);
      this.#run = undefined;
    }
  }

  /** Waits for a disk that hangs before anything else does that cannot say so. */
  async #answered(current: Run): Promise<void> {
    const { clock, probe } = this.#options;
    current.probing = clock.monotonic();
    await probe(this.#set, undefined, current.stop.signal);
    current.probing = undefined;
  }

  get #silent(): number | undefined {
    const { progress, probing } = this.#run ?? {};
    const silent = probing === undefined ? (progress?.silent ?? 0) : this.#options.clock.monotonic() - probing;
    return silent < SILENT ? undefined : silent;
  }

  /** When a moment of the clock that never steps is, was or will be by the other. */
  #timeOf(moment: number): number {
    const { clock } = this.#options;
    return clock.now() + moment - clock.monotonic();
  }

  get #follows(): boolean {
    return this.#schedule.kind === 'continuous' || this.#schedule.kind === 'window';
  }

  async #follow(): Promise<void> {
    const { folder, exclude = [], oneFileSystem = false } = this.#set;
    const exclusions = new Exclusions(exclude);
    const skips = (path: string): boolean => exclusions.excludes(path, true);
    await this.#follower.begin({ folder, skips, oneFileSystem });
  }

  async #ended(
    summary: BackupSummary,
    run: { whole: boolean; confirm: boolean; started: number; took: number; changes: Partial<BackupSet> },
  ): Promise<void> {
    this.#backoff.worked();
    this.#losses.add(summary.lost);
    if (run.confirm) this.#losses.clear();
    const { paused: halt } = summary;
    this.#halt = halt;
    if (halt) {
      this.#probeAt = this.#options.clock.monotonic() + PROBE;
      this.#follower.close();
      return this.#keep({ ...run.changes, halt });
    }
    const finished = this.#options.clock.now();
    if (!run.whole) return void (this.#set = { ...this.#set, ...run.changes, finished });
    this.#follower.compared(run.took);
    await this.#keep({ ...run.changes, halt: undefined, started: run.started, finished });
  }

  #failed(failure: FsError): void {
    this.#backoff.failed(failure);
    this.#probeAt = this.#options.clock.monotonic() + PROBE;
  }

  #refuse(error: FsError): void {
    for (const { settle } of this.#asked.splice(0)) settle(error);
  }

  async #keep(changes: Partial<BackupSet>): Promise<void> {
    this.#set = { ...this.#set, ...changes };
    await this.#options.save(this.#set);
  }
}

function paused(name: string): FsError {
  const reason = `${name} is paused; \`fjord backup resume ${name}\` lets it go on`;
  return new FsError('EBUSY', 'backup', { subject: name, reason });
}

function reasonOf(error: unknown): string {
  return asFsError(error, 'backup').reason ?? String(error);
}
