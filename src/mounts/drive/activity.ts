import type { Hold } from '../../vfs/file-system.ts';
import type { NodeId } from '../../vfs/node.ts';

/** A file that is kept open is sent when it has not been written for this long, ms. */
const IDLE = 30_000;
/**
 * A file that a kernel writes directly is sent as a copy, unless it is larger than this: then it is sent when it is
 * closed. Bytes.
 */
const COPIED = 256 * 1024 * 1024;
/** Finder and Explorer create a file with an empty PUT and fill it with the next; so an empty file waits, ms. */
export const HOLLOW = 2_000;
/** Explorer creates a folder and then lets the user type its name; so an empty folder that will be sealed waits, ms. */
const EMPTY_FOLDER = 600_000;

interface Work {
  writers: number;
  holds: number;
  /** When the node was last changed or released, ms. */
  at: number;
  /** Content of no bytes. */
  hollow: boolean;
  /** A new folder without children. */
  empty: boolean;
  /** An fsync has been requested since the last change. */
  flushed: boolean;
  /** A kernel may be writing directly. */
  passthrough: boolean;
  /** The size of the whole file, bytes, if a kernel has written to it since it was last sent. */
  unsent: number | undefined;
}

const NEW = {
  writers: 0,
  holds: 0,
  hollow: false,
  empty: false,
  flushed: false,
  passthrough: false,
  unsent: undefined,
};

export interface ActivityOptions {
  readonly now: () => number;
  /** The longest settle delay of any mount, ms: how long released nodes are remembered. */
  readonly settle: number;
}

/** Which nodes are in use, and since when the others are not. In memory: see `recoverSettling`. */
export class Activity {
  readonly #now: () => number;
  readonly #keep: number;
  /** In the order of `at`, oldest first. */
  readonly #works = new Map<NodeId, Work>();
  readonly #listeners = new Set<(node: NodeId) => void>();

  constructor({ now, settle }: ActivityOptions) {
    this.#now = now;
    this.#keep = Math.max(settle, HOLLOW);
  }

  /**
   * When what is pending for the node may be sent, in ms of the clock (a past time means now); `undefined` while that
   * depends on a handle or hold being released, which `watch` reports. With `settle` 0 a file that is kept open is
   * ready after an fsync, or when it has not been written for 30 s; otherwise, since it is sealed then, only after its
   * release.
   */
  readyAt(node: NodeId, settle: number): number | undefined {
    const work = this.#works.get(node);
    if (work === undefined) return 0;
    const busy = work.writers > 0 || work.holds > 0;
    if (settle > 0) return busy ? undefined : work.at + (work.empty ? Math.max(settle, EMPTY_FOLDER) : settle);
    if (work.passthrough) return work.unsent === undefined || work.unsent > COPIED ? undefined : work.at + IDLE;
    if (work.flushed) return 0;
    if (busy) return work.at + IDLE;
    return work.hollow ? work.at + HOLLOW : 0;
  }

  /** True while a handle may write, or a hold exists. */
  isBusy(node: NodeId): boolean {
    const work = this.#works.get(node);
    return work !== undefined && (work.writers > 0 || work.holds > 0);
  }

  /** A handle that may write was opened. */
  opened(node: NodeId): void {
    this.#touch(node).writers++;
  }

  /** A handle that may write was closed. */
  closed(node: NodeId): void {
    const work = this.#touch(node);
    work.writers = Math.max(0, work.writers - 1);
    this.#tell(node);
  }

  /** Counts as work on the node until it is released. */
  hold(node: NodeId): Hold {
    this.#touch(node).holds++;
    let held = true;
    return {
      release: () => {
        if (!held) return;
        held = false;
        this.#touch(node).holds--;
        this.#tell(node);
      },
    };
  }

  /** The node was changed; `size` is that of a file. */
  changed(node: NodeId, size?: number): void {
    const work = this.#touch(node);
    work.flushed = false;
    if (size === undefined) return;
    work.hollow = size === 0;
    work.unsent = size;
  }

  /** A kernel starts or stops being able to write into the file directly. */
  passthrough(node: NodeId, passthrough: boolean): void {
    this.#touch(node).passthrough = passthrough;
  }

  /** All that was written is being sent. */
  sent(node: NodeId): void {
    this.#touch(node).unsent = undefined;
  }

  /** A folder was created. */
  madeFolder(node: NodeId): void {
    this.#touch(node).empty = true;
  }

  /** Restores what an earlier process recorded, as it was at the time `at`, ms: the node is not in use. */
  recover(node: NodeId, last: Pick<Work, 'at' | 'hollow' | 'empty'>): void {
    if ((this.#works.get(node)?.at ?? -Infinity) < last.at) Object.assign(this.#touch(node), last);
  }

  /** Something was put into a folder. */
  filled(folder: NodeId): void {
    const work = this.#works.get(folder);
    if (work === undefined || !work.empty) return;
    this.#touch(folder).empty = false;
    this.#tell(folder);
  }

  /** An fsync: the writer wants the content safe now. */
  flushed(node: NodeId): void {
    this.#touch(node).flushed = true;
    this.#tell(node);
  }

  /** Work on one node continues on another. */
  rebind(from: NodeId, to: NodeId): void {
    const work = this.#works.get(from);
    if (work === undefined) return;
    this.#works.delete(from);
    this.#works.set(to, work);
    this.#tell(to);
  }

  /** The node is gone, or is completely in the cloud and not open. */
  forget(node: NodeId): void {
    if (!this.isBusy(node)) this.#works.delete(node);
  }

  /** Calls `listener` when a node may be ready sooner than `readyAt` returned. Returns a function that stops it. */
  watch(listener: (node: NodeId) => void): () => void {
    const own = (node: NodeId): void => listener(node);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** How many nodes are remembered. */
  get size(): number {
    return this.#works.size;
  }

  #touch(node: NodeId): Work {
    const now = this.#now();
    const known = this.#works.get(node);
    const work = known ?? { at: now, ...NEW };
    work.at = now;
    if (known !== undefined) this.#works.delete(node);
    this.#works.set(node, work);
    if (known === undefined) this.#prune(now);
    return work;
  }

  /** Each new node evicts up to two of the oldest that are no longer needed, so the count follows the work. */
  #prune(now: number): void {
    let looked = 0;
    for (const [node, work] of this.#works) {
      if (looked++ === 2 || now - work.at <= this.#keep) return;
      const needed = work.writers > 0 || work.holds > 0 || (work.empty && now - work.at <= EMPTY_FOLDER);
      this.#works.delete(node);
      if (needed) this.#works.set(node, { ...work });
    }
  }

  #tell(node: NodeId): void {
    for (const listener of this.#listeners) listener(node);
  }
}
