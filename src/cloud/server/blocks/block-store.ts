/**
 * Where blocks are kept, by account and digest (hex). Methods are safe to call concurrently, also for the same block.
 * Which blocks there should be is known by the metadata alone.
 */
export interface BlockStore {
  /**
   * Stores blocks; they survive the loss of power when answered. A block that is there already is no error, and is
   * replaced, since its bytes may be damaged.
   * @throws Refusal digest_mismatch if the bytes do not have the digest; others of the call may be stored then
   */
  put(account: string, blocks: readonly Block[]): Promise<void>;

  /**
   * The bytes of a block, at most `BLOCK_SIZE`, verified; `undefined` if there are none that have the digest: never stored,
   * lost or damaged. They may be in memory that `memory` gives, `BLOCK_SIZE` bytes of it.
   * @throws Error if that cannot be known at the moment
   */
  get(account: string, digest: string, memory?: () => Uint8Array): Promise<Uint8Array | undefined>;

  /** Removes a block for good. One that is not there is no error. */
  remove(account: string, digest: string): Promise<void>;

  /** Digests of all blocks of an account, in any order. */
  list(account: string): AsyncIterable<string>;
}

export interface Block {
  /** hex */
  readonly digest: string;
  readonly data: Uint8Array;
}
