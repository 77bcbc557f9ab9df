import type { LiveTree } from './live-tree.ts';
import type { TreeWriter } from './tree-writer.ts';
import type { Catalog } from '../../cache/tree/catalog.ts';
import type { IntentPlanner } from '../intents/planner.ts';
import type { Activity } from './activity.ts';
import type { OpenFiles } from './open/open-files.ts';
import { type Entry, nextCtime } from '../../cache/tree/entry.ts';
import type { Context } from '../../vfs/context.ts';
import { assign } from '../../vfs/assign.ts';
import { FsError } from '../../vfs/fs-error.ts';
import type { Attr, AttrChanges, NodeId } from '../../vfs/node.ts';
import { checkSize, modeOf, timeOf, withXattrs } from './attr-values.ts';
import { type Contents, shownAttr } from './shown-attr.ts';
import { planAttr, withBase } from '../intents/plan.ts';

export interface AttrSetterParts extends Contents {
  readonly tree: LiveTree;
  readonly treeWriter: TreeWriter;
  readonly catalog: Catalog;
  readonly planner: IntentPlanner;
  readonly activity: Activity;
  readonly files: OpenFiles;
  /** ms since 1970 */
  readonly now: () => number;
}

/** Changes attributes. */
export class AttrSetter {
  readonly #tree: LiveTree;
  readonly #treeWriter: TreeWriter;
  readonly #catalog: Catalog;
  readonly #planner: IntentPlanner;
  readonly #activity: Activity;
  readonly #files: OpenFiles;
  readonly #now: () => number;
  readonly #contents: Contents;

  constructor({ tree, treeWriter, catalog, planner, activity, files, now, staging, store }: AttrSetterParts) {
    this.#tree = tree;
    this.#treeWriter = treeWriter;
    this.#catalog = catalog;
    this.#planner = planner;
    this.#activity = activity;
    this.#files = files;
    this.#now = now;
    this.#contents = { staging, store };
  }

  /**
   * Applies all of the changes or none, except when the disk fills while the size changes. @throws EISDIR, EINVAL, EROFS
   */
  async setAttr(id: NodeId, changes: AttrChanges, context: Context): Promise<Attr> {
    const before = this.#tree.node(id, 'setattr');
    if (this.#tree.isFixed(before)) {
      throw new FsError('EROFS', 'setattr', {
        subject: before.name,
        reason: 'this folder is part of the drive and cannot be changed',
      });
    }
    changed(before, changes);
    if (changes.size !== undefined) await this.#resize(before, changes.size, context);
    const { size: _size, ...others } = changes;
    if (Object.keys(others).length === 0) return shownAttr(this.#contents, this.#tree.node(id, 'setattr'));
    return await this.#changeMetadata(id, others);
  }

  async #changeMetadata(id: NodeId, changes: Omit<AttrChanges, 'size'>): Promise<Attr> {
    const known = this.#tree.node(id, 'setattr');
    const after: Entry = { ...changed(known, changes), ctime: nextCtime(known, this.#now()) };
    const mtime = changes.mtime === undefined ? undefined : after.mtime;
    this.#files.get(known.id)?.content.amend({ mtime, ctime: after.ctime });
    const cleared = Object.entries(changes.xattrs ?? {}).flatMap(([name, value]) => (value === null ? [name] : []));
    const ops =
      known.local === true
        ? [this.#catalog.update(after)]
        : [
            ...this.#planner.ops(planAttr(known, this.#planner.waiting(known.id), cleared)),
            this.#catalog.update(assign(after, { base: withBase(known).base ?? null })),
          ];
    this.#activity.changed(known.id);
    await this.#treeWriter.submit(ops, [{ what: 'node', node: known.id, content: false }]);
    return shownAttr(this.#contents, after);
  }

  /** The size goes through the open file, so that all handles and the journal see it as they see a write. */
  async #resize(entry: Entry, size: number, context: Context): Promise<void> {
    if (entry.kind === 'folder') throw new FsError('EISDIR', 'truncate', { subject: entry.name });
    if (entry.kind === 'symlink') throw new FsError('EINVAL', 'truncate', { subject: entry.name });
    const file = this.#files.acquire(entry, { write: true });
    try {
      await file.truncate(size, context);
    } finally {
      await this.#files.release(file, { write: true });
    }
  }
}

/** The entry with the changes, but for the size, which is only checked. @throws EINVAL, EFBIG, ENOSPC */
export function changed(entry: Entry, { mode, mtime, birthtime, size, xattrs }: AttrChanges): Entry {
  if (size !== undefined) checkSize(size, 'truncate');
  const { xattrs: had, ...rest } = entry;
  const kept = had === undefined ? {} : { xattrs: had };
  return assign(rest, {
    ...(xattrs === undefined ? kept : withXattrs(had ?? {}, xattrs, 'setattr')),
    ...(mode === undefined ? {} : { mode: modeOf(mode, entry.kind) }),
    ...(mtime === undefined ? {} : { mtime: timeOf(mtime, 'setattr') }),
    ...(birthtime === undefined ? {} : { birthtime: timeOf(birthtime, 'setattr') }),
  });
}
