import type { Catalog, SpaceLoss } from '../../../cache/tree/catalog.ts';
import type { Entry } from '../../../cache/tree/entry.ts';
import { timeOfId } from '../../../vfs/ids.ts';
import type { NodeId } from '../../../vfs/node.ts';

/** Remote removals of this many files at most are always applied without confirmation. */
const ALWAYS = 100;
/** Ms for which what was removed counts as one event with what comes after it: a tree is removed in many steps. */
const WINDOW = 3_600_000;
/** Losses of one origin that are stored as one, ms. */
const STEP = 300_000;
/** Losses of which it is remembered where they were. */
const PLACED = 10_000;

export interface HeldRemoval {
  readonly space: string;
  /** Files that would go, at least. */
  readonly files: number;
  /** Files that have gone already, before it turned out that they were many. */
  readonly gone: number;
  /** Names of computers, and e-mail addresses of people, that have removed them. */
  readonly by: readonly string[];
  /** Since when they were being removed, by the clock of the cloud, ms. */
  readonly since?: number;
}

export type HeldFiles = Omit<HeldRemoval, 'space'>;

/** A node that others have removed. */
export interface Removal {
  readonly id: NodeId;
  /** When, by the clock of the cloud, ms. */
  readonly at?: number;
  /** The name of the computer, or the e-mail address of the person. */
  readonly by?: string;
}

/** Files that are gone here, or will be. */
interface Loss extends SpaceLoss {
  /** The names on the way from the root of the space; of losses that an earlier process has applied nothing is known. */
  readonly path?: readonly string[];
}

/** What waits, and what counts as gone if nothing has to wait. */
interface Judgement {
  readonly held: HeldFiles | undefined;
  readonly losses: ReadonlyMap<NodeId, Loss>;
}

/**
 * Decides whether what others have removed from a space is a mass removal: more than a hundred files, and more than half of all, at
 * once; or within an hour, of those that are older than that. So what programs make and remove all the time does not count, nor
 * what has been made again in its place; but copies under other names do not make up for what has gone.
 */
export class RemovalGuard {
  readonly #catalog: Catalog;
  readonly #now: () => number;
  readonly #applied: Map<NodeId, Loss>;
  #heldSince: number | undefined;

  constructor(
    catalog: Catalog,
    now: () => number,
    { losses = [], heldSince }: { readonly losses?: readonly SpaceLoss[]; readonly heldSince?: number } = {},
  ) {
    this.#catalog = catalog;
    this.#now = now;
    this.#applied = new Map(losses.map((loss, i) => [`earlier ${i}`, loss]));
    this.#heldSince = heldSince;
  }

  /** For the next process; both absent if there is nothing to remember. */
  get state(): { readonly losses: readonly SpaceLoss[] | undefined; readonly heldSince: number | undefined } {
    const losses = summed([...this.#applied.values()]);
    return { losses: losses.length === 0 ? undefined : losses, heldSince: this.#heldSince };
  }

  /**
   * What of these removals has to be confirmed; if nothing, they count from then on.
   * @param slow whether those of the last hour count with them
   */
  async judge(root: NodeId, removals: readonly Removal[], slow: boolean): Promise<HeldFiles | undefined> {
    const begin = (this.#heldSince ?? this.#now()) - WINDOW;
    for (const [id, { at }] of this.#applied) if (at <= begin) this.#applied.delete(id);
    const { held, losses } = await this.#weigh(root, removals, slow ? begin : undefined);
    if (held !== undefined) this.#heldSince ??= this.#now();
    else {
      this.#heldSince = undefined;
      for (const [id, loss] of slow ? losses : []) this.#add(id, loss);
    }
    return held;
  }

  /** Begins to count anew, after a confirmation. */
  clear(): void {
    this.#applied.clear();
    this.#heldSince = undefined;
  }

  /** @param begin of the window, ms; `undefined` if only these removals count */
  async #weigh(root: NodeId, removals: readonly Removal[], begin: number | undefined): Promise<Judgement> {
    const tops = new Set(removals.map(({ id }) => id));
    const losses = new Map<NodeId, Loss>();
    let files = 0;
    for (const { id, at, by } of removals) {
      const entry = this.#catalog.get(id);
      // What was removed together with its folder is counted with it.
      if (entry?.id !== id || this.#isBelow(entry.parent, tops)) continue;
      const count = await this.#count(entry, begin);
      files += count.files;
      if (count.old === 0 || this.#applied.has(id)) continue;
      const about = { ...(at === undefined ? {} : { since: at }), ...(by === undefined ? {} : { by }) };
      losses.set(id, { at: this.#now(), files: count.old, path: this.#pathOf(entry, root), ...about });
    }
    const atOnce = files > ALWAYS && (await this.#isMost(root, files, 0, undefined));
    const all = atOnce || (begin !== undefined && (await this.#isMostOfOld(root, losses, begin)));
    return { losses, held: all ? this.#heldFrom(files, removals, losses) : undefined };
  }

  #heldFrom(files: number, removals: readonly Removal[], losses: ReadonlyMap<NodeId, Loss>): HeldFiles {
    const all = [...this.#applied.values(), ...losses.values()];
    const since = earliest([...all.map((loss) => loss.since), ...removals.map(({ at }) => at)]);
    const by = new Set([...all, ...removals].flatMap((one) => one.by ?? []));
    const gone = sumOf(this.#applied.values());
    return { files, gone, by: [...by].sort(), ...(since === undefined ? {} : { since }) };
  }

  async #isMostOfOld(root: NodeId, losses: ReadonlyMap<NodeId, Loss>, begin: number): Promise<boolean> {
    const now = sumOf(losses.values());
    const trips = async (): Promise<boolean> => {
      const before = sumOf(this.#applied.values());
      return now > 0 && now + before > ALWAYS && (await this.#isMost(root, now, before, begin));
    };
    if (!(await trips())) return false;
    // Looked for only then, because it takes a while.
    await this.#dropFound(root);
    return await trips();
  }

  /** Whether files that are still here, and others that have gone before, are more than half of all. */
  async #isMost(root: NodeId, files: number, before: number, begin: number | undefined): Promise<boolean> {
    const enough = files * 2 + before;
    const folder = this.#catalog.get(root);
    if (folder === undefined) return false;
    const there = await this.#count(folder, begin, enough);
    return there.old < enough;
  }

  /** Forgets losses of what is there again. */
  async #dropFound(root: NodeId): Promise<void> {
    for (const [id, loss] of this.#applied) {
      const found = this.#catalog.get(id) ?? this.#at(root, loss.path);
      if (found === undefined) continue;
      const { files } = await this.#count(found, undefined, loss.files);
      if (files >= loss.files) this.#applied.delete(id);
      else this.#applied.set(id, { ...loss, files: loss.files - files });
    }
  }

  #at(root: NodeId, path: readonly string[] | undefined): Entry | undefined {
    let entry = path === undefined ? undefined : this.#catalog.get(root);
    for (const name of path ?? []) entry = entry === undefined ? undefined : this.#catalog.child(entry.id, name);
    return entry;
  }

  #pathOf(entry: Entry, root: NodeId): string[] {
    const names = [entry.name];
    for (const { id, name } of this.#catalog.ancestors(entry)) {
      if (id === root) break;
      names.unshift(name);
    }
    return names;
  }

  #add(id: NodeId, { path, ...loss }: Loss): void {
    const isPlaced = path !== undefined && this.#applied.size < PLACED;
    if (isPlaced) this.#applied.set(id, { ...loss, path });
    else this.#addTo('others', loss);
  }

  #addTo(key: string, loss: Loss): void {
    const known = this.#applied.get(key);
    this.#applied.set(key, { ...known, ...loss, files: (known?.files ?? 0) + loss.files });
  }

  /** Whether a folder, or one above it, is among these. Folders whose records wait may be in each other. */
  #isBelow(folder: NodeId, tops: ReadonlySet<NodeId>): boolean {
    const entry = this.#catalog.get(folder);
    if (entry === undefined) return false;
    return tops.has(entry.id) || [...this.#catalog.ancestors(entry)].some(({ id }) => tops.has(id));
  }

  /** The files at and below a node, and those of them that are older than `begin`. Counts no further than `enough` of those. */
  async #count(node: Entry, begin = Infinity, enough = Infinity): Promise<{ files: number; old: number }> {
    const count = { files: 0, old: 0 };
    const note = ({ id, kind, local }: Entry): void => {
      if (kind === 'folder' || local === true) return;
      count.files++;
      if (isOlder(id, begin, this.#now())) count.old++;
    };
    note(node);
    if (node.kind !== 'folder') return count;
    for await (const entry of this.#catalog.below(node.id)) {
      note(entry);
      if (count.old >= enough) break;
    }
    return count;
  }
}

/** An id that no clock can have made counts as old, because it is better to ask in vain than to lose something. */
function isOlder(id: NodeId, begin: number, now: number): boolean {
  const made = timeOfId(id);
  return made === undefined || made <= begin || made > now + WINDOW;
}

/** Of any number of times, ms, those that are known. */
function earliest(times: readonly (number | undefined)[]): number | undefined {
  const first = times.reduce<number>((least, at) => Math.min(least, at ?? Infinity), Infinity);
  return first === Infinity ? undefined : first;
}

function sumOf(losses: Iterable<SpaceLoss>): number {
  let sum = 0;
  for (const { files } of losses) sum += files;
  return sum;
}

/** Few records instead of one for each file. */
function summed(losses: readonly SpaceLoss[]): SpaceLoss[] {
  const sums = new Map<string, SpaceLoss>();
  for (const { at, files, since, by } of losses) {
    const key = `${Math.floor(at / STEP)} ${by ?? ''}`;
    const known = sums.get(key);
    const first = earliest([known?.since, since]);
    sums.set(key, {
      at: Math.max(known?.at ?? 0, at),
      files: (known?.files ?? 0) + files,
      ...(first === undefined ? {} : { since: first }),
      ...(by === undefined ? {} : { by }),
    });
  }
  return [...sums.values()];
}
