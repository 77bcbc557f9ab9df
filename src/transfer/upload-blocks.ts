import type { DigestList } from '../vfs/digest-list.ts';
import { BLOCK_SIZE } from '../vfs/block.ts';
import type { Remote, UploadBlock } from '../cloud/remote.ts';
import { MAX_BATCH_BLOCKS, MAX_BATCH_BYTES } from '../cloud/limits.ts';
import type { WireContent } from '../cloud/records.ts';
import type { Context } from '../vfs/context.ts';

/**
 * Contents smaller than this in total are sent without asking which blocks are missing: the question would take as
 * long.
 */
const UNASKED = 256 * 1024;
/** Distinct blocks in one question for missing blocks; this many digests are in memory at a time. */
const WINDOW = 4096;
/** Requests in flight; each holds up to `MAX_BATCH_BYTES`. */
const PACKS = 2;

/** What a content consists of. */
export interface Manifest {
  readonly size: number;
  readonly digests: DigestList;
}

/** Where the bytes of a content are read from. */
export interface BlockReader {
  block(index: number, context: Context): Promise<Uint8Array>;
  /**
   * False if the block is the same as in a content that the cloud has: then asking whether it is missing is worthwhile.
   */
  isOwn(index: number): boolean;
}

export interface Upload {
  readonly file: BlockReader;
  readonly manifest: Manifest;
}

interface BlockPlace {
  readonly digest: string;
  readonly file: BlockReader;
  readonly index: number;
  /** Bytes. */
  readonly size: number;
  /** Bytes from this block on, including the blocks that follow it, that are equal. */
  readonly run: number;
}

/** Called with the number of bytes that the cloud has received or already had. */
export type Progress = (bytes: number) => void;

/**
 * Ensures that the cloud has every block of the contents. Blocks of small files are packed together into few requests;
 * blocks that the cloud has already are not read. Holds a few packs in memory, independent of the total size.
 */
export async function uploadContents(
  remote: Pick<Remote, 'missing' | 'upload'>,
  uploads: readonly Upload[],
  context: Context,
  progress: Progress = () => undefined,
): Promise<void> {
  for (const window of windows(uploads)) {
    const wanted = await lacking(remote, window, context);
    const had = window.reduce((sum, { run }) => sum + run, 0) - wanted.reduce((sum, { size }) => sum + size, 0);
    if (had > 0) progress(had);
    const packs = packsOf(wanted)[Symbol.iterator]();
    const lanes = Array.from({ length: PACKS }, async () => {
      for (const pack of packs) await sendPack(remote, pack, context, progress);
    });
    await all(lanes);
  }
}

/** What the cloud is sent about a content. */
export function wireContent({ size, digests }: Manifest): WireContent {
  return { size, blocks: Buffer.from(digests.toBytes()).toString('base64') };
}

async function sendPack(
  remote: Pick<Remote, 'upload'>,
  pack: readonly BlockPlace[],
  context: Context,
  progress: Progress,
): Promise<void> {
  const blocks = await all(
    pack.map(async ({ digest, file, index }): Promise<UploadBlock> => {
      const data = await file.block(index, context);
      return { digest, data };
    }),
  );
  await remote.upload(blocks, context);
  progress(pack.reduce((sum, { size }) => sum + size, 0));
}

async function lacking(
  remote: Pick<Remote, 'missing'>,
  window: readonly BlockPlace[],
  context: Context,
): Promise<BlockPlace[]> {
  const unique = [...new Map(window.map((place) => [place.digest, place])).values()];
  const bytes = unique.reduce((sum, { size }) => sum + size, 0);
  if (bytes <= UNASKED && unique.every(({ file, index }) => file.isOwn(index))) return unique;
  const missing = await remote.missing(
    unique.map(({ digest }) => digest),
    context,
  );
  const lacks = new Set(missing);
  return unique.filter(({ digest }) => lacks.has(digest));
}

/** The blocks of all contents, a few thousand at a time. */
function* windows(uploads: readonly Upload[]): Generator<BlockPlace[]> {
  let window: BlockPlace[] = [];
  for (const { file, manifest } of uploads) {
    for (const { digest, start, end } of manifest.digests.runs()) {
      const left = manifest.size - start * BLOCK_SIZE;
      const [size, run] = [Math.min(BLOCK_SIZE, left), Math.min((end - start) * BLOCK_SIZE, left)];
      window.push({ digest: Buffer.from(digest).toString('hex'), file, index: start, size, run });
      if (window.length < WINDOW) continue;
      yield window;
      window = [];
    }
  }
  if (window.length > 0) yield window;
}

function* packsOf(places: readonly BlockPlace[]): Generator<BlockPlace[]> {
  let pack: BlockPlace[] = [];
  let bytes = 0;
  for (const place of places) {
    if (pack.length === MAX_BATCH_BLOCKS || bytes + place.size > MAX_BATCH_BYTES) {
      yield pack;
      pack = [];
      bytes = 0;
    }
    pack.push(place);
    bytes += place.size;
  }
  if (pack.length > 0) yield pack;
}

/** Waits for all of them; throws the first failure when none is running any more. */
async function all<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  const results = await Promise.allSettled(promises);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
