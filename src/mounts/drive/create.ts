import { attrOf, type Entry } from '../../cache/tree/entry.ts';
import type { Op } from '../../cache/db/group-writer.ts';
import { assign } from '../../vfs/assign.ts';
import { FsError } from '../../vfs/fs-error.ts';
import { checkName, isLitter } from '../../vfs/name.ts';
import type { Attr, Kind, NewAttr, NodeId } from '../../vfs/node.ts';
import { createdWith } from './attr-values.ts';
import { type Ground, occupantOf, spaceFolderOf, submit, touched } from './ground.ts';
import type { OpenFile } from './open/open-file.ts';
import { WriteSession } from './open/write-session.ts';
import { newId } from '../../vfs/ids.ts';
import { type NewContent, planCreation } from '../intents/plan.ts';

/** A new node of a folder, not yet submitted. */
export interface NewNode {
  readonly entry: Entry;
  readonly ops: readonly Op[];
}

/** @throws EEXIST */
export async function makeFolder(ground: Ground, folder: NodeId, name: string, attr: NewAttr): Promise<Attr> {
  const parent = freePlace(ground, folder, name, 'mkdir');
  const { entry, ops } = planNewNode(ground, parent, newEntry(ground, parent, name, 'folder', attr, 'mkdir'));
  if (entry.local !== true) ground.activity.madeFolder(entry.id);
  await submitNewNode(ground, parent, entry, ops);
  return attrOf(entry);
}

/** @throws EEXIST, EINVAL, ENAMETOOLONG */
export async function makeSymlink(ground: Ground, folder: NodeId, name: string, target: string): Promise<Attr> {
  if (target === '' || target.includes('\0')) throw new FsError('EINVAL', 'symlink', { subject: name });
  const size = Buffer.byteLength(target);
  if (size > 4095) throw new FsError('ENAMETOOLONG', 'symlink', { subject: name });
  const parent = freePlace(ground, folder, name, 'symlink');
  const made = assign(newEntry(ground, parent, name, 'symlink', {}, 'symlink'), { target, size });
  const { entry, ops } = planNewNode(ground, parent, made);
  // `cp -a` and `tar` set the time of a link after they have created it.
  ground.activity.changed(entry.id);
  await submitNewNode(ground, parent, entry, ops);
  return attrOf(entry);
}

/** Creates an empty file, open for one handle; the caller takes over that count. @throws EEXIST, ENOSPC */
export async function makeFile(
  ground: Ground,
  folder: NodeId,
  name: string,
  attr: NewAttr,
  mode: { readonly write: boolean },
): Promise<OpenFile> {
  const parent = freePlace(ground, folder, name, 'create');
  const made = newEntry(ground, parent, name, 'file', attr, 'create');
  const file = ground.staging.create(null);
  const session = new WriteSession(file, newId(ground.now()));
  const content = { version: session.version, staged: file.id, writing: true } as const;
  const { entry, ops } = planNewNode(
    ground,
    parent,
    assign(made, { staged: file.id, version: content.version }),
    content,
  );
  const written = submitNewNode(ground, parent, entry, ops);
  const open = ground.files.acquire(entry, mode);
  ground.activity.changed(entry.id, 0);
  open.content.begin(session);
  try {
    await written;
  } catch (error) {
    void ground.files.release(open, mode);
    throw error;
  }
  return open;
}

/** The folder, if the name in it is free. @throws ESTALE, ENOTDIR, EROFS, EINVAL, ENAMETOOLONG, EEXIST */
export function freePlace(ground: Ground, folder: NodeId, name: string, op: string): Entry {
  const parent = spaceFolderOf(ground, folder, op);
  checkName(name, op);
  if (occupantOf(ground, parent, name) !== undefined) throw new FsError('EEXIST', op, { subject: name });
  return parent;
}

/** An entry for a new node, without content. @throws EINVAL, ENOSPC */
export function newEntry({ now }: Ground, parent: Entry, name: string, kind: Kind, attr: NewAttr, op: string): Entry {
  const at = now();
  const id = newId(at);
  const born = createdWith(attr, kind, at, op);
  const kept = isLocal(parent, name) ? ({ local: true } as const) : { base: null };
  return { id, space: parent.space, parent: parent.id, name, kind, size: 0, ...born, version: id, rev: 0, ...kept };
}

/** Whether a new node of this name stays on this computer. */
export function isLocal(parent: Entry, name: string): boolean {
  return parent.local === true || isLitter(name);
}

/**
 * The ops that create a node, including its intent unless it is local. `replace` is the previous holder of its name,
 * which the cloud knows; a file under a free name continues the history of the one that had it a moment ago.
 */
export function planNewNode(
  ground: Ground,
  parent: Entry,
  entry: Entry,
  content?: NewContent,
  replace?: NodeId,
): NewNode {
  const predecessor = entry.kind === 'file' ? ground.freedNames.take(entry, entry.id) : undefined;
  const intents =
    entry.local === true ? [] : ground.planner.ops(planCreation(entry, content, { replace, predecessor }));
  return { entry, ops: [...intents, ...ground.catalog.put(entry), touched(ground, parent)] };
}

/** Submits a creation and notifies of it. */
export function submitNewNode(ground: Ground, parent: Entry, entry: Entry, ops: readonly Op[]): Promise<void> {
  ground.activity.filled(parent.id);
  return submit(ground, ops, [{ what: 'entry', folder: parent.id, name: entry.name }]);
}
