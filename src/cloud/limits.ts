import { BLOCK_SIZE } from '../vfs/block.ts';

/** Most bytes in an upload or download: 8 MiB of content. It may have at most `MAX_BATCH_BLOCKS` blocks. */
export const MAX_BATCH_BYTES = 8 * BLOCK_SIZE;
export const MAX_BATCH_BLOCKS = 1000;
/** Most bytes of all names and values of a node's extended attributes. */
export const XATTRS_MAX = 64 * 1024;
/** Most intents in one transaction. */
export const MAX_INTENTS = 500;
/** Most digests in a request for missing blocks. */
export const MAX_DIGESTS = 10_000;
