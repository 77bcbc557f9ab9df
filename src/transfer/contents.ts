import type { WireContent } from '../cloud/records.ts';
import { BLOCK_SIZE } from '../vfs/block.ts';
import type { Context } from '../vfs/context.ts';
import type { DigestList } from '../vfs/digest-list.ts';
import type { BlockSender, SendableBlock } from './block-sender.ts';

/** Distinct blocks in a request for missing blocks, and number of digests in memory at the same time. */
const WINDOW = 4096;

/** The size and digests of a content. */
export interface Manifest {
  readonly size: number;
  readonly digests: DigestList;
}

/** Reads the bytes of a content. */
export interface BlockReader {
  block(index: number, context: Context): Promise<Uint8Array>;
  /**
   * False if the block is the same as in a content that the cloud has, so that asking whether it is missing is
   * worthwhile.
   */
  isOwn(index: number): boolean;
}

export interface Upload {
  readonly file: BlockReader;
  readonly manifest: Manifest;
}

/**
 * Ensures that the cloud has every block of the contents. Blocks of small files are packed into few requests; blocks
 * that the cloud already has are not read. `space` is the shared space of another account that they are for, if any.
 * Holds a few packs in memory, independent of the total size.
 */
export async function uploadContents(
  sender: BlockSender,
  uploads: readonly Upload[],
  context: Context,
  space?: string,
): Promise<void> {
  for (const blocks of windows(uploads)) {
    await sender.send(await sender.lacking(blocks, context, space), context, space);
  }
}

/** A content in the form in which it is sent to the cloud. */
export function wireContent({ size, digests }: Manifest): WireContent {
  return { size, blocks: Buffer.from(digests.toBytes()).toString('base64') };
}

/** Yields the blocks of all contents, a few thousand at a time. */
function* windows(uploads: readonly Upload[]): Generator<SendableBlock[]> {
  let window: SendableBlock[] = [];
  for (const { file, manifest } of uploads) {
    for (const { digest, start } of manifest.digests.runs()) {
      window.push({
        digest: Buffer.from(digest).toString('hex'),
        size: Math.min(BLOCK_SIZE, manifest.size - start * BLOCK_SIZE),
        isNew: file.isOwn(start),
        read: async (context) => file.block(start, context),
      });
      if (window.length < WINDOW) continue;
      yield window;
      window = [];
    }
  }
  if (window.length > 0) yield window;
}
