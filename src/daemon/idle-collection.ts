import { performance } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';

/** How often the load is checked, ms. */
const EVERY = 5000;
/** Number of consecutive checks that must find the thread idle. */
const QUIET = 3;
/** A thread that works for less than this fraction of the time counts as idle. */
const BUSY = 0.02;
/** Growth of the heap that makes a collection worth its pause, bytes. */
const WORTH = 32 << 20;

export interface IdleCollectionParts {
  /** Collects all garbage and returns memory to the system; takes about 0.1 s per 100 MB in use. */
  readonly collect: () => void;
  /** Size of the heap, bytes. */
  readonly heap: () => number;
  /** The fraction of the time, 0 to 1, that this thread has worked since the last call. */
  readonly busy: () => number;
}

/**
 * Collects garbage when the process is idle. V8 collects only as it needs memory, so a process that has listed or
 * copied much and then waits all day keeps two to four times the memory that it uses.
 */
export class IdleCollection {
  readonly #parts: IdleCollectionParts;
  #base: number;
  #quiet = 0;

  constructor(parts: IdleCollectionParts) {
    this.#parts = parts;
    this.#base = parts.heap();
  }

  /**
   * Starts with V8's own collector. Does nothing if that is not exposed (`--expose-gc`). Returns a function that stops
   * it.
   */
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

  /** Checks the load, and collects if it is time. To be called at equal intervals. */
  look(): void {
    const { busy, heap, collect } = this.#parts;
    this.#quiet = busy() < BUSY ? this.#quiet + 1 : 0;
    if (this.#quiet < QUIET || heap() < this.#base + WORTH) return;
    this.#quiet = 0;
    collect();
    this.#base = heap();
  }
}
