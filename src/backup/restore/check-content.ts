import type { NodeRecord } from '../../cloud/records.ts';
import type { Remote } from '../../cloud/remote.ts';
import { blockCount, blockLength, sameBytes } from '../../vfs/block.ts';
import type { Context } from '../../vfs/context.ts';
import { DigestList } from '../../vfs/digest-list.ts';
import { FsError } from '../../vfs/fs-error.ts';

/** Reads a file's whole content from the cloud and verifies it. @throws EIO if it is damaged; as `Remote` */
export async function checkContent(
  remote: Remote,
  { version, size, hash }: Pick<NodeRecord, 'version' | 'size' | 'hash'>,
  context: Context,
): Promise<void> {
  if (version === null || size === 0) return;
  const list = DigestList.from(await remote.manifest(version, context), blockCount(size));
  if (list === undefined || (await list.hash()) !== hash)
    throw damaged('the list of its blocks does not match its hash');
  // Blocks that are equal need to be read once.
  const requests = [...list.runs()].map(({ start }) => ({ version, index: start, length: blockLength(size, start) }));
  for await (const { index, digest, data } of remote.read(requests, context)) {
    const isRight = data.length === blockLength(size, index) && sameBytes(Buffer.from(digest, 'hex'), list.at(index));
    if (!isRight) throw damaged('a block is not the one that the list of the content names');
  }
}

function damaged(reason: string): FsError {
  return new FsError('EIO', 'verify', { reason });
}
