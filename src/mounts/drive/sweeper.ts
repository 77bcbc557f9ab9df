import type { Entry } from '../../cache/tree/entry.ts';
import type { GroupWriter, Op } from '../../cache/db/group-writer.ts';
import type { Catalog } from '../../cache/tree/catalog.ts';
import type { NodeId } from '../../vfs/node.ts';
import type { Activity } from './activity.ts';
import type { TreeWriter } from './tree-writer.ts';

/** Under this id, to which no name leads, hang removed folders that may still have entries below. */
export const BIN: NodeId = 'bin';
const CHUNK = 500;
/** How long the removal of a folder waits for its entries to be deleted, ms. */
const TIMEOUT = 1000;

export interface SweeperParts {
  readonly catalog: Catalog;
  readonly writer: GroupWriter;
  readonly activity: Activity;
  readonly treeWriter: TreeWriter;
}

/**
 * Clears away what was below removed folders, a chunk at a time: folders found there are hung into the bin themselves, so
 * memory stays constant and what one process has begun the next one finishes.
 */
export class Sweeper {
  readonly #parts: SweeperParts;
  #running: Promise<void> | undefined;
  /** Something was added to the bin since the last pass. */
  #again = false;
  #closed = false;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
  }

  /** The op that remembers a removed folder until it is swept; submit it after those that remove it. */
  detach(folder: Entry): Op {
    return this.#parts.catalog.update({ ...folder, parent: BIN, name: folder.id });
  }

  /**
   * Clears the bin; resolves when that is done or continues in the background. Never throws: the next start continues.
   */
  async sweep(): Promise<void> {
    this.#again = true;
    this.#running ??= this.#sweepAll();
    let timer: NodeJS.Timeout | undefined;
    const backoff = new Promise<void>((resolve) => (timer = setTimeout(resolve, TIMEOUT)));
    await Promise.race([this.#running, backoff]);
    clearTimeout(timer);
  }

  /** Stops after the chunk under way. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  /** Never rejects. */
  async #sweepAll(): Promise<void> {
    try {
      while (this.#again && !this.#closed) {
        this.#again = false;
        await this.#sweepBin();
      }
    } catch {
      // The database cannot be written: the next start continues.
    } finally {
      // In the turn of the last look at `again`.
      this.#running = undefined;
    }
  }

  async #sweepBin(): Promise<void> {
    while (!this.#closed) {
      const { entries } = await this.#parts.catalog.page(BIN, undefined, 1);
      const [folder] = entries;
      if (folder === undefined) return;
      await this.#sweepFolder(folder);
    }
  }

  async #sweepFolder(binned: Entry): Promise<void> {
    const { catalog, writer, activity, treeWriter } = this.#parts;
    for (let left = true; left && !this.#closed;) {
      const page = await catalog.page(binned.id, undefined, CHUNK);
      left = page.more;
      const ops = page.entries.flatMap((entry) => this.#clear(entry));
      if (!left) ops.push(...catalog.remove(binned));
      await writer.write(ops);
      for (const { id } of page.entries) activity.forget(id);
      treeWriter.discard(page.entries.map(({ id, staged }) => ({ node: id, staged })));
    }
  }

  #clear(entry: Entry): Op[] {
    const gone = this.#parts.catalog.remove(entry);
    return entry.kind === 'folder' ? [...gone, this.detach(entry)] : gone;
  }
}
