import type { Staging } from '../../cache/content/content.ts';
import type { GroupWriter, Op } from '../../cache/db/group-writer.ts';
import type { Catalog } from '../../cache/tree/catalog.ts';
import { type Entry, nextCtime } from '../../cache/tree/entry.ts';
import type { Journal } from '../../cache/tree/journal.ts';
import type { Change } from '../../vfs/file-system.ts';
import type { NodeId } from '../../vfs/node.ts';
import type { Changes } from './changes.ts';
import type { StagedCollector } from './staged-collector.ts';

export interface TreeWriterParts {
  readonly catalog: Catalog;
  readonly journal: Journal;
  readonly writer: GroupWriter;
  readonly staging: Staging;
  readonly changes: Changes;
  readonly stagedCollector: StagedCollector;
  /** ms since 1970 */
  readonly now: () => number;
}

/** A node that was removed, and its staged file. */
export interface Loose {
  readonly node: NodeId;
  readonly staged?: string | undefined;
}

/** Submits the changes of the drive's tree, and clears away the staged files that they leave. */
export class TreeWriter {
  readonly #parts: TreeWriterParts;

  constructor(parts: TreeWriterParts) {
    this.#parts = parts;
  }

  /** Submits a change, which is visible at once, notifies of it, and resolves when it is written. */
  submit(ops: readonly Op[], changes: readonly Change[]): Promise<void> {
    const written = this.#parts.writer.write(ops);
    for (const change of changes) this.#parts.changes.emit(change);
    return written;
  }

  /** The op that updates a folder after a name in it was added or removed. */
  touched(folder: Entry): Op {
    const at = this.#parts.now();
    return this.#parts.catalog.update({ ...folder, mtime: at, ctime: nextCtime(folder, at) });
  }

  /** Removes the staged files of removed nodes when nothing uses them any more. */
  discard(gone: readonly Loose[]): void {
    for (const { node, staged } of gone) {
      if (staged !== undefined) void this.#parts.stagedCollector.collect(node, staged);
    }
  }

  /** Removes a staged file whose node has received other content; open handles switch to that. */
  discardReplaced(staged: string | undefined): void {
    // What cannot be removed now is removed by the next start.
    if (staged === undefined || this.#parts.journal.names(staged)) return;
    if (!this.#parts.stagedCollector.isHeld(staged)) this.drop(staged);
  }

  /** Removes a staged file that nothing names. */
  drop(staged: string): void {
    this.#parts.staging.discard(staged).catch(() => undefined);
  }
}
