import type { LiveTree } from './live-tree.ts';
import type { TreeWriter } from './tree-writer.ts';
import type { Catalog } from '../../cache/tree/catalog.ts';
import type { IntentPlanner } from '../intents/planner.ts';
import type { Activity } from './activity.ts';
import type { OpenFiles } from './open/open-files.ts';
import type { Staging } from '../../cache/content/content.ts';
import type { FreedNames } from './freed-names.ts';
import { attrOf, type Entry, innerSpace } from '../../cache/tree/entry.ts';
import type { Op } from '../../cache/db/group-writer.ts';
import { assign } from '../../vfs/assign.ts';
import { FsError } from '../../vfs/fs-error.ts';
import { isLitter } from '../../vfs/name.ts';
import type { Attr, Kind, NewAttr, NodeId } from '../../vfs/node.ts';
import { createdWith } from './attr-values.ts';
import type { OpenFile } from './open/open-file.ts';
import { WriteSession } from './open/write-session.ts';
import { newId } from '../../vfs/ids.ts';
import { type NewContent, planCreation, type Replaced } from '../intents/plan.ts';

/** A new node of a folder, not yet submitted. */
export interface NewNode {
  readonly entry: Entry;
  readonly ops: readonly Op[];
}

export interface CreatorParts {
  readonly tree: LiveTree;
  readonly treeWriter: TreeWriter;
  readonly catalog: Catalog;
  readonly planner: IntentPlanner;
  readonly activity: Activity;
  readonly files: OpenFiles;
  readonly staging: Staging;
  readonly freedNames: FreedNames;
  /** ms since 1970 */
  readonly now: () => number;
}

/** Creates nodes. */
export class Creator {
  readonly #tree: LiveTree;
  readonly #treeWriter: TreeWriter;
  readonly #catalog: Catalog;
  readonly #planner: IntentPlanner;
  readonly #activity: Activity;
  readonly #files: OpenFiles;
  readonly #staging: Staging;
  readonly #freedNames: FreedNames;
  readonly #now: () => number;

  constructor({ tree, treeWriter, catalog, planner, activity, files, staging, freedNames, now }: CreatorParts) {
    this.#tree = tree;
    this.#treeWriter = treeWriter;
    this.#catalog = catalog;
    this.#planner = planner;
    this.#activity = activity;
    this.#files = files;
    this.#staging = staging;
    this.#freedNames = freedNames;
    this.#now = now;
  }

  /** @throws EEXIST */
  async mkdir(folder: NodeId, name: string, attr: NewAttr): Promise<Attr> {
    const parent = this.#tree.freePlace(folder, name, 'mkdir');
    const { entry, ops } = this.plan(parent, this.newEntry(parent, name, 'folder', attr, 'mkdir'));
    if (entry.local !== true) this.#activity.madeFolder(entry.id);
    await this.submit(parent, entry, ops);
    return attrOf(entry);
  }

  /** @throws EEXIST, EINVAL, ENAMETOOLONG */
  async symlink(folder: NodeId, name: string, target: string): Promise<Attr> {
    if (target === '' || target.includes('\0')) throw new FsError('EINVAL', 'symlink', { subject: name });
    const size = Buffer.byteLength(target);
    if (size > 4095) throw new FsError('ENAMETOOLONG', 'symlink', { subject: name });
    const parent = this.#tree.freePlace(folder, name, 'symlink');
    const made = assign(this.newEntry(parent, name, 'symlink', {}, 'symlink'), { target, size });
    const { entry, ops } = this.plan(parent, made);
    // `cp -a` and `tar` set the time of a link after they have created it.
    this.#activity.changed(entry.id);
    await this.submit(parent, entry, ops);
    return attrOf(entry);
  }

  /** Creates an empty file, open for one handle; the caller takes over that count. @throws EEXIST, ENOSPC */
  async file(folder: NodeId, name: string, attr: NewAttr, mode: { readonly write: boolean }): Promise<OpenFile> {
    const parent = this.#tree.freePlace(folder, name, 'create');
    const made = this.newEntry(parent, name, 'file', attr, 'create');
    const file = this.#staging.create(null);
    const session = new WriteSession(file, newId(this.#now()));
    const content = { version: session.version, staged: file.id, writing: true } as const;
    const { entry, ops } = this.plan(parent, assign(made, { staged: file.id, version: content.version }), content);
    const written = this.submit(parent, entry, ops);
    const open = this.#files.acquire(entry, mode);
    this.#activity.changed(entry.id, 0);
    open.content.begin(session);
    try {
      await written;
    } catch (error) {
      void this.#files.release(open, mode);
      throw error;
    }
    return open;
  }

  /** An entry for a new node, without content. @throws EINVAL, ENOSPC */
  newEntry(parent: Entry, name: string, kind: Kind, attr: NewAttr, op: string): Entry {
    const at = this.#now();
    const id = newId(at);
    const born = createdWith(attr, kind, at, op);
    const kept = isLocal(parent, name) ? ({ local: true } as const) : { base: null };
    return {
      id,
      space: innerSpace(parent),
      parent: parent.id,
      name,
      kind,
      size: 0,
      ...born,
      version: id,
      rev: 0,
      ...kept,
    };
  }

  /**
   * The ops that create a node, including its intent unless it is local. `replace` is the previous holder of its name,
   * which the cloud knows; a file under a free name continues the history of the one that had it a moment ago.
   */
  plan(parent: Entry, entry: Entry, content?: NewContent, replace?: Replaced): NewNode {
    const predecessor = entry.kind === 'file' ? this.#freedNames.take(entry, entry.id) : undefined;
    const intents =
      entry.local === true ? [] : this.#planner.ops(planCreation(entry, content, { replace, predecessor }));
    return { entry, ops: [...intents, ...this.#catalog.put(entry), this.#treeWriter.touched(parent)] };
  }

  /** Submits a creation and notifies of it. */
  submit(parent: Entry, entry: Entry, ops: readonly Op[]): Promise<void> {
    this.#activity.filled(parent.id);
    return this.#treeWriter.submit(ops, [{ what: 'entry', folder: parent.id, name: entry.name }]);
  }
}

/** Whether a new node of this name stays on this computer. */
export function isLocal(parent: Entry, name: string): boolean {
  return parent.local === true || isLitter(name);
}
