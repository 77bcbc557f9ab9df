import { attrOf, type Entry, nextCtime } from '../../cache/tree/entry.ts';
import type { Op } from '../../cache/db/group-writer.ts';
import { assign } from '../../vfs/assign.ts';
import type { Place, RenameFlags } from '../../vfs/file-system.ts';
import { FsError } from '../../vfs/fs-error.ts';
import { checkName } from '../../vfs/name.ts';
import type { Attr, NodeId } from '../../vfs/node.ts';
import { isLocal } from './create.ts';
import { type Ground, checkMovable, childOf, discard, folderOf, occupantOf, submit, touched } from './ground.ts';
import { newId } from '../../vfs/ids.ts';
import { OTHER_MOUNT } from '../policy/policy.ts';
import {
  historyOf,
  planContent,
  planCreation,
  planMove,
  planPlainMove,
  planReplaced,
  type Spot,
  withBase,
} from '../intents/plan.ts';

/** Both ends of a rename as they are in one turn of the event loop. */
interface Ends {
  readonly source: Entry;
  readonly node: Entry;
  readonly target: Entry;
  readonly name: string;
  /** The entry that has the new name. */
  readonly other: Entry | undefined;
}

/** See `FileSystem.rename`. */
export async function rename(ground: Ground, from: Place, to: Place, flags: RenameFlags): Promise<Attr> {
  for (;;) {
    const ends = check(ground, from, to, flags);
    const { node, other } = ends;
    if (other?.id === node.id) return attrOf(node);
    if (other === undefined) return await move(ground, ends);
    if (flags.exchange === true) return await exchange(ground, { ...ends, other });
    if (other.kind !== 'folder') return await replace(ground, { ...ends, other });
    const moved = await ground.folderLocks.during(other.id, () => overEmpty(ground, other, { from, to, flags }));
    if (moved !== undefined) return moved;
  }
}

/** `undefined` if the ends were changed while the folder was looked into. */
async function overEmpty(
  ground: Ground,
  other: Entry,
  { from, to, flags }: { readonly from: Place; readonly to: Place; readonly flags: RenameFlags },
): Promise<Attr | undefined> {
  const isEmpty = await ground.catalog.isEmpty(other.id);
  const ends = check(ground, from, to, flags);
  if (ends.other?.id !== other.id) return undefined;
  if (!isEmpty) throw new FsError('ENOTEMPTY', 'rename', { subject: to.name });
  return await replace(ground, { ...ends, other: ends.other });
}

function check(ground: Ground, from: Place, to: Place, flags: RenameFlags): Ends {
  const source = folderOf(ground, from.folder, 'rename');
  const target = folderOf(ground, to.folder, 'rename');
  checkName(to.name, 'rename');
  const node = childOf(ground, source, from.name, 'rename');
  if (source.space !== target.space) throw refuse('EXDEV', node, OTHER_MOUNT);
  checkMovable(node, source, 'rename');
  const other = occupantOf(ground, target, to.name);
  if (other !== undefined) checkMovable(other, target, 'rename');
  checkFlags(ground, { source, node, target, name: to.name, other }, flags);
  if (target.local === true && node.local !== true) throw refuse('EXDEV', node, 'the folder is kept on this computer');
  if (node.local === true && node.kind === 'folder' && !isLocal(target, to.name)) {
    throw refuse('EXDEV', node, 'the folder is kept on this computer');
  }
  return { source, node, target, name: to.name, other };
}

/** What POSIX and `renameat2` refuse. */
function checkFlags(ground: Ground, { source, node, target, other }: Ends, flags: RenameFlags): void {
  const { noReplace = false, exchange = false } = flags;
  if (noReplace && exchange) throw refuse('EINVAL', node);
  if (noReplace && other !== undefined) throw refuse('EEXIST', other);
  if (exchange && other === undefined) throw refuse('ENOENT', node);
  if (contains(ground, node, target)) throw refuse('EINVAL', node, 'a folder cannot go into itself');
  if (other === undefined || other.id === node.id) return;
  if (exchange) {
    if (contains(ground, other, source)) throw refuse('EINVAL', other, 'a folder cannot go into itself');
    if (node.local !== other.local) throw refuse('ENOTSUP', node, 'one of them is kept on this computer');
    return;
  }
  if (contains(ground, other, source)) throw refuse('ENOTEMPTY', other);
  if (node.kind === 'folder' && other.kind !== 'folder') throw refuse('ENOTDIR', other);
  if (node.kind !== 'folder' && other.kind === 'folder') throw refuse('EISDIR', other);
}

/** True if `folder` is `node` or below it. */
function contains({ catalog }: Ground, node: Entry, folder: Entry): boolean {
  if (node.kind !== 'folder') return false;
  if (node.id === folder.id) return true;
  for (const ancestor of catalog.ancestors(folder)) if (ancestor.id === node.id) return true;
  return false;
}

async function move(ground: Ground, ends: Ends): Promise<Attr> {
  const { after, ops } = movedOps(ground, ends);
  return await finish(ground, ends, after, ops);
}

async function replace(ground: Ground, ends: Ends & { readonly other: Entry }): Promise<Attr> {
  const { catalog, planner, activity } = ground;
  const { node, other } = ends;
  if (node.kind === 'file' && other.kind === 'file' && ground.isSealed(other)) return await supersede(ground, ends);
  const { replace, ...plan } = planReplaced(other, planner.waiting(other.id), planner.isNamed(other));
  const freed = [...planner.ops(plan), ...catalog.remove(other)];
  const { after, ops } = movedOps(ground, ends, replace);
  activity.forget(other.id);
  if (other.hash !== undefined) ground.store.supersede(other.hash);
  const attr = await finish(ground, ends, after, [...freed, ...ops]);
  discard(ground, [{ node: other.id, staged: other.staged }]);
  return attr;
}

/** A sealed file keeps its node and gets the content of the renamed one as a new version. */
async function supersede(ground: Ground, { source, node, target, other }: Ends & { other: Entry }): Promise<Attr> {
  const { catalog, planner, files, activity, now } = ground;
  const { staged, version, size, mode, mtime } = node;
  const { hash: _hash, remote: _remote, ...kept } = withBase(other);
  const waiting = planner.waiting(node.id);
  // The cloud may have it, and would keep it.
  if (staged === undefined || waiting.some(({ fixed }) => fixed)) throw refuse('EPERM', node, 'it is being sealed');
  const after: Entry = assign(kept, { staged, version, size, mode, mtime, ctime: nextCtime(other, now()) });
  const writing = files.get(node.id)?.content.isWriting === true ? ({ writing: true } as const) : {};
  const ops = [
    ...planner.ops({ add: [], rewrite: [], drop: waiting.map(({ intent }) => intent) }),
    ...planner.ops(planContent(other, planner.waiting(other.id), { version, staged, ...writing })),
    ...catalog.remove(node),
    catalog.update(after),
    touched(ground, source),
  ];
  activity.changed(other.id, size);
  const told = [
    { what: 'entry', folder: source.id, name: node.name },
    { what: 'entry', folder: target.id, name: other.name },
    { what: 'node', node: other.id, content: true },
  ] as const;
  const written = submit(ground, ops, told);
  if (!files.isOpen(other.id)) files.rebind(node.id, other.id);
  await written;
  return attrOf(after);
}

function movedOps(ground: Ground, ends: Ends, replace?: NodeId): { after: Entry; ops: Op[] } {
  const { catalog, planner, files, now } = ground;
  const { node, target, name } = ends;
  const spot = { parent: target.id, name };
  const ctime = nextCtime(node, now());
  if (node.local !== true) {
    const waiting = planner.waiting(node.id);
    // An intent that replaces a node is always sent.
    ground.freedNames.add(node, node.kind === 'file' && replace !== undefined ? node.id : historyOf(node, waiting));
    const heritage = { replace, predecessor: predecessorOf(ground, node, spot) };
    const plan = planMove(node, waiting, spot, (mkdir) => planner.keepsTurn(mkdir, spot), heritage);
    const after = { ...withBase(node), ...spot, ctime };
    return { after, ops: [...planner.ops(plan), ...catalog.put(after, node)] };
  }
  if (isLocal(target, name)) {
    const after = { ...node, ...spot, ctime };
    return { after, ops: catalog.put(after, node) };
  }
  const { local: _local, ...ordinary } = node;
  const after: Entry = assign(ordinary, { ctime, base: null, ...spot });
  const writing = files.get(node.id)?.content.isWriting === true ? ({ writing: true } as const) : {};
  const staged = node.staged === undefined ? {} : { staged: node.staged };
  const content = node.kind === 'file' ? { version: node.version, ...staged, ...writing } : undefined;
  const creation = planCreation(after, content, { replace, predecessor: predecessorOf(ground, node, spot) });
  return { after, ops: [...planner.ops(creation), ...catalog.put(after, node)] };
}

/** Whose history a file continues at its new place. */
function predecessorOf({ freedNames }: Ground, { id, kind }: Entry, spot: Spot): NodeId | undefined {
  return kind === 'file' ? freedNames.take(spot, id) : undefined;
}

async function finish(ground: Ground, ends: Ends, after: Entry, ops: readonly Op[]): Promise<Attr> {
  const { source, target, node, name } = ends;
  const folders = source.id === target.id ? [source] : [source, target];
  ground.activity.filled(target.id);
  ground.activity.changed(node.id);
  ground.files.get(node.id)?.content.amend({ ctime: after.ctime });
  const told = [
    { what: 'entry', folder: source.id, name: node.name },
    { what: 'entry', folder: target.id, name },
  ] as const;
  await submit(ground, [...ops, ...folders.map((folder) => touched(ground, folder))], told);
  return attrOf(after);
}

/**
 * The cloud has no exchange: one node is moved to a temporary name, the other to its place, the first to the other's.
 */
async function exchange(ground: Ground, ends: Ends & { readonly other: Entry }): Promise<Attr> {
  const { catalog, planner, files, activity, now } = ground;
  const { source, node, target, other } = ends;
  const [here, there] = [spotOf(node), spotOf(other)];
  const promise = (entry: Entry, to: ReturnType<typeof spotOf>): Op[] => {
    if (entry.local === true) return [];
    const add = [planPlainMove(entry, planner.waiting(entry.id), to)];
    return planner.ops({ add, rewrite: [], drop: [] });
  };
  const at = now();
  const after = { ...withBaseUnlessLocal(node), ...there, ctime: nextCtime(node, at) };
  const swapped = { ...withBaseUnlessLocal(other), ...here, ctime: nextCtime(other, at) };
  const ops = [
    ...promise(node, { ...here, name: `.fjord-${newId(at)}` }),
    ...promise(other, here),
    ...promise(node, there),
    ...catalog.put(after),
    ...catalog.put(swapped),
  ];
  activity.changed(other.id);
  files.get(other.id)?.content.amend({ ctime: swapped.ctime });
  return await finish(ground, { source, node, target, name: other.name, other }, after, ops);
}

function withBaseUnlessLocal(entry: Entry): Entry {
  return entry.local === true ? entry : withBase(entry);
}

function spotOf({ parent, name }: Entry): { parent: NodeId; name: string } {
  return { parent, name };
}

function refuse(
  code: 'EINVAL' | 'EEXIST' | 'ENOENT' | 'EXDEV' | 'ENOTDIR' | 'ENOTEMPTY' | 'EISDIR' | 'ENOTSUP' | 'EPERM',
  entry: Entry,
  reason?: string,
): FsError {
  return new FsError(code, 'rename', { subject: entry.name, reason });
}
