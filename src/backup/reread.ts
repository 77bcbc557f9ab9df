import type { Remote } from '../cloud/remote.ts';
import { BLOCK_SIZE, blockCount, contentHash } from '../vfs/block.ts';
import type { Context } from '../vfs/context.ts';
import { DigestList } from '../vfs/digest-list.ts';
import { isFsError } from '../vfs/fs-error.ts';
import type { BackupIndex } from './backup-index.ts';
import type { Mirrored } from './mirrored.ts';

/**
 * Lets the next whole run read the files again of whose content the cloud has found a part lost or damaged: what is read and
 * is missing there is uploaded. @returns how many files. @throws as `Remote`
 */
export async function rereadDamaged(index: BackupIndex, remote: Remote, context: Context): Promise<number> {
  const digests = new Set(await remote.damaged(context));
  const { root } = index.state ?? {};
  if (digests.size === 0 || root === undefined) return 0;
  // A file of one block need not be asked about.
  const hashes = new Set([...digests].map((digest) => contentHash(Buffer.from(digest, 'hex'))));
  let count = 0;
  for await (const node of filesBelow(index, root)) {
    if (node.source === undefined || node.hash === null) continue;
    const isDamaged = node.size > BLOCK_SIZE ? await contains(remote, node, digests, context) : hashes.has(node.hash);
    if (!isDamaged) continue;
    await index.write(index.put({ ...node, source: undefined }, node));
    count += 1;
  }
  return count;
}

async function* filesBelow(index: BackupIndex, root: string): AsyncGenerator<Mirrored> {
  const folders = [root];
  for (let id = folders.pop(); id !== undefined; id = folders.pop()) {
    for await (const node of index.children(id)) {
      if (node.kind === 'folder') folders.push(node.id);
      else if (node.kind === 'file') yield node;
    }
  }
}

async function contains(
  remote: Remote,
  { version, size }: Mirrored,
  digests: ReadonlySet<string>,
  context: Context,
): Promise<boolean> {
  if (version === null) return false;
  try {
    const list = DigestList.from(await remote.manifest(version, context), blockCount(size));
    return list?.distinct().some((digest) => digests.has(digest)) ?? false;
  } catch (error) {
    // Replaced since the index was brought up to date.
    if (isFsError(error, 'ENOENT')) return false;
    throw error;
  }
}
