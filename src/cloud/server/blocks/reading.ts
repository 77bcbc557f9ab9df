import { manifestOf, splitDigests } from '../meta/manifest.ts';
import { MAX_BATCH_BYTES } from '../../limits.ts';
import { BLOCK_SIZE, blockLength, DIGEST_SIZE } from '../../../vfs/block.ts';
import type { ByteRange } from '../../../vfs/byte-range.ts';
import type { DigestList } from '../../../vfs/digest-list.ts';
import type { Db, VersionRow } from '../meta/schema.ts';
import { type Extent, readableExtents, readManifest } from '../meta/versions.ts';
import { Refusal } from '../refusal.ts';
import type { BlockReader, ReadOptions } from './block-reader.ts';
import { frameHeader } from './frames.ts';

export interface BlockOfVersion {
  readonly version: string;
  readonly index: number;
}

/** A block, and the account that stores it. */
export interface BlockOfAccount {
  readonly account: string;
  /** hex */
  readonly digest: string;
  /** Bytes. */
  readonly size?: number;
}

/**
 * The digests of blocks that are named by version and index, in the given order. Returns the first ones, at least one,
 * up to the limit of one response. Blocks are not addressed by digest, as knowing a digest must not give access.
 * @throws not_found, bad_request
 */
export async function resolveBlocks(
  db: Db,
  account: string,
  blocks: readonly BlockOfVersion[],
): Promise<BlockOfAccount[]> {
  const versions = [...new Set(blocks.map(({ version }) => version))];
  const extents = await readableExtents(db, account, versions);
  const fitting = fit(extents, blocks);
  const indices = new Map<string, number[]>();
  for (const { version, index } of fitting) {
    const list = indices.get(version);
    if (list === undefined) indices.set(version, [index]);
    else list.push(index);
  }
  const digests = new Map<string, string>();
  for (const [version, list] of indices) {
    const found = await lookUp(db, version, extents.get(version) as Extent, list);
    for (const [position, index] of list.entries()) digests.set(`${index}/${version}`, found[position] ?? '');
  }
  return fitting.map(({ version, index }) => {
    const extent = extents.get(version) as Extent;
    const digest = digests.get(`${index}/${version}`) ?? '';
    return { account: extent.account ?? account, digest, size: blockLength(extent.size, index) };
  });
}

function fit(extents: ReadonlyMap<string, Extent>, blocks: readonly BlockOfVersion[]): readonly BlockOfVersion[] {
  let total = 0;
  let count = 0;
  for (const { version, index } of blocks) {
    const size = extents.get(version)?.size;
    if (size === undefined) throw new Refusal('not_found', 'there is no such version');
    const length = Math.min(BLOCK_SIZE, size - index * BLOCK_SIZE);
    if (length <= 0) throw new Refusal('bad_request', `the version has no block ${index}`);
    total += length;
    if (total <= MAX_BATCH_BYTES) count += 1;
  }
  return blocks.slice(0, count);
}

/**
 * The digests at these indices. Of a plain digest list only the needed range is read: that of a large file has many
 * megabytes.
 */
async function lookUp(db: Db, version: string, { size, manifest }: Extent, indices: number[]): Promise<string[]> {
  if (manifest < Math.ceil(size / BLOCK_SIZE) * DIGEST_SIZE) {
    const list = manifestOf(await readManifest(db, version, 0, manifest), size);
    return indices.map((index) => Buffer.from(list.at(index)).toString('hex'));
  }
  const first = Math.min(...indices);
  const count = Math.max(...indices) - first + 1;
  const digests = splitDigests(await readManifest(db, version, first * DIGEST_SIZE, count * DIGEST_SIZE));
  return indices.map((index) => digests[index - first] ?? '');
}

/**
 * Yields the frames of blocks in order, and ends before the first damaged block. A request that starts at the damaged
 * block gets the error. Damage that only verifying shows is found only without `unverified`.
 * @throws Refusal damaged if the first block is damaged
 */
export async function* readBlocks(
  reader: BlockReader,
  blocks: readonly BlockOfAccount[],
  how: Pick<ReadOptions, 'unverified'> = {},
): AsyncGenerator<Uint8Array> {
  let index = 0;
  try {
    for await (const data of readAhead(reader, blocks, how)) {
      yield frameHeader(blocks[index]?.digest ?? '', data.length);
      yield data;
      index += 1;
    }
  } catch (error) {
    if (index === 0 || !(error instanceof Refusal && error.code === 'damaged')) throw error;
  }
}

/** Yields the bytes of blocks in order, and reads the next block while the caller uses this one. */
export async function* readAhead(
  reader: BlockReader,
  blocks: Iterable<BlockOfAccount>,
  how: Pick<ReadOptions, 'unverified'> = {},
): AsyncGenerator<Uint8Array> {
  let next: Promise<Uint8Array> | undefined;
  for (const { account, digest, size } of blocks) {
    const current = next;
    next = reader.read(account, digest, { ...how, size });
    // The rejection is reported when this block is awaited; until then it must not count as unhandled.
    next.catch(() => undefined);
    if (current !== undefined) yield await current;
  }
  if (next !== undefined) yield await next;
}

/** A version, and the account that stores it. */
export type StoredVersion = Pick<VersionRow, 'manifest' | 'size'> & { readonly account: string };

/** Yields the bytes of a version in a range, in parts of at most one block. @throws damaged, not_found */
export async function* contentOf(
  reader: BlockReader,
  { manifest, size, account }: StoredVersion,
  { start, end }: ByteRange,
): AsyncGenerator<Uint8Array> {
  const first = Math.floor(start / BLOCK_SIZE);
  const digests = blocksOf({ account, size }, manifestOf(manifest, size), first, Math.floor(end / BLOCK_SIZE) + 1);
  let at = first * BLOCK_SIZE;
  for await (const block of readAhead(reader, digests)) {
    yield block.subarray(Math.max(0, start - at), end + 1 - at);
    at += BLOCK_SIZE;
  }
}

function* blocksOf(
  { account, size }: Pick<StoredVersion, 'account' | 'size'>,
  list: DigestList,
  from: number,
  to: number,
): Generator<BlockOfAccount> {
  for (const { digest, start, end } of list.runs(from)) {
    const block = { account, digest: Buffer.from(digest).toString('hex') };
    for (let index = start; index < Math.min(end, to); index++) yield { ...block, size: blockLength(size, index) };
    if (end >= to) return;
  }
}
