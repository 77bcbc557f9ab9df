import type { NodeId } from '../vfs/node.ts';

/** Ms after which a node that is missing again is a new case. */
const STALE = 60_000;

/**
 * Holds removals back for a moment: what is gone from one place may be found at another one by a later pass, and has then been moved. A
 * move is reported as two changes, each of which has its own time.
 */
export class Removals {
  readonly #hold: number;
  readonly #now: () => number;
  readonly #since = new Map<NodeId, number>();

  /** @param hold ms @param now ms of a clock that never steps back */
  constructor(hold: number, now: () => number) {
    this.#hold = hold;
    this.#now = now;
  }

  /** Whether a node has been missing for long enough. To be asked once in each pass that misses it. */
  isDue(node: NodeId): boolean {
    const now = this.#now();
    for (const [id, since] of this.#since) if (now - since > STALE) this.#since.delete(id);
    const since = this.#since.get(node) ?? now;
    if (now - since >= this.#hold) return this.#since.delete(node) || true;
    this.#since.set(node, since);
    return false;
  }

  /** The node is there, at whatever place. */
  isThere(node: NodeId): void {
    this.#since.delete(node);
  }
}
