import type { BlockRow } from '../meta/schema.ts';

type Key = Pick<BlockRow, 'account' | 'digest'>;

/**
 * Blocks whose bytes are being stored before they have a row. The collector removes none of them, whatever a row from before
 * says: it looks here in the transaction that removes, and whoever enters blocks here runs one after that and before it stores them.
 */
export class Arrivals {
  readonly #groups = new Set<{ readonly account: string; readonly digests: readonly string[] }>();

  /** Returns what ends it. */
  enter(account: string, digests: readonly string[]): () => void {
    const group = { account, digests };
    this.#groups.add(group);
    return () => this.#groups.delete(group);
  }

  /** Those of the blocks that are not arriving. */
  without<Block extends Key>(blocks: readonly Block[]): readonly Block[] {
    if (this.#groups.size === 0) return blocks;
    const arriving = new Set([...this.#groups].flatMap(({ account, digests }) => digests.map((one) => account + one)));
    return blocks.filter(({ account, digest }) => !arriving.has(account + digest));
  }
}
