import type { StagedFile } from '../../cache/content/content.ts';
import { attrOf, type Entry } from '../../cache/tree/entry.ts';
import { assign } from '../../vfs/assign.ts';
import type { CopyOptions, Place } from '../../vfs/file-system.ts';
import { FsError } from '../../vfs/fs-error.ts';
import { checkName } from '../../vfs/name.ts';
import type { Attr, NewAttr, NodeId } from '../../vfs/node.ts';
import { planNewNode, makeFolder, newEntry, submitNewNode } from './create.ts';
import { replaceContent } from './replace-content.ts';
import { type Ground, discard, nodeOf, occupantOf, spaceFolderOf } from './ground.ts';
import { newId } from '../../vfs/ids.ts';
import { planReplaced } from '../intents/plan.ts';

/** See `FileSystem.copy`. Content in the cloud is copied by reference, staged content as a fork. */
export async function copy(ground: Ground, id: NodeId, to: Place, { replace }: CopyOptions): Promise<Attr> {
  const node = nodeOf(ground, id, 'copy');
  if (node.parent === nodeOf(ground, to.folder, 'copy').id && node.name === to.name) return attrOf(node);
  const { old } = target(ground, to, replace);
  if (node.kind === 'file') return await copyFile(ground, node, to, replace);
  if (node.kind === 'symlink') return await copySymlink(ground, node, to, replace);
  if (old !== undefined) throw new FsError('EEXIST', 'copy', { subject: to.name });
  return await makeFolder(ground, to.folder, to.name, metadata(node));
}

function target(ground: Ground, { folder, name }: Place, replace: boolean): { parent: Entry; old: Entry | undefined } {
  const parent = spaceFolderOf(ground, folder, 'copy');
  checkName(name, 'copy');
  const old = occupantOf(ground, parent, name);
  if (old !== undefined && !replace) throw new FsError('EEXIST', 'copy', { subject: name });
  if (old?.kind === 'folder') throw new FsError('EISDIR', 'copy', { subject: name });
  return { parent, old };
}

async function copyFile(ground: Ground, node: Entry, to: Place, replace: boolean): Promise<Attr> {
  let fork: StagedFile | undefined;
  try {
    const sealed = await ground.files.snapshot(node);
    fork = sealed === undefined ? undefined : await ground.staging.fork(sealed);
    // A copy that was made only for this is discarded with its fork.
    if (sealed !== undefined && !isNamed(ground, node.id, sealed.id))
      ground.staging.discard(sealed.id).catch(() => undefined);
    while (ground.folderLocks.isClosed(to.folder)) await ground.folderLocks.opened(to.folder);
    const source = nodeOf(ground, node.id, 'copy');
    const { parent, old } = target(ground, to, replace);
    const content = fork === undefined ? byReference(source) : { staged: fork.id, size: fork.size };
    if (content === undefined) {
      if (source.staged === undefined) throw lost(source);
      // A write has begun since.
      return await copyFile(ground, node, to, replace);
    }
    const place = { parent, name: to.name, old };
    if (fork === undefined && source.hash !== undefined) ground.store.share(source.hash);
    const { entry } = await replaceContent(
      ground,
      place,
      { ...content, version: newId(ground.now()) },
      metadata(source),
      'copy',
    );
    return attrOf(entry);
  } catch (error) {
    if (fork !== undefined) ground.staging.discard(fork.id).catch(() => undefined);
    throw error;
  } finally {
    fork?.close();
  }
}

function lost({ name }: Entry): FsError {
  return new FsError('EIO', 'copy', { subject: name, reason: 'its content is neither here nor in the cloud' });
}

function isNamed({ catalog, journal }: Ground, node: NodeId, staged: string): boolean {
  return catalog.get(node)?.staged === staged || journal.names(staged);
}

function byReference({ remote, hash, size }: Entry): { size: number; from?: string; hash?: string } | undefined {
  if (remote !== undefined && hash !== undefined) return { size, from: remote, hash };
  return size === 0 ? { size } : undefined;
}

async function copySymlink(ground: Ground, node: Entry, to: Place, replace: boolean): Promise<Attr> {
  const { parent, old } = target(ground, to, replace);
  const { target: text = '', size } = node;
  const made: Entry = assign(newEntry(ground, parent, to.name, 'symlink', metadata(node), 'copy'), {
    target: text,
    size,
  });
  const plan = old === undefined ? undefined : planReplaced(old, ground.planner.waiting(old.id));
  const freed =
    plan === undefined || old === undefined ? [] : [...ground.planner.ops(plan), ...ground.catalog.remove(old)];
  const { entry, ops } = planNewNode(ground, parent, made, undefined, plan?.replace);
  await submitNewNode(ground, parent, entry, [...freed, ...ops]);
  if (old !== undefined) discard(ground, [{ node: old.id, staged: old.staged }]);
  return attrOf(entry);
}

/** The metadata that a copy inherits: as with `cp -p`, except for the time of creation. */
function metadata({ mode, mtime, xattrs }: Entry): NewAttr {
  return { mode, mtime, ...(xattrs === undefined ? {} : { xattrs }) };
}
