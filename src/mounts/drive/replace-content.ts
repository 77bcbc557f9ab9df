import type { TreeWriter } from './tree-writer.ts';
import type { Catalog } from '../../cache/tree/catalog.ts';
import type { IntentPlanner } from '../intents/planner.ts';
import type { Activity } from './activity.ts';
import type { Creator } from './create.ts';
import { type Entry, nextCtime } from '../../cache/tree/entry.ts';
import type { Op } from '../../cache/db/group-writer.ts';
import { assign } from '../../vfs/assign.ts';
import { FsError } from '../../vfs/fs-error.ts';
import type { NewAttr } from '../../vfs/node.ts';
import { type NewContent, planAttr, planContent, type Replaced, withBase } from '../intents/plan.ts';
import { changed } from './setattr.ts';

/** The whole content of a file: staged here, or `from` a version of the cloud (then with its hash). */
export interface NewWholeContent {
  readonly version: string;
  readonly size: number;
  readonly staged?: string;
  readonly from?: string;
  /** Present if it is known. */
  readonly hash?: string;
}

/** A name, its folder, and the entry that has it, as they are in this turn. */
export interface NamePlace {
  readonly parent: Entry;
  readonly name: string;
  readonly old: Entry | undefined;
}

export interface ContentReplacerParts {
  readonly treeWriter: TreeWriter;
  readonly catalog: Catalog;
  readonly planner: IntentPlanner;
  readonly activity: Activity;
  readonly creator: Creator;
  /** ms since 1970 */
  readonly now: () => number;
  /** Whether a node may only get new versions, and neither move nor go. */
  readonly isSealed: (entry: Entry) => boolean;
}

/** Gives files whole contents. */
export class ContentReplacer {
  readonly #treeWriter: TreeWriter;
  readonly #catalog: Catalog;
  readonly #planner: IntentPlanner;
  readonly #activity: Activity;
  readonly #creator: Creator;
  readonly #now: () => number;
  readonly #isSealed: (entry: Entry) => boolean;

  constructor({ treeWriter, catalog, planner, activity, creator, now, isSealed }: ContentReplacerParts) {
    this.#treeWriter = treeWriter;
    this.#catalog = catalog;
    this.#planner = planner;
    this.#activity = activity;
    this.#creator = creator;
    this.#now = now;
    this.#isSealed = isSealed;
  }

  /**
   * Gives a name a content, as a new file or as the next version of the existing one; all is submitted in this turn. If
   * the file already has the same bytes its version stays; a sealed one does not change at all. `used` is false if a
   * staged file was not needed.
   * @throws EISDIR
   */
  async replace(
    place: NamePlace,
    content: NewWholeContent,
    attr: NewAttr,
    op: string,
  ): Promise<{ entry: Entry; used: boolean }> {
    const { old } = place;
    if (old?.kind === 'folder') throw new FsError('EISDIR', op, { subject: place.name });
    if (old?.kind !== 'file') return { entry: await this.#createWithContent(place, content, attr, op), used: true };
    if (content.hash !== undefined && content.hash === old.hash) {
      return { entry: this.#isSealed(old) ? old : await this.#touch(old, attr), used: false };
    }
    return { entry: await this.#replaceKnown(old, content, attr), used: true };
  }

  async #createWithContent(place: NamePlace, content: NewWholeContent, attr: NewAttr, op: string): Promise<Entry> {
    const { parent, name, old } = place;
    const made: Entry = assign(this.#creator.newEntry(parent, name, 'file', attr, op), shown(content));
    const freed: Op[] = [];
    let replace: Replaced | undefined;
    if (old !== undefined) {
      const given = this.#planner.giveName(old, made, this.#catalog.seen(old.space));
      replace = given.replace;
      freed.push(...given.ops, ...this.#catalog.remove(old));
    }
    const { entry, ops } = this.#creator.plan(parent, made, newContent(content), replace);
    this.#activity.changed(entry.id, entry.size);
    await this.#creator.submit(parent, entry, [...freed, ...ops]);
    return entry;
  }

  async #replaceKnown(old: Entry, content: NewWholeContent, attr: NewAttr): Promise<Entry> {
    const { hash: _hash, remote: _remote, staged: _staged, ...kept } = this.#withMeta(old, attr);
    const base = old.local === true ? {} : { base: withBase(old).base ?? null };
    const entry: Entry = assign(assign(kept, shown(content)), base);
    const intents =
      old.local === true ? [] : this.#planner.ops(planContent(old, this.#planner.waiting(old.id), newContent(content)));
    this.#activity.changed(entry.id, entry.size);
    await this.#treeWriter.submit(
      [...intents, this.#catalog.update(entry)],
      [{ what: 'node', node: entry.id, content: true }],
    );
    this.#treeWriter.discardReplaced(old.staged);
    return entry;
  }

  /** The bytes are the same: only times (and other given attributes) change. */
  async #touch(old: Entry, attr: NewAttr): Promise<Entry> {
    const after = this.#withMeta(old, attr);
    const entry = old.local === true ? after : assign(after, { base: withBase(old).base ?? null });
    const intents = old.local === true ? [] : this.#planner.ops(planAttr(old, this.#planner.waiting(old.id)));
    this.#activity.changed(entry.id, entry.size);
    await this.#treeWriter.submit(
      [...intents, this.#catalog.update(entry)],
      [{ what: 'node', node: entry.id, content: false }],
    );
    return entry;
  }

  #withMeta(old: Entry, attr: NewAttr): Entry {
    const at = this.#now();
    return { ...changed(old, { mtime: at, ...attr }), ctime: nextCtime(old, at) };
  }
}

function shown({
  version,
  size,
  staged,
  from,
  hash,
}: NewWholeContent): Partial<Entry> & Pick<Entry, 'version' | 'size'> {
  if (staged !== undefined) return { version, size, staged };
  return { version, size, ...(from === undefined ? {} : { remote: from }), ...(hash === undefined ? {} : { hash }) };
}

function newContent({ version, staged, from }: NewWholeContent): NewContent {
  return { version, ...(staged === undefined ? {} : { staged }), ...(from === undefined ? {} : { from }) };
}
