import { type Entry, nextCtime } from '../../cache/tree/entry.ts';
import type { Op } from '../../cache/db/group-writer.ts';
import { assign } from '../../vfs/assign.ts';
import { FsError } from '../../vfs/fs-error.ts';
import type { NewAttr, NodeId } from '../../vfs/node.ts';
import { planNewNode, newEntry, submitNewNode } from './create.ts';
import { type Ground, discardReplaced, submit } from './ground.ts';
import { type NewContent, planAttr, planContent, planReplaced, withBase } from '../intents/plan.ts';
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

/**
 * Gives a name a content, as a new file or as the next version of the existing one; all is submitted in this turn. If
 * the file already has the same bytes its version stays; a sealed one does not change at all. `used` is false if a
 * staged file was not needed.
 * @throws EISDIR
 */
export async function replaceContent(
  ground: Ground,
  place: NamePlace,
  content: NewWholeContent,
  attr: NewAttr,
  op: string,
): Promise<{ entry: Entry; used: boolean }> {
  const { old } = place;
  if (old?.kind === 'folder') throw new FsError('EISDIR', op, { subject: place.name });
  if (old?.kind !== 'file') return { entry: await createWithContent(ground, place, content, attr, op), used: true };
  if (content.hash !== undefined && content.hash === old.hash) {
    return { entry: ground.isSealed(old) ? old : await touch(ground, old, attr), used: false };
  }
  return { entry: await replaceKnown(ground, old, content, attr), used: true };
}

async function createWithContent(
  ground: Ground,
  place: NamePlace,
  content: NewWholeContent,
  attr: NewAttr,
  op: string,
): Promise<Entry> {
  const { parent, name, old } = place;
  const made: Entry = assign(newEntry(ground, parent, name, 'file', attr, op), shown(content));
  const freed: Op[] = [];
  let replace: NodeId | undefined;
  if (old !== undefined) {
    const plan = planReplaced(old, ground.planner.waiting(old.id));
    replace = plan.replace;
    freed.push(...ground.planner.ops(plan), ...ground.catalog.remove(old));
  }
  const { entry, ops } = planNewNode(ground, parent, made, promised(content), replace);
  ground.activity.changed(entry.id, entry.size);
  await submitNewNode(ground, parent, entry, [...freed, ...ops]);
  return entry;
}

async function replaceKnown(ground: Ground, old: Entry, content: NewWholeContent, attr: NewAttr): Promise<Entry> {
  const { catalog, planner, activity } = ground;
  const { hash: _hash, remote: _remote, staged: _staged, ...kept } = withMeta(ground, old, attr);
  const base = old.local === true ? {} : { base: withBase(old).base ?? null };
  const entry: Entry = assign(assign(kept, shown(content)), base);
  const promise = old.local === true ? [] : planner.ops(planContent(old, planner.waiting(old.id), promised(content)));
  activity.changed(entry.id, entry.size);
  await submit(ground, [...promise, catalog.update(entry)], [{ what: 'node', node: entry.id, content: true }]);
  discardReplaced(ground, old.staged);
  return entry;
}

/** The bytes are the same: only times (and other given attributes) change. */
async function touch(ground: Ground, old: Entry, attr: NewAttr): Promise<Entry> {
  const { catalog, planner, activity } = ground;
  const entry = old.local === true ? withMeta(ground, old, attr) : withBase(withMeta(ground, old, attr));
  const promise = old.local === true ? [] : planner.ops(planAttr(old, planner.waiting(old.id)));
  activity.changed(entry.id, entry.size);
  await submit(ground, [...promise, catalog.update(entry)], [{ what: 'node', node: entry.id, content: false }]);
  return entry;
}

function withMeta({ now }: Ground, old: Entry, attr: NewAttr): Entry {
  const at = now();
  return { ...changed(old, { mtime: at, ...attr }), ctime: nextCtime(old, at) };
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

function promised({ version, staged, from }: NewWholeContent): NewContent {
  return { version, ...(staged === undefined ? {} : { staged }), ...(from === undefined ? {} : { from }) };
}
