import { BLOCK_SIZE, blockCount, blockLength, contentHash, digestOf } from '../../vfs/block.ts';
import type { Context } from '../../vfs/context.ts';
import type { Manifests } from '../content/manifests.ts';
import type { StoreIndex } from './store-index.ts';

export interface HeldBlock {
  readonly digest: string;
  readonly data: Uint8Array;
}

/** Looks through all cached contents for blocks by their digests. */
export async function* heldBlocks(
  index: StoreIndex,
  manifests: Manifests,
  digests: ReadonlySet<string>,
  { signal }: Context,
): AsyncGenerator<HeldBlock> {
  const wanted = new Set(digests);
  // A content of one block is found by its hash, and has no list.
  for (const digest of digests) {
    const hash = contentHash(Buffer.from(digest, 'hex'));
    const size = index.sizeOf(hash);
    const data =
      size === undefined || blockCount(size) !== 1 ? undefined : await read(index, { hash, size }, 0, digest);
    if (data === undefined) continue;
    wanted.delete(digest);
    yield { digest, data };
  }
  for await (const { hash, list } of manifests.all((hash) => index.sizeOf(hash))) {
    for (const { digest: raw, start } of list.runs()) {
      if (signal.aborted || wanted.size === 0) return;
      const digest = Buffer.from(raw).toString('hex');
      if (!wanted.has(digest)) continue;
      const data = await read(index, { hash, size: index.sizeOf(hash) ?? 0 }, start, digest);
      if (data === undefined) continue;
      wanted.delete(digest);
      yield { digest, data };
    }
  }
}

async function read(
  index: StoreIndex,
  { hash, size }: { readonly hash: string; readonly size: number },
  block: number,
  digest: string,
): Promise<Uint8Array | undefined> {
  const stored = index.acquire(hash, size);
  try {
    if (!stored.present.has(block)) return undefined;
    const data = Buffer.allocUnsafeSlow(blockLength(size, block));
    await stored.readAsync(data, block * BLOCK_SIZE);
    return Buffer.from(await digestOf(data)).toString('hex') === digest ? data : undefined;
  } catch {
    return undefined;
  } finally {
    index.release(stored);
  }
}
