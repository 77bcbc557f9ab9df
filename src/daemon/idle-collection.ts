import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

/** How often it is looked whether there is work, ms. */
const EVERY = 5000;
/** So many looks in a row must find none. */
const QUIET = 3;
/** Below this part of the time a thread that works counts as idle. */
const BUSY = 0.02;
/** What the heap must have taken for a collection to be worth its pause, bytes. */
const WORTH = 32 << 20;

export interface IdleCollectionParts {
  /** Collects all garbage and gives memory back; takes a tenth of a second for 100 MB that are in use. */
  readonly collect: () => void;
  /** What the heap has of the system, bytes. */
  readonly heap: () => number;
  /** The part of the time, 0 to 1, that this thread has worked since this was asked last. */
  readonly busy: () => number;
}

/**
 * Collects garbage when there is nothing else to do. V8 collects as it needs memory, so a process that has listed or copied
 * much and then waits all day keeps two to four times what it uses.
 */
export class IdleCollection {
  readonly #parts: IdleCollectionParts;
  #base: number;
  #quiet = 0;

  constructor(parts: IdleCollectionParts) {
    this.#parts = parts;
    this.#base = parts.heap();
  }

  /** With V8's own collector. Does nothing where that cannot be called (`--expose-gc`). Returns the way to stop. */
  static start(collect: (() => void) | undefined): () => void {
    if (collect === undefined) return () => {};
    let last = performance.eventLoopUtilization();
    const busy = (): number => {
      const before = last;
      last = performance.eventLoopUtilization();
      return performance.eventLoopUtilization(last, before).utilization;
    };
    const own = new IdleCollection({ collect, heap: () => getHeapStatistics().total_heap_size, busy });
    const timer = setInterval(() => own.look(), EVERY).unref();
    return () => clearInterval(timer);
  }

  /** To be called at equal intervals. */
  look(): void {
    const { busy, heap, collect } = this.#parts;
    this.#quiet = busy() < BUSY ? this.#quiet + 1 : 0;
    if (this.#quiet < QUIET || heap() < this.#base + WORTH) return;
    this.#quiet = 0;
    collect();
    this.#base = heap();
  }
}
