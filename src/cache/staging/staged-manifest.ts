import { DigestList, type DigestRun } from '../../vfs/digest-list.ts';
import type { Context } from '../../vfs/context.ts';
import { FsError, asFsError } from '../../vfs/fs-error.ts';
import { BLOCK_SIZE, DIGEST_SIZE, blockCount, blockLength, digestOf, zeroDigest } from '../../vfs/block.ts';
import type { CowFile, Stretch } from './cow-file.ts';
import type { PassingDigests } from './passing-digests.ts';

/** Blocks read and hashed at the same time, so that some are read while others are hashed. */
const LANES = 3;

type Run = Pick<DigestRun, 'digest' | 'end'>;

/**
 * The digests of a sealed file. Known digests are used, unchanged blocks have those of the base, and holes that of
 * zeros; the other blocks are read and hashed off the event loop.
 * @throws EINTR; what the base throws; EIO
 */
export async function buildDigests(file: CowFile, passing: PassingDigests, context: Context): Promise<DigestList> {
  const stretches = [...file.stretches()];
  const hashed = new HashedBlocks(stretches);
  const jobs = hashed.blocks();
  const lane = (): Promise<void> => hash(file, passing, jobs, hashed, context);
  await Promise.all(Array.from({ length: LANES }, lane));
  const based = stretches.some(({ kind }) => kind === 'base');
  const base = based ? await file.base?.digests(context) : undefined;
  return DigestList.ofRuns(runsOf(file.size, stretches, hashed, base));
}

/** A buffer for the digests of only those blocks that must be hashed. */
class HashedBlocks {
  readonly #data: readonly Stretch[];
  readonly #digests: Uint8Array;

  constructor(stretches: readonly Stretch[]) {
    this.#data = stretches.filter(({ kind }) => kind === 'data');
    const count = this.#data.reduce((sum, { start, end }) => sum + end - start, 0);
    this.#digests = new Uint8Array(count * DIGEST_SIZE);
  }

  /** Yields each block that must be hashed, with its position among them. */
  *blocks(): Generator<{ readonly index: number; readonly place: number }> {
    let place = 0;
    for (const { start, end } of this.#data)
      for (let index = start; index < end; index++) yield { index, place: place++ };
  }

  set(place: number, digest: Uint8Array): void {
    this.#digests.set(digest, place * DIGEST_SIZE);
  }

  get(place: number): Uint8Array {
    return this.#digests.subarray(place * DIGEST_SIZE, (place + 1) * DIGEST_SIZE);
  }
}

function* runsOf(
  size: number,
  stretches: readonly Stretch[],
  hashed: HashedBlocks,
  base: DigestList | undefined,
): Generator<Run> {
  let place = 0;
  for (const { kind, start, end } of stretches) {
    if (kind === 'hole') yield* zeros(size, start, end);
    else if (kind === 'base') yield* basedRuns(base, start, end);
    else for (let index = start; index < end; index++) yield { digest: hashed.get(place++), end: index + 1 };
  }
}

function* zeros(size: number, start: number, end: number): Generator<Run> {
  const short = end === blockCount(size) && size % BLOCK_SIZE !== 0;
  if (end - start > (short ? 1 : 0)) yield { digest: zeroDigest(BLOCK_SIZE), end: short ? end - 1 : end };
  if (short) yield { digest: zeroDigest(size % BLOCK_SIZE), end };
}

function* basedRuns(base: DigestList | undefined, start: number, end: number): Generator<Run> {
  for (const run of base?.runs(start) ?? []) {
    yield { digest: run.digest, end: Math.min(run.end, end) };
    if (run.end >= end) return;
  }
}

async function hash(
  file: CowFile,
  passing: PassingDigests,
  jobs: Iterable<{ readonly index: number; readonly place: number }>,
  into: HashedBlocks,
  { signal }: Context,
): Promise<void> {
  let buffer: Uint8Array | undefined;
  for (const { index, place } of jobs) {
    const known = passing.get(index);
    if (known !== undefined) {
      into.set(place, known);
      continue;
    }
    if (signal.aborted) throw asFsError(signal.reason, 'read');
    buffer ??= Buffer.allocUnsafeSlow(Math.min(BLOCK_SIZE, file.size));
    const data = buffer.subarray(0, blockLength(file.size, index));
    if ((await file.readRaw(data, index * BLOCK_SIZE)) < data.length) {
      throw new FsError('EIO', 'read', { reason: 'a staged file has become shorter; it was changed outside Fjord' });
    }
    into.set(place, await digestOf(data));
  }
}
