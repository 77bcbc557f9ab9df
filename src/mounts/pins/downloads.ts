import type { Content, ContentStore } from '../../cache/content/content.ts';
import type { Catalog } from '../../cache/tree/catalog.ts';
import type { Entry } from '../../cache/tree/entry.ts';
import { isFsError } from '../../vfs/fs-error.ts';
import type { NodeId } from '../../vfs/node.ts';
import { contentOf } from '../drive/open/source.ts';

/** Most bytes and files that are fetched at the same time. */
const BYTES = 16 * 1024 * 1024;
const FILES = 400;

/** What has become of a file: `failed` for a reason of its own. */
export type Outcome = 'here' | 'no room' | 'failed';

export interface DownloadsParts {
  readonly catalog: Catalog;
  readonly store: ContentStore;
  readonly isWanted: (entry: Entry) => boolean;
  readonly signal: AbortSignal;
}

/** Files whose contents are to come, and those on their way. */
export class Downloads {
  readonly #parts: DownloadsParts;
  /** Bytes that were missing when the file was added. */
  readonly #waiting = new Map<NodeId, number>();
  readonly #flying = new Map<NodeId, Content>();
  #waitingBytes = 0;
  #flyingBytes = 0;
  #landed: (() => void) | undefined;
  /** Why the cloud is out of reach. */
  #failure: unknown;

  constructor(parts: DownloadsParts) {
    this.#parts = parts;
  }

  /** Files and bytes that are to come. */
  get left(): { readonly files: number; readonly bytes: number } {
    let bytes = this.#waitingBytes;
    for (const { hash, size } of this.#flying.values()) bytes += size - this.#parts.store.cachedBytes(hash);
    return { files: this.#waiting.size + this.#flying.size, bytes };
  }

  add(node: NodeId, bytes: number): void {
    if (this.#flying.has(node)) return;
    this.#waitingBytes += bytes - (this.#waiting.get(node) ?? 0);
    this.#waiting.set(node, bytes);
  }

  clear(): void {
    this.#waiting.clear();
    this.#waitingBytes = 0;
  }

  /**
   * Fetches what waits, until nothing does or the cloud is out of reach; `report` is called for each file.
   * Resolves to the failure to reach the cloud.
   */
  async run(report: (entry: Entry, outcome: Outcome) => void): Promise<unknown> {
    const { signal } = this.#parts;
    this.#failure = undefined;
    let next: Next | undefined;
    while (this.#failure === undefined && !signal.aborted) {
      next ??= this.#next();
      if (next === undefined && this.#flying.size === 0) return undefined;
      if (next === undefined || this.#isBusy(next)) {
        await this.#landing();
        continue;
      }
      void this.#fetch(next, report);
      next = undefined;
    }
    if (next !== undefined) this.add(next.entry.id, next.missing);
    while (this.#flying.size > 0) await this.#landing();
    return this.#failure;
  }

  /** Whether it has to wait for those on their way, which may take the last room. */
  #isBusy({ missing }: Next): boolean {
    if (this.#flying.size === 0) return false;
    const bytes = this.#flyingBytes + missing;
    return this.#flyingBytes >= BYTES || this.#flying.size >= FILES || !this.#parts.store.fits(bytes);
  }

  #landing(): Promise<void> {
    return new Promise((resolve) => (this.#landed = resolve));
  }

  #next(): Next | undefined {
    const { catalog, store, isWanted } = this.#parts;
    for (const [node, bytes] of this.#waiting) {
      this.#waiting.delete(node);
      this.#waitingBytes -= bytes;
      const entry = catalog.get(node);
      if (entry === undefined || !isWanted(entry)) continue;
      const content = contentOf(entry);
      if (content === undefined || entry.staged !== undefined) continue;
      const missing = content.size - store.cachedBytes(content.hash);
      if (missing > 0) return { entry, content, missing };
    }
    return undefined;
  }

  async #fetch({ entry, content, missing }: Next, report: (entry: Entry, outcome: Outcome) => void): Promise<void> {
    const { store, signal } = this.#parts;
    this.#flying.set(entry.id, content);
    this.#flyingBytes += missing;
    let outcome: Outcome | undefined;
    try {
      outcome = store.fits(missing) && (await store.fetch(content, { signal })) ? 'here' : 'no room';
    } catch (error) {
      if (isAbsence(error)) this.#failure ??= error;
      else outcome = 'failed';
    }
    this.#flying.delete(entry.id);
    this.#flyingBytes -= missing;
    if (outcome === undefined) this.add(entry.id, missing);
    else report(entry, outcome);
    this.#landed?.();
  }
}

interface Next {
  readonly entry: Entry;
  readonly content: Content;
  readonly missing: number;
}

/** The cloud says nothing about the content: other files would fail, too. */
function isAbsence(error: unknown): boolean {
  return isFsError(error, 'EAGAIN') || isFsError(error, 'ETIMEDOUT') || isFsError(error, 'EINTR');
}
