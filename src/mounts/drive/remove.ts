import type { Entry } from '../../cache/tree/entry.ts';
import type { Op } from '../../cache/db/group-writer.ts';
import type { PendingIntent } from '../../cache/tree/journal.ts';
import { FsError } from '../../vfs/fs-error.ts';
import type { NodeId } from '../../vfs/node.ts';
import { type Ground, checkMovable, childOf, discard, folderOf, submit, touched } from './ground.ts';
import { historyOf, isCreation, planRemove } from '../intents/plan.ts';
import type { Sweeper } from './sweeper.ts';

/** @throws EISDIR */
export async function unlink(ground: Ground, folder: NodeId, name: string): Promise<void> {
  const parent = folderOf(ground, folder, 'unlink');
  const node = childOf(ground, parent, name, 'unlink');
  checkMovable(node, parent, 'unlink');
  if (node.kind === 'folder') throw new FsError('EISDIR', 'unlink', { subject: name });
  freeName(ground, node);
  await take(ground, parent, node, removalOps(ground, node));
}

/** The file that takes the name next continues its history. */
export function freeName({ freedNames, planner }: Ground, node: Entry): void {
  freedNames.add(node, historyOf(node, planner.waiting(node.id)));
}

/** @throws ENOTDIR, ENOTEMPTY */
export async function rmdir(ground: Ground, folder: NodeId, name: string): Promise<void> {
  const look = (): [parent: Entry, node: Entry] => {
    const parent = folderOf(ground, folder, 'rmdir');
    const node = childOf(ground, parent, name, 'rmdir');
    checkMovable(node, parent, 'rmdir');
    if (node.kind !== 'folder') throw new FsError('ENOTDIR', 'rmdir', { subject: name });
    return [parent, node];
  };
  for (let done = false; !done;) {
    const [, { id }] = look();
    done = await ground.folderLocks.during(id, async () => {
      const isEmpty = await ground.catalog.isEmpty(id);
      const [parent, node] = look();
      if (node.id !== id) return false;
      if (!isEmpty) throw new FsError('ENOTEMPTY', 'rmdir', { subject: name });
      await take(ground, parent, node, removalOps(ground, node));
      return true;
    });
  }
}

/** The tree vanishes with its folder, in one batch; the entries below are cleared away afterwards. */
export async function removeTree(ground: Ground, sweeper: Sweeper, folder: NodeId, name: string): Promise<void> {
  const parent = folderOf(ground, folder, 'removeTree');
  const node = childOf(ground, parent, name, 'removeTree');
  checkMovable(node, parent, 'removeTree');
  if (node.kind !== 'folder') return await unlink(ground, folder, name);
  const below = pendingBelow(ground, node);
  keepNamed(ground, below);
  const dropped = [...below.values()].flatMap((intents) => dropOps(ground, intents));
  await take(ground, parent, node, [...dropped, ...removalOps(ground, node), sweeper.detach(node)]);
  discard(ground, [...below.values()].flat());
  await sweeper.sweep();
}

/**
 * Drops the intents of a node in a folder that is removed. A node that it was to replace is removed with the folder.
 */
function dropOps(ground: Ground, intents: readonly PendingIntent[]): Op[] {
  const { journal, catalog } = ground;
  const entry = catalog.get(intents[0]?.node ?? '');
  // The cloud has it outside the folder: it must be removed from there.
  const isOutside = intents.some(({ op }) => op === 'move') && !intents.some(isCreation);
  if (isOutside && entry !== undefined) return removalIntents(ground, entry);
  return intents.flatMap(({ seq, replace }) => {
    return [journal.remove(seq), ...(replace === undefined ? [] : [journal.replacements.settle(replace)])];
  });
}

function removalOps(ground: Ground, node: Entry): Op[] {
  return [...removalIntents(ground, node), ...ground.catalog.remove(node)];
}

function removalIntents({ catalog, planner }: Ground, node: Entry): Op[] {
  const seen = catalog.space(node.space)?.cursor ?? 0;
  return planner.ops(planRemove(node, planner.waiting(node.id), Math.max(0, seen), planner.isNamed(node)));
}

async function take(ground: Ground, parent: Entry, node: Entry, ops: readonly Op[]): Promise<void> {
  ground.activity.forget(node.id);
  const told = [{ what: 'entry', folder: parent.id, name: node.name, removed: node.id }] as const;
  await submit(ground, [...ops, touched(ground, parent)], told);
  discard(ground, [{ node: node.id, staged: node.staged }]);
}

/**
 * Takes out the creations of folders that intents which stay lead into or out of: what was moved out of a new folder was made in it. They
 * are removed with the tree.
 */
function keepNamed({ journal }: Ground, below: Map<NodeId, PendingIntent[]>): void {
  const dropped = new Set([...below.values()].flat().map(({ seq }) => seq));
  const keep = (id: NodeId): void => {
    const intents = below.get(id);
    if (intents?.some(isCreation) !== true) return;
    below.delete(id);
    for (const { parent, origin } of intents) [parent, origin?.parent ?? parent].forEach(keep);
  };
  for (const { seq, parent, origin } of journal.all()) {
    if (!dropped.has(seq)) [parent, origin?.parent ?? parent].forEach(keep);
  }
}

/** What waits for nodes below a folder and has not been sent, by node. */
function pendingBelow({ catalog, journal }: Ground, folder: Entry): Map<NodeId, PendingIntent[]> {
  const isBelow = new Map<NodeId, boolean>([[folder.id, true]]);
  const below = (id: NodeId): boolean => {
    const known = isBelow.get(id);
    if (known !== undefined) return known;
    const parent = catalog.get(id)?.parent;
    const answer = parent !== undefined && parent !== id && below(parent);
    isBelow.set(id, answer);
    return answer;
  };
  const found = new Map<NodeId, PendingIntent[]>();
  for (const intent of journal.all()) {
    const { node, seq } = intent;
    if (node === folder.id || journal.isFixed(seq) || !below(node)) continue;
    const own = found.get(node);
    if (own === undefined) found.set(node, [intent]);
    else own.push(intent);
  }
  return found;
}
