import { setTimeout as sleep } from 'node:timers/promises';
import type { ContentStore } from '../../cache/content/content.ts';
import type { Catalog } from '../../cache/tree/catalog.ts';
import type { Entry } from '../../cache/tree/entry.ts';
import type { Backoff } from '../../transfer/backoff.ts';
import type { Change } from '../../vfs/file-system.ts';
import type { NodeId } from '../../vfs/node.ts';
import { Downloads, type Outcome } from './downloads.ts';
import { filesUnder, pinnedFiles } from './pinned-files.ts';
import type { Pins } from './pins.ts';

/** How long after a change everything is looked at again, ms; more, if that takes long. */
const AGAIN = 30_000;
const COST = 20;
/** The longest time until then, ms; a shorter one while files have no room, or could not be fetched. */
const LONGEST = 3_600_000;
const TROUBLED = 600_000;
/** How soon what is new is fetched, ms: a feed brings many files. */
const SOON = 50;

export interface KeeperParts {
  readonly catalog: Catalog;
  readonly store: ContentStore;
  readonly pins: Pins;
  readonly backoff: Backoff;
  /** Whether contents of the space are cached at all. */
  readonly isCached: (space: string) => boolean;
  readonly watch: (listener: (change: Change) => void) => () => void;
  /** ms since 1970 */
  readonly now: () => number;
  readonly log: { warn(fields: object, text: string): void };
}

export interface PinStatus {
  /** Files and bytes of everything that is pinned; equal contents count once. */
  readonly files: number;
  readonly bytes: number;
  /** Of these: what is still to come. */
  readonly missing: { readonly files: number; readonly bytes: number };
  /** What the cache has no room for; the first of these files. */
  readonly unfit: { readonly files: number; readonly bytes: number; readonly first: NodeId | undefined };
  /** Files that could not be fetched, for reasons of their own; the first of them. */
  readonly failed: { readonly files: number; readonly first: NodeId | undefined };
}

/**
 * Keeps the contents of pinned files on this computer. All of them are looked at when it starts, after changes and from time to
 * time; what is new in between is found by its entry, in the turn in which that is written, so that it is never evicted.
 */
export class Keeper {
  readonly #parts: KeeperParts;
  readonly #stop = new AbortController();
  readonly #downloads: Downloads;
  readonly #fresh = new Set<NodeId>();
  readonly #folders = new Set<NodeId>();
  #unwatch: (() => void) | undefined;
  #round = 0;
  #total = { files: 0, bytes: 0 };
  #unfit = { files: 0, bytes: 0, first: undefined as NodeId | undefined };
  #failed = { files: 0, first: undefined as NodeId | undefined };
  #due = true;
  #looking: Promise<void> | undefined;
  #fetching: Promise<void> | undefined;
  readonly #waiters: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #wakesAt = Infinity;
  #surveyCost = 0;
  #surveyAt = Infinity;

  constructor(parts: KeeperParts) {
    this.#parts = parts;
    const { catalog, store } = parts;
    const isWanted = (entry: Entry): boolean => this.isWanted(entry);
    this.#downloads = new Downloads({ catalog, store, isWanted, signal: this.#stop.signal });
    catalog.onPut((entry) => this.#written(entry));
  }

  get status(): PinStatus {
    const { bytes, files } = this.#downloads.left;
    const missing = { files: files + this.#unfit.files + this.#failed.files, bytes: bytes + this.#unfit.bytes };
    return { ...this.#total, missing, unfit: this.#unfit, failed: this.#failed };
  }

  /** Whether the content of a file is to be kept here. */
  isWanted(entry: Entry): boolean {
    return entry.kind === 'file' && this.#parts.pins.isPinned(entry) && this.#parts.isCached(entry.space);
  }

  start(): void {
    this.#unwatch ??= this.#parts.watch((change) => this.#changed(change));
    if (!this.#parts.pins.isEmpty) void this.survey();
    else this.#parts.store.keepOnly(++this.#round);
  }

  /** Looks at everything again, as the marks or the room have changed. Resolves when the status is right. */
  survey(): Promise<void> {
    this.#due = true;
    this.#wake(0);
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** The cloud may be in reach again. */
  reachable(): void {
    if (this.#downloads.left.files === 0) return;
    this.#parts.backoff.reset();
    this.#wake(0);
  }

  /** Resolves when there is nothing to do now. */
  async idle(): Promise<void> {
    for (;;) {
      const work = this.#looking ?? this.#fetching;
      const isSoon = this.#timer !== undefined && this.#wakesAt <= performance.now() + SOON;
      if (work === undefined && !isSoon) return;
      await (work ?? sleep(5));
    }
  }

  async close(): Promise<void> {
    this.#unwatch?.();
    this.#stop.abort();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await Promise.all([this.#looking, this.#fetching]);
    this.#waiters.forEach((resolve) => resolve());
  }

  /** What a change writes is looked at once all of it is there. */
  #written(entry: Entry): void {
    if (entry.kind !== 'file' || entry.hash === undefined || this.#parts.pins.isEmpty) return;
    if (this.#fresh.size === 0) queueMicrotask(() => this.#keepFresh());
    this.#fresh.add(entry.id);
  }

  #keepFresh(): void {
    for (const id of this.#fresh) {
      const entry = this.#parts.catalog.get(id);
      if (entry === undefined || !this.isWanted(entry)) continue;
      if (this.#keep(entry)) this.#wake(SOON);
      this.#again(AGAIN);
    }
    this.#fresh.clear();
  }

  #changed(change: Change): void {
    const { pins, catalog } = this.#parts;
    if (pins.isEmpty) return;
    if (pins.changed(change)) void this.survey();
    if (change.what !== 'entry') return;
    const child = catalog.child(change.folder, change.name);
    if (child?.kind !== 'folder' || !pins.isPinned(child)) return;
    this.#folders.add(child.id);
    this.#wake(SOON);
  }

  /** Keeps the content of a file; true if some of it has to come. */
  #keep(entry: Entry): boolean {
    const { store } = this.#parts;
    const { id, hash, size, staged } = entry;
    const isNew = hash === undefined || store.keep(hash, this.#round);
    if (isNew) this.#total = { files: this.#total.files + 1, bytes: this.#total.bytes + size };
    if (hash === undefined || staged !== undefined || entry.remote === undefined || size === 0) return false;
    const missing = size - store.cachedBytes(hash);
    if (missing <= 0 || !isNew) return false;
    this.#downloads.add(id, missing);
    return true;
  }

  /** Wakes after `delay` ms, or earlier if that was asked for. */
  #wake(delay: number): void {
    const at = performance.now() + delay;
    if (this.#stop.signal.aborted || at >= this.#wakesAt) return;
    clearTimeout(this.#timer);
    this.#wakesAt = at;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#wakesAt = Infinity;
      this.#run();
    }, delay);
    if (delay > SOON) this.#timer.unref();
  }

  /** Looks at everything again after a while, and not for more than a part of the time. */
  #again(after: number): void {
    this.#surveyAt = Math.min(this.#surveyAt, performance.now() + Math.max(after, this.#surveyCost * COST));
    this.#wake(Math.max(0, this.#surveyAt - performance.now()));
  }

  /** Looking and fetching go on beside each other: what is pinned later need not wait for what comes already. */
  #run(): void {
    if (performance.now() >= this.#surveyAt) {
      this.#surveyAt = Infinity;
      this.#due = true;
    }
    if (this.#due || this.#folders.size > 0)
      this.#looking ??= this.#end(this.#look(), () => (this.#looking = undefined));
    const { backoff, now } = this.#parts;
    if (this.#downloads.left.files === 0 || backoff.until > now()) return this.#schedule();
    this.#fetching ??= this.#end(this.#fetch(), () => (this.#fetching = undefined));
  }

  async #end(work: Promise<void>, ended: () => void): Promise<void> {
    await work.catch((error: unknown) => this.#parts.log.warn({ err: error }, 'pinned files could not be kept here'));
    ended();
    this.#schedule();
  }

  #schedule(): void {
    const { pins, backoff, now } = this.#parts;
    if (pins.isEmpty && !this.#due) return;
    if (this.#looking === undefined && (this.#due || this.#folders.size > 0)) this.#wake(SOON);
    if (this.#fetching === undefined && this.#downloads.left.files > 0)
      this.#wake(Math.max(SOON, backoff.until - now()));
    this.#again(this.#unfit.files + this.#failed.files > 0 ? TROUBLED : LONGEST);
  }

  async #look(): Promise<void> {
    while (this.#due || this.#folders.size > 0) {
      if (this.#stop.signal.aborted) return;
      const waiters = this.#waiters.splice(0);
      if (this.#due) await this.#survey().finally(() => waiters.forEach((resolve) => resolve()));
      for (const id of this.#folders) await this.#lookInto(id);
    }
  }

  async #fetch(): Promise<void> {
    const { backoff } = this.#parts;
    const failure = await this.#downloads.run((entry, outcome) => this.#ended(entry, outcome));
    if (failure === undefined) backoff.worked();
    else backoff.failed(failure);
  }

  async #survey(): Promise<void> {
    const began = performance.now();
    const { catalog, pins, store } = this.#parts;
    this.#due = false;
    this.#surveyAt = Infinity;
    this.#folders.clear();
    pins.follow();
    this.#round++;
    this.#total = { files: 0, bytes: 0 };
    this.#unfit = { files: 0, bytes: 0, first: undefined };
    this.#failed = { files: 0, first: undefined };
    this.#downloads.clear();
    for await (const entry of pinnedFiles(catalog, pins)) {
      if (this.#stop.signal.aborted) return;
      if (this.#parts.isCached(entry.space)) this.#keep(entry);
    }
    store.keepOnly(this.#round);
    this.#surveyCost = performance.now() - began;
  }

  async #lookInto(id: NodeId): Promise<void> {
    const { catalog, pins } = this.#parts;
    this.#folders.delete(id);
    const folder = catalog.get(id);
    if (folder === undefined) return;
    for await (const entry of filesUnder(catalog, pins, folder)) {
      if (this.#stop.signal.aborted) return;
      if (this.isWanted(entry)) this.#keep(entry);
    }
    this.#again(AGAIN);
  }

  #ended(entry: Entry, outcome: Outcome): void {
    if (outcome === 'no room') {
      const bytes = this.#unfit.bytes + entry.size - this.#parts.store.cachedBytes(entry.hash ?? '');
      this.#unfit = { files: this.#unfit.files + 1, bytes, first: this.#unfit.first ?? entry.id };
    } else if (outcome === 'failed') {
      this.#failed = { files: this.#failed.files + 1, first: this.#failed.first ?? entry.id };
    }
  }
}
