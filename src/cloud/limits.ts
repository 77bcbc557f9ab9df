import { BLOCK_SIZE } from '../vfs/block.ts';

/** Most blocks in one upload or download: 8 MiB of content. Small blocks go up to `MAX_BATCH_BLOCKS` in as many bytes. */
export const MAX_BATCH_BYTES = 8 * BLOCK_SIZE;
export const MAX_BATCH_BLOCKS = 1000;
/** Most intents in one transaction. */
export const MAX_INTENTS = 500;
/** Most digests in one question for missing blocks. */
export const MAX_DIGESTS = 10_000;
