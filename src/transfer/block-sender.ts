import { MAX_BATCH_BLOCKS, MAX_BATCH_BYTES } from '../cloud/limits.ts';
import type { Remote } from '../cloud/remote.ts';
import type { Awaitable, Context } from '../vfs/context.ts';

/**
 * Blocks of less than this in total, in bytes, are sent without asking which are missing, as the request would take as
 * long.
 */
const UNASKED = 256 * 1024;
/** Average block size in bytes from which on the cost of the request is negligible. */
const LARGE = 64 * 1024;
/** Most bytes that are sent without asking, because all blocks before them were missing. */
const CREDIT = 32 * 1024 * 1024;
/** Requests in flight for one call; each holds up to `MAX_BATCH_BYTES`. */
const LANES = 2;

/** A block that the cloud may lack. */
export interface SendableBlock {
  /** SHA-256, hex */
  readonly digest: string;
  /** Size in bytes. */
  readonly size: number;
  /** False if the cloud probably has the block, so that it is always asked. */
  readonly isNew: boolean;
  /** Called only if the block is sent. */
  read(context: Context): Awaitable<Uint8Array>;
}

/**
 * Sends blocks to the cloud: asks which are missing, packs small ones together, and sends a few packs at the same time.
 * While new blocks keep turning out to be missing, as in the first copy of a folder, it asks less often. Safe to call
 * concurrently. Throws `FsError` as `Remote` does.
 */
export class BlockSender {
  readonly #remote: Pick<Remote, 'missing' | 'upload'>;
  /** Bytes found missing since a block was last found present. */
  #missed = 0;
  /** Bytes that may still be sent without asking. */
  #credit = 0;

  constructor(remote: Pick<Remote, 'missing' | 'upload'>) {
    this.#remote = remote;
  }

  /** The blocks that must be sent, each digest once. */
  async lacking<Block extends SendableBlock>(
    blocks: readonly Block[],
    context: Context,
    space?: string,
  ): Promise<Block[]> {
    const byDigest = new Map(blocks.map((block) => [block.digest, block]));
    const unique = [...byDigest.values()];
    if (unique.length === 0 || this.#isUnasked(unique)) return unique;
    const missing = await this.#remote.missing([...byDigest.keys()], context, space);
    const lacks = new Set(missing);
    const lacking = unique.filter(({ digest }) => lacks.has(digest));
    this.#learn(lacking, unique);
    return lacking;
  }

  /** Sends blocks that the cloud lacks. Holds a few packs in memory, however many blocks there are. */
  async send(blocks: readonly SendableBlock[], context: Context, space?: string): Promise<void> {
    const packs = packsOf(blocks)[Symbol.iterator]();
    const lanes = Array.from({ length: LANES }, async () => {
      for (const pack of packs) {
        const read = async ({ digest, ...block }: SendableBlock) => ({ digest, data: await block.read(context) });
        await this.#remote.upload(await all(pack.map(read)), context, space);
      }
    });
    await all(lanes);
  }

  #isUnasked(blocks: readonly SendableBlock[]): boolean {
    if (!blocks.every(({ isNew }) => isNew)) return false;
    const bytes = bytesOf(blocks);
    if (bytes <= UNASKED) return true;
    if (bytes > this.#credit || bytes >= LARGE * blocks.length) return false;
    this.#credit -= bytes;
    return true;
  }

  #learn(lacking: readonly SendableBlock[], asked: readonly SendableBlock[]): void {
    this.#missed = lacking.length === asked.length ? this.#missed + bytesOf(asked) : 0;
    this.#credit = Math.min(2 * this.#missed, CREDIT);
  }
}

export function bytesOf(blocks: readonly SendableBlock[]): number {
  return blocks.reduce((bytes, { size }) => bytes + size, 0);
}

function* packsOf(blocks: readonly SendableBlock[]): Generator<SendableBlock[]> {
  let pack: SendableBlock[] = [];
  let bytes = 0;
  for (const block of blocks) {
    if (pack.length === MAX_BATCH_BLOCKS || bytes + block.size > MAX_BATCH_BYTES) {
      yield pack;
      pack = [];
      bytes = 0;
    }
    pack.push(block);
    bytes += block.size;
  }
  if (pack.length > 0) yield pack;
}

/** Waits for all promises, then throws the first failure, if there is one. */
async function all<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(promises);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
