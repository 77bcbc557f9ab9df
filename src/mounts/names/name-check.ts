import { setImmediate } from 'node:timers/promises';
import type { Catalog } from '../../cache/tree/catalog.ts';
import type { Entry } from '../../cache/tree/entry.ts';
import type { Change } from '../../vfs/file-system.ts';
import { foldedName, nameFault, portableName, type NameFault } from '../../vfs/foreign-name.ts';
import type { NodeId } from '../../vfs/node.ts';

/** A name that some system cannot hold. */
export interface BadName {
  readonly node: NodeId;
  readonly fault: NameFault | 'twin';
  /** Of a twin: the other name in the folder, which has been there longer. */
  readonly other?: string;
  /** A name that every system can hold. */
  readonly better: string;
}

/** Most names that are remembered. */
const MOST = 1000;
/** Entries between two turns of the event loop. */
const STEP = 200;
/** How soon changed folders are looked at, ms; and the share of the time that this may take, as a divisor. */
const SOON = 2000;
const SHARE = 20;
/** How soon after a start everything is looked at, ms. */
const FIRST = 60_000;

export interface NameCheckParts {
  readonly catalog: Catalog;
  /** Whether names of the space are synced to other systems and can be changed here. */
  readonly isShared: (space: string) => boolean;
  readonly watch: (listener: (change: Change) => void) => () => void;
}

/** Finds names that cannot be on every system: all in the background after a start, then those in folders that change. */
export class NameCheck {
  readonly #parts: NameCheckParts;
  readonly #stop = new AbortController();
  /** Bad names by folder. */
  readonly #found = new Map<NodeId, readonly BadName[]>();
  readonly #dirty = new Set<NodeId>();
  #count = 0;
  #all: Promise<void> | undefined;
  #looking: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #unwatch: (() => void) | undefined;

  constructor(parts: NameCheckParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#unwatch ??= this.#parts.watch((change) => {
      if (change.what !== 'entry') return;
      this.#dirty.add(change.folder);
      this.#wake(SOON);
    });
    this.#timer ??= setTimeout(() => void this.#background(), FIRST).unref();
  }

  /** Those that are known now, at most a thousand. */
  get known(): BadName[] {
    return [...this.#found.values()].flat();
  }

  /** All, at most a thousand: looks at what has not been looked at yet. */
  async list(): Promise<BadName[]> {
    await (this.#all ??= this.#lookAtAll());
    await this.#lookAtDirty();
    return this.known;
  }

  async close(): Promise<void> {
    this.#unwatch?.();
    clearTimeout(this.#timer);
    this.#stop.abort();
    await Promise.all([this.#all, this.#looking]);
  }

  #wake(delay: number): void {
    if (this.#all === undefined || this.#stop.signal.aborted) return;
    this.#timer ??= setTimeout(() => void this.#background(), delay).unref();
  }

  async #background(): Promise<void> {
    const began = performance.now();
    await (this.#all ??= this.#lookAtAll());
    await this.#lookAtDirty();
    this.#timer = undefined;
    if (this.#dirty.size > 0) this.#wake(Math.max(SOON, SHARE * (performance.now() - began)));
  }

  async #lookAtAll(): Promise<void> {
    const { catalog, isShared } = this.#parts;
    const tops = (await catalog.spaces()).filter(({ id }) => isShared(id));
    const folders = tops.map(({ root }) => root);
    for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
      if (this.#stop.signal.aborted) return;
      this.#dirty.delete(next);
      await this.#lookInto(next, (folder) => void folders.push(folder));
    }
  }

  async #lookAtDirty(): Promise<void> {
    this.#looking ??= (async () => {
      for (const folder of this.#dirty) {
        this.#dirty.delete(folder);
        if (this.#stop.signal.aborted) return;
        await this.#lookInto(folder, () => undefined);
      }
    })().finally(() => (this.#looking = undefined));
    await this.#looking;
  }

  async #lookInto(folder: NodeId, below: (folder: NodeId) => void): Promise<void> {
    const { catalog, isShared } = this.#parts;
    const found: BadName[] = [];
    const names = new Map<string, Entry>();
    let steps = 0;
    for await (const entry of catalog.children(folder)) {
      if (++steps % STEP === 0) await setImmediate();
      if (entry.kind === 'folder') below(entry.id);
      if (entry.local === true || !isShared(entry.space)) continue;
      const folded = foldedName(entry.name);
      const twin = names.get(folded);
      if (twin === undefined) names.set(folded, entry);
      const bad = badName(entry, twin);
      if (bad !== undefined) found.push(bad);
    }
    this.#count -= this.#found.get(folder)?.length ?? 0;
    const kept = found.slice(0, MOST - this.#count);
    this.#count += kept.length;
    if (kept.length === 0) this.#found.delete(folder);
    else this.#found.set(folder, kept);
  }
}

/** What is wrong with a name, beside another one of its folder that some systems take for the same. */
export function badName(
  { id, name }: Pick<Entry, 'id' | 'name'>,
  twin: Pick<Entry, 'name'> | undefined,
): BadName | undefined {
  const fault = nameFault(name);
  if (fault !== undefined) return { node: id, fault, better: portableName(name) };
  if (twin === undefined) return undefined;
  return { node: id, fault: 'twin', other: twin.name, better: numbered(name) };
}

/** `a.txt` → `a (2).txt` */
function numbered(name: string): string {
  const dot = name.lastIndexOf('.');
  const end = dot <= 0 ? name.length : dot;
  return `${name.slice(0, end).normalize('NFC')} (2)${name.slice(end)}`;
}
