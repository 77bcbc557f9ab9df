import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../backup/agent/clock.ts';
import { Follower } from '../backup/agent/follower.ts';
import { Signal } from '../transfer/signal.ts';
import type { Change } from '../vfs/file-system.ts';
import { asFsError } from '../vfs/fs-error.ts';
import type { NodeId } from '../vfs/node.ts';
import type { WatchFolder } from '../watch/folder-watcher.ts';
import type { ChangedNames, QuietPolicy } from '../watch/quiet-paths.ts';
import type { FolderPair } from './folder-pair.ts';
import type { FolderSync } from './folder-sync.ts';
import { HaltError, type FolderHalt, type PassNotes } from './pass-notes.ts';
import type { PassScope } from './pass.ts';
import { splitLast } from './paths.ts';

/** A file here is looked at when it has not changed for a moment: programs write in several steps. */
const QUIET: QuietPolicy = { quiet: 100, closed: 20, longest: 2000, most: 20_000 };
/** Ms that changes of the drive are collected for. */
const COLLECT = 15;
/** Ms between two looks for what a halt waits for. */
const PROBE = 3000;
/** Ms between two looks whether the folder is still the one that is synced: of what is mounted over it, or unmounted, nothing is told. */
const LOOK = 5000;
/** Ms between two looks at files that programs may still write although another one has their place. */
const REVIEW = 2000;
/** The shortest and the longest pause before what has failed is tried again, ms. */
const SHORTEST = 150;
const LONGEST = 30_000;
/** Ms that the end waits for what runs. */
const LEAVE = 5000;

export interface DriveListener {
  readonly changed: (change: Change) => void;
  /** Nothing writes the file any more. */
  readonly released: (node: NodeId) => void;
}

export interface FolderAgentOptions {
  readonly pair: FolderPair;
  readonly sync: FolderSync;
  readonly watch: WatchFolder;
  /** Returns a function that ends it. */
  readonly watchDrive: (listener: DriveListener) => () => void;
  /** The folder that a node of the drive is in. */
  readonly parentOf: (node: NodeId) => NodeId | undefined;
  readonly clock: Clock;
  readonly onFault: (error: unknown) => void;
}

/** What an agent does just now. */
export type FolderState =
  | { readonly doing: 'syncing' }
  /** Both sides are alike, but for problems. `scanning`: why it is not told of changes, and compares from time to time. */
  | { readonly doing: 'watching'; readonly scanning: string | undefined }
  | { readonly doing: 'paused' }
  | { readonly doing: 'halted'; readonly halt: FolderHalt }
  /** Some content is not on this computer, and the cloud cannot be reached. */
  | { readonly doing: 'offline' }
  | { readonly doing: 'failing'; readonly reason: string };

/** Keeps a local folder and a folder of the drive alike: follows the changes of both, and halts where a person or a disk is waited for. */
export class FolderAgent {
  readonly #options: FolderAgentOptions;
  readonly #follower: Follower;
  readonly #signal = new Signal();
  readonly #life = new AbortController();
  readonly #problems = new Map<string, string>();
  readonly #refused = new Set<string>();
  #drive = new Set<NodeId>();
  #again: { local: ChangedNames; drive: Set<NodeId>; at: number } | undefined;
  #pause = SHORTEST;
  #pair: FolderPair;
  #state: FolderState = { doing: 'syncing' };
  #stop = new AbortController();
  #whole = true;
  #confirmed = false;
  #probeAt = 0;
  #lookAt = 0;
  #reviewAt = Infinity;
  #unwatch: () => void = () => undefined;
  #running: Promise<void> | undefined;

  constructor(options: FolderAgentOptions) {
    this.#options = options;
    this.#pair = options.pair;
    const wake = (): void => this.#signal.wake();
    this.#follower = new Follower({ watch: options.watch, clock: options.clock, wake, quiet: QUIET });
  }

  get pair(): FolderPair {
    return this.#pair;
  }

  get state(): FolderState {
    if (this.#pair.paused === true) return { doing: 'paused' };
    return this.#state;
  }

  /** What is not synced, and why, by path in the folder. */
  get problems(): ReadonlyMap<string, string> {
    return this.#problems;
  }

  start(): void {
    const { watchDrive } = this.#options;
    this.#unwatch = watchDrive({
      changed: (change) => this.#changed(change),
      released: (node) => this.#released(node),
    });
    this.#running ??= this.#loop();
  }

  /** Ends what runs; the next start goes on from there. */
  async stop(): Promise<void> {
    this.#life.abort();
    this.#stop.abort();
    this.#unwatch();
    this.#follower.close();
    await Promise.race([this.#running, sleep(LEAVE, undefined, { ref: false })]);
    await this.#options.sync.close();
  }

  pause(): void {
    this.#pair = { ...this.#pair, paused: true };
    this.#stop.abort();
    this.#follower.close();
  }

  resume(): void {
    this.#pair = { ...this.#pair, paused: undefined };
    this.#whole = true;
    this.#signal.wake();
  }

  /** Lets most files be removed. @returns whether that was waited for */
  confirm(): boolean {
    if (this.#state.doing !== 'halted' || this.#state.halt.kind !== 'removal') return false;
    this.#confirmed = true;
    this.#signal.wake();
    return true;
  }

  #changed(change: Change): void {
    const { sync, pair, parentOf } = this.#options;
    const folder = change.what === 'entry' ? change.folder : parentOf(change.node);
    if (folder === undefined || (folder !== pair.node && !sync.base.get(folder))) return;
    this.#drive.add(folder);
    this.#signal.wake();
  }

  #released(node: NodeId): void {
    this.#changed({ what: 'node', node, content: true });
  }

  async #loop(): Promise<void> {
    const { signal } = this.#life;
    while (!signal.aborted) {
      try {
        const wait = this.#wait();
        if (wait === undefined || wait > 0) await this.#signal.wait(wait, signal);
        else if (this.#isIdle()) await this.#look();
        else await this.#step();
      } catch (error) {
        if (signal.aborted) return;
        this.#failed(error);
      }
    }
  }

  /** Ms until there is something to do. */
  #wait(): number | undefined {
    const { clock } = this.#options;
    const now = clock.monotonic();
    if (this.#pair.paused === true) return undefined;
    if (this.#state.doing === 'halted') {
      if (this.#confirmed) return 0;
      return this.#state.halt.kind === 'removal' ? undefined : Math.max(0, this.#probeAt - now);
    }
    if (this.#state.doing === 'failing') return Math.max(0, this.#probeAt - now);
    if (this.#whole) return 0;
    return Math.max(0, Math.min(this.#due(now), this.#lookAt) - now);
  }

  /** Whether there is nothing to do but to look after the folder. */
  #isIdle(): boolean {
    const isStopped = this.#state.doing === 'halted' || this.#state.doing === 'failing';
    const now = this.#options.clock.monotonic();
    return !isStopped && this.#due(now) > now;
  }

  /** When there is something to sync, ms of the clock that never steps; `now` if there is. A later reading would always be yet to come. */
  #due(now: number): number {
    if (this.#whole || this.#drive.size > 0) return now;
    return Math.min(
      this.#reviewAt,
      this.#follower.scanAt,
      now + (this.#follower.wait ?? Infinity),
      this.#again?.at ?? Infinity,
    );
  }

  async #step(): Promise<void> {
    const { clock, sync } = this.#options;
    const { signal } = this.#life;
    // A burst in the drive comes in many pieces.
    if (this.#drive.size > 0) await sleep(COLLECT, undefined, { signal });
    const stop = (this.#stop = new AbortController());
    if (this.#state.doing === 'watching' || this.#state.doing === 'offline') this.#state = { doing: 'syncing' };
    const whole = this.#whole || this.#state.doing !== 'syncing' || this.#follower.scanAt <= clock.monotonic();
    const began = clock.monotonic();
    if (whole) {
      await this.#look();
      const skips = (path: string): boolean => sync.rules.skips(path, true);
      await this.#follower.begin({ folder: this.#pair.folder, skips, oneFileSystem: true });
    }
    const scope = this.#take(whole);
    this.#whole = true;
    const confirmed = this.#confirmed;
    const notes = await sync.pass({ scope, confirmed, signal: stop.signal });
    this.#whole = false;
    this.#confirmed = false;
    if (whole) this.#follower.compared(clock.monotonic() - began);
    this.#note(notes, scope);
  }

  async #look(): Promise<void> {
    const { clock, sync } = this.#options;
    this.#lookAt = clock.monotonic() + LOOK;
    const reason = await sync.check();
    if (reason !== undefined) throw new HaltError({ kind: 'gone', reason });
  }

  #take(whole: boolean): PassScope {
    const drive = this.#drive;
    this.#drive = new Set();
    const again = this.#again;
    const names = this.#follower.take();
    if (whole) {
      this.#again = undefined;
      return { local: 'whole', drive: 'whole' };
    }
    if (again && again.at <= this.#options.clock.monotonic()) {
      this.#again = undefined;
      for (const id of again.drive) drive.add(id);
      merge(names, again.local);
    }
    return { local: names, drive };
  }

  #note(notes: PassNotes, { local }: PassScope): void {
    if (local === 'whole') this.#problems.clear();
    else for (const path of pathsOf(local)) this.#problems.delete(path);
    for (const path of this.#refused) if (notes.compared.has(splitLast(path)[0])) this.#problems.delete(path);
    for (const path of this.#refused) if (!this.#problems.has(path)) this.#refused.delete(path);
    for (const path of notes.refused) this.#refused.add(path);
    for (const [path, reason] of notes.problems) this.#problems.set(path, reason);
    this.#reviewAt = notes.waiting > 0 ? this.#options.clock.monotonic() + REVIEW : Infinity;
    if (notes.local.size > 0 || notes.drive.size > 0) {
      this.#pause = notes.done > 0 ? SHORTEST : Math.min(this.#pause * 2, LONGEST);
      const before = this.#again;
      merge(notes.local, before?.local ?? new Map());
      const drive = new Set([...notes.drive, ...(before?.drive ?? [])]);
      this.#again = { local: notes.local, drive, at: this.#options.clock.monotonic() + this.#pause };
    } else if (!this.#again) this.#pause = SHORTEST;
    this.#state = notes.offline ? { doing: 'offline' } : { doing: 'watching', scanning: this.#follower.unsupported };
  }

  #failed(error: unknown): void {
    const { clock, onFault } = this.#options;
    this.#whole = true;
    this.#probeAt = clock.monotonic() + PROBE;
    if (error instanceof HaltError) {
      this.#follower.close();
      this.#state = { doing: 'halted', halt: error.halt };
      return;
    }
    const failure = asFsError(error, 'sync', this.#pair.folder);
    if (failure.code === 'EINTR') return;
    onFault(error);
    this.#follower.lose();
    this.#state = { doing: 'failing', reason: failure.reason ?? failure.message };
  }
}

function merge(into: ChangedNames, from: ChangedNames): void {
  for (const [folder, names] of from) {
    const there = into.get(folder);
    if (names === 'all' || there === 'all') into.set(folder, 'all');
    else into.set(folder, new Set([...(there ?? []), ...names]));
  }
}

function* pathsOf(names: ChangedNames): Generator<string> {
  for (const [folder, all] of names) {
    if (all !== 'all') for (const name of all) yield folder === '' ? name : `${folder}/${name}`;
  }
}
