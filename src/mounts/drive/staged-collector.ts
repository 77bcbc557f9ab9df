import type { Catalog } from '../../cache/tree/catalog.ts';
import type { Staging } from '../../cache/content/content.ts';
import type { Journal } from '../../cache/tree/journal.ts';
import type { NodeId } from '../../vfs/node.ts';

export interface StagedCollectorParts {
  readonly catalog: Catalog;
  readonly journal: Journal;
  readonly staging: Staging;
}

/**
 * Removes staged files that are no longer used: no intent sends them, no entry shows them, no open file may still write to
 * them, no upload is turning them into cached content. Any of these uses may be the last to end, so the end of each leads
 * here. What remains when the process dies is removed by the next start.
 */
export class StagedCollector {
  readonly #parts: StagedCollectorParts;
  readonly #isOpen: (node: NodeId) => boolean;
  /** Used by nothing but an open file without a name, its node. */
  readonly #open = new Map<string, NodeId>();
  readonly #held = new Set<string>();
  /** Checked at the end of this turn, in which another intent may name them. */
  #unnamed = new Map<string, NodeId>();

  constructor(parts: StagedCollectorParts, isOpen: (node: NodeId) => boolean) {
    this.#parts = parts;
    this.#isOpen = isOpen;
    parts.journal.watchStaged((staged, node) => this.#soon(staged, node));
  }

  /** Removes a staged file that a node had, unless it is still used: then the end of that use leads here again. Never rejects. */
  async collect(node: NodeId, staged: string): Promise<void> {
    const { catalog, journal, staging } = this.#parts;
    this.#open.delete(staged);
    const entry = catalog.get(node);
    if (journal.names(staged) || entry?.staged === staged || this.#held.has(staged)) return;
    // Of a file that still has a name, open handles go on with the content that it has now.
    if (entry === undefined && this.#isOpen(node)) return void this.#open.set(staged, node);
    await staging.discard(staged).catch(() => undefined);
  }

  /** A file was closed. */
  closed(): void {
    const waiting = new Map(this.#open);
    for (const [staged, node] of waiting) void this.collect(node, staged);
  }

  /** A staged file is about to become cached content. Call it in the turn in which its upload succeeds; returns the way to stop. */
  hold(staged: string): () => void {
    this.#held.add(staged);
    return () => void this.#held.delete(staged);
  }

  /** Whether an upload is turning it into cached content: `collect` follows. */
  isHeld(staged: string): boolean {
    return this.#held.has(staged);
  }

  #soon(staged: string, node: NodeId): void {
    if (this.#unnamed.size === 0) setImmediate(() => this.#check());
    this.#unnamed.set(staged, node);
  }

  #check(): void {
    const unnamed = this.#unnamed;
    this.#unnamed = new Map();
    for (const [staged, node] of unnamed) void this.collect(node, staged);
  }
}
