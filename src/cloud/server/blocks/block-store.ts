/**
 * Stores blocks by account and digest (hex). Methods are safe to call concurrently, also for the same block. Only the
 * metadata knows which blocks should exist.
 */
export interface BlockStore {
  /**
   * Stores blocks. Once it resolves they survive a power loss. An existing block is replaced, as its bytes may be
   * damaged.
   * @throws Refusal digest_mismatch if the bytes of a block do not have its digest; other blocks of the call may have
   * been stored
   */
  put(account: string, blocks: readonly Block[]): Promise<void>;

  /**
   * The bytes of a block, at most `BLOCK_SIZE`, verified; `undefined` if there are none that have the digest: never stored,
   * lost or damaged.
   * @throws Error if that cannot be known at the moment
   */
  get(account: string, digest: string, options?: GetOptions): Promise<Uint8Array | undefined>;

  /** Removes a block permanently. Does nothing if there is no such block. */
  remove(account: string, digest: string): Promise<void>;

  /** Digests of all blocks of an account, in any order. */
  list(account: string): AsyncIterable<string>;
}

export interface GetOptions {
  /** Gives `BLOCK_SIZE` bytes of memory that the block may be read into. */
  readonly memory?: () => Uint8Array;
  /** True if the bytes may be wrong, as the receiver compares them with the digest and asks again. */
  readonly unverified?: boolean;
  /** How many bytes the block should have, if that is known: where to look for it first. */
  readonly size?: number | undefined;
}

export interface Block {
  /** hex */
  readonly digest: string;
  readonly data: Uint8Array;
}
