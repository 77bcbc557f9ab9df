import type { Entry } from '../../cache/tree/entry.ts';
import type { Op } from '../../cache/db/group-writer.ts';
import type { PendingIntent } from '../../cache/tree/journal.ts';
import { FsError } from '../../vfs/fs-error.ts';
import type { NodeId } from '../../vfs/node.ts';
import { type Ground, type Loose, checkMovable, childOf, discard, folderOf, submit, touched } from './ground.ts';
import { planRemove } from '../intents/plan.ts';
import type { Sweeper } from './sweeper.ts';

/** @throws EISDIR */
export async function unlink(ground: Ground, folder: NodeId, name: string): Promise<void> {
  const parent = folderOf(ground, folder, 'unlink');
  const node = childOf(ground, parent, name, 'unlink');
  checkMovable(node, parent, 'unlink');
  if (node.kind === 'folder') throw new FsError('EISDIR', 'unlink', { subject: name });
  await take(ground, parent, node, removalOps(ground, node));
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
    done = await ground.gates.during(id, async () => {
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
  if (node.kind !== 'folder') return await take(ground, parent, node, removalOps(ground, node));
  const below = pendingBelow(ground, node);
  const dropped = below.map((intent) => ground.journal.remove(intent.seq));
  const ops = [...dropped, ...removalOps(ground, node), sweeper.detach(node)];
  await take(ground, parent, node, ops);
  discard(ground, below);
  await sweeper.sweep();
}

function removalOps({ catalog, ledger }: Ground, node: Entry): Op[] {
  const seen = catalog.space(node.space)?.cursor ?? 0;
  const plan = planRemove(node, ledger.waiting(node.id), Math.max(0, seen));
  return [...ledger.ops(plan), ...catalog.remove(node)];
}

async function take(ground: Ground, parent: Entry, node: Entry, ops: readonly Op[]): Promise<void> {
  ground.activity.forget(node.id);
  const told = [{ what: 'entry', folder: parent.id, name: node.name, removed: node.id }] as const;
  await submit(ground, [...ops, touched(ground, parent)], told);
  discard(ground, [{ node: node.id, staged: node.staged }]);
}

/** What waits for nodes below a folder and has not been sent: it goes with the folder. */
function pendingBelow({ catalog, journal }: Ground, folder: Entry): (PendingIntent & Loose)[] {
  const isBelow = new Map<NodeId, boolean>([[folder.id, true]]);
  const below = (id: NodeId): boolean => {
    const known = isBelow.get(id);
    if (known !== undefined) return known;
    const parent = catalog.get(id)?.parent;
    const answer = parent !== undefined && parent !== id && below(parent);
    isBelow.set(id, answer);
    return answer;
  };
  return [...journal.all()].filter((intent) => {
    return intent.node !== folder.id && !journal.isFixed(intent.seq) && below(intent.node);
  });
}
