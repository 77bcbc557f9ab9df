import { join } from 'node:path';
import type { BlockStore } from './block-store.ts';
import { LocalBlockStore } from './local.ts';

/** A block store with its resources. */
export interface OpenBlockStore extends BlockStore {
  /** Releases the store. Later calls fail. Idempotent. */
  close(): Promise<void>;
}

/**
 * Opens the block store of a data folder. No other code knows which kind of store it is.
 * @throws Error if another process has it open
 */
export async function openBlocks(data: string): Promise<OpenBlockStore> {
  return await LocalBlockStore.open(join(data, 'blocks'));
}
