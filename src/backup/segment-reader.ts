import { createHash, hash, type Hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, type BigIntStats } from 'node:fs';
import { DataMap } from '../libc/data-map.ts';
import type { Extent } from '../vfs/extent.ts';
import { zeroDigest } from '../vfs/block.ts';
import { DigestList, type DigestRun } from '../vfs/digest-list.ts';
import { wordsOf } from '../vfs/words-of.ts';
import { isSame, type Describer } from './describer.ts';
import { Recheck } from './recheck.ts';
import type { SourceAttributes } from './source-entry.ts';
import type { RawForms, SourcePath, SourcePaths } from './source-paths.ts';

/** Most blocks, and most files, in one segment: as many as the cloud takes in one request. */
const SEGMENT_BLOCKS = 1000;

/** Blocks up to this size share memory, as each piece of it costs the collectors of both threads; bytes. */
const SMALL_BLOCK = 64 * 1024;
/** Size of the memory that they share, bytes; a whole block takes as much. */
const PIECE = 1024 * 1024;
/** Most pieces that wait to be used again: those of the segments that are under way. */
const SPARE = 32;

/** Digests of a hole that are hashed in one step. */
const HASHED = 4096;

/** The unit of `st_blocks` in bytes. */
const SECTOR = 512;

/** Limits in bytes. They are passed to the thread, because loading the module that defines them would take it long. */
export interface SegmentLimits {
  readonly block: number;
  readonly segment: number;
}

/** A file to read. `token` is the caller's id for it. */
export interface ReadRequest {
  readonly token: number;
  /** Relative to the source folder, names in their readable form. */
  readonly path: string;
  /** It was written while it was read before: it is taken as it was at a moment in between, if two readings find that. */
  readonly again?: boolean | undefined;
}

export interface SegmentBlock {
  /** SHA-256, hex */
  readonly digest: string;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** The result of reading a file. `attrs` and the content belong to the same moment. */
export type ReadOutcome =
  | {
      readonly token: number;
      readonly state: 'read';
      readonly size: number;
      readonly hash: string;
      /** As `DigestList.toBytes` writes them, base64: as memory of its own it would cost more than the file's other parts. */
      readonly digests: string;
      readonly attrs: SourceAttributes;
    }
  /** The file was written while it was read. */
  | { readonly token: number; readonly state: 'changed' }
  | { readonly token: number; readonly state: 'failed'; readonly code: string | undefined; readonly reason: string };

/**
 * Up to 8 MiB of content: a part of one file, or many files. Of the zero blocks in a file's holes, each length is
 * included once.
 */
export interface Segment {
  readonly blocks: SegmentBlock[];
  /** The files that end in this segment; their earlier blocks were in previous segments. */
  readonly outcomes: ReadOutcome[];
  /** Whether nothing is left to read. */
  readonly idle: boolean;
}

/** Memory for the blocks of one segment, which is handed over with them. */
class SegmentMemory {
  readonly #spare: ArrayBuffer[];
  #rest = new Uint8Array(0);

  /** @param spare pieces that may be used; their content does not matter */
  constructor(spare: ArrayBuffer[]) {
    this.#spare = spare;
  }

  take(length: number): Uint8Array<ArrayBuffer> {
    if (length === PIECE) return this.#piece();
    if (length > SMALL_BLOCK) return new Uint8Array(length);
    if (this.#rest.length < length) this.#rest = this.#piece();
    const taken = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return taken;
  }

  #piece(): Uint8Array<ArrayBuffer> {
    const piece = this.#spare.pop();
    return piece ? new Uint8Array(piece) : new Uint8Array(PIECE);
  }
}

interface SegmentFile {
  readonly token: number;
  readonly again: boolean;
  readonly fd: number;
  readonly stats: BigIntStats;
  readonly raw: RawForms;
  readonly runs: Pick<DigestRun, 'digest' | 'end'>[];
  /** Of the digests so far; absent while there is one at most. */
  hash: Hash | undefined;
  /** Absent if the file has no holes. */
  readonly map: DataMap | undefined;
  /** The stretch of data that `at` is in or that follows it, if `at` is not behind it. */
  data: Extent;
  /** A whole block of zeros was passed on. */
  hasZeros: boolean;
  /** Number of bytes that have been processed. */
  at: number;
  recheck: Recheck | undefined;
}

/**
 * Reads files one after another, block by block, and packs the blocks into segments. No file is ever in memory as a
 * whole; holes are not read.
 */
export class SegmentReader {
  /** Created for the first file with holes. */
  #map: DataMap | undefined;
  readonly #queue: ReadRequest[] = [];
  readonly #spare: ArrayBuffer[] = [];
  #head = 0;
  #open: SegmentFile | undefined;
  readonly #limits: SegmentLimits;
  readonly #paths: SourcePaths;
  readonly #describer: Describer;

  constructor(limits: SegmentLimits, paths: SourcePaths, describer: Describer) {
    this.#limits = limits;
    this.#paths = paths;
    this.#describer = describer;
  }

  add(requests: readonly ReadRequest[]): void {
    for (const request of requests) this.#queue.push(request);
  }

  /** @param memory of blocks of earlier segments, which is used again: fresh memory makes V8 collect its whole heap often */
  next(memory: readonly ArrayBuffer[] = []): Segment {
    const pieces = memory.filter(({ byteLength }) => byteLength === PIECE);
    this.#spare.push(...pieces.slice(0, SPARE - this.#spare.length));
    return this.#next(new SegmentMemory(this.#spare));
  }

  #next(memory: SegmentMemory): Segment {
    const blocks: SegmentBlock[] = [];
    const outcomes: ReadOutcome[] = [];
    for (
      let bytes = 0;
      bytes <= this.#limits.segment - this.#limits.block && Math.max(blocks.length, outcomes.length) < SEGMENT_BLOCKS;
    ) {
      const file = (this.#open ??= this.#openNext(outcomes));
      if (!file) break;
      bytes += this.#step(file, memory, blocks, outcomes);
    }
    return { blocks, outcomes, idle: this.#open === undefined && this.#head === this.#queue.length };
  }

  /** Reads or checks the next block of the file; returns its length, 0 when the file has ended, one way or another. */
  #step(file: SegmentFile, memory: SegmentMemory, blocks: SegmentBlock[], outcomes: ReadOutcome[]): number {
    const { block: longest } = this.#limits;
    try {
      const block = file.recheck ? undefined : (skipHole(file, longest) ?? readBlock(file, longest, memory));
      if (block) return blocks.push(block) && block.data.length;
      file.recheck ??= needsRecheck(file) ? new Recheck({ ...file, size: file.at, block: longest }) : undefined;
      const checked = file.recheck?.step() ?? 0;
      if (checked > 0) return checked;
      outcomes.push(finish(file, this.#describer));
    } catch (error) {
      outcomes.push(failed(file.token, error));
    }
    closeSync(file.fd);
    this.#open = undefined;
    return 0;
  }

  #openNext(outcomes: ReadOutcome[]): SegmentFile | undefined {
    while (this.#head < this.#queue.length) {
      const request = this.#queue[this.#head++] as ReadRequest;
      const { token, path } = request;
      if (this.#head > 1000) this.#head -= this.#queue.splice(0, this.#head).length;
      try {
        const map = () => (this.#map ??= new DataMap());
        const file = this.#paths.use(path, (place, raw) => openFile(request, place, raw, map));
        if (file) return file;
        outcomes.push({ token, state: 'changed' });
      } catch (error) {
        outcomes.push(failed(token, error));
      }
    }
    return undefined;
  }
}

/** Undefined if it is no file any more. Never follows a link, never waits for the writer of a pipe. */
function openFile(
  { token, again = false }: ReadRequest,
  path: SourcePath,
  raw: RawForms,
  map: () => DataMap,
): SegmentFile | undefined {
  const fd = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  const stats = fstatSync(fd, { bigint: true });
  if (!stats.isFile()) {
    closeSync(fd);
    return undefined;
  }
  const sparse = Number(stats.blocks) * SECTOR < Number(stats.size) ? map() : undefined;
  const progress = { runs: [], hash: undefined, data: { start: 0, end: 0 }, hasZeros: false, at: 0 };
  return { token, again, fd, stats, raw, map: sparse, recheck: undefined, ...progress };
}

/** Passes over the whole blocks of a hole; returns a block of zeros that was not passed on before, if there is one. */
function skipHole(file: SegmentFile, longest: number): SegmentBlock | undefined {
  const length = Math.min(longest, Number(file.stats.size) - file.at);
  const count = length > 0 ? Math.floor((nextData(file) - file.at) / length) : 0;
  if (count <= 0) return undefined;
  const digest = zeroDigest(length);
  add(file, digest, count, length);
  if (length === longest && file.hasZeros) return skipHole(file, longest);
  file.hasZeros ||= length === longest;
  return { digest: Buffer.from(digest).toString('hex'), data: new Uint8Array(length) };
}

/** Where the next data is; the size of the file if none follows. */
function nextData(file: SegmentFile): number {
  if (file.map === undefined) return file.at;
  if (file.at >= file.data.end) {
    const end = Number(file.stats.size);
    const [data] = file.map.data(file.fd, { start: file.at, end });
    file.data = data ?? { start: end, end };
  }
  return file.data.start;
}

/** `count` blocks of `length` bytes, all with this digest, are done with. */
function add(file: SegmentFile, digest: Uint8Array, count: number, length: number): void {
  file.at += count * length;
  const [first] = file.runs;
  file.runs.push({ digest, end: (file.runs.at(-1)?.end ?? 0) + count });
  if (first === undefined && count === 1) return;
  file.hash ??= createHash('sha256').update(first?.digest ?? '');
  const some = count === 1 ? digest : Buffer.alloc(Math.min(count, HASHED) * digest.length, digest);
  for (let left = count; left > 0; left -= HASHED) file.hash.update(some.subarray(0, left * digest.length));
}

function readBlock(file: SegmentFile, longest: number, memory: SegmentMemory): SegmentBlock | undefined {
  const wanted = Math.min(longest, Number(file.stats.size) - file.at);
  if (wanted <= 0) return undefined;
  const data = memory.take(wanted);
  let filled = 0;
  while (filled < wanted) {
    const count = readSync(file.fd, data, filled, wanted - filled, file.at + filled);
    if (count === 0) return undefined;
    filled += count;
  }
  const digest = hash('sha256', data);
  // As this shares memory with others, it costs the collector less than what `hash` would make.
  add(file, Buffer.from(digest, 'hex'), 1, wanted);
  return { digest, data };
}

function hasChanged({ fd, stats }: SegmentFile): boolean {
  return !isSame(fstatSync(fd, { bigint: true }), stats);
}

/** Not for a file with holes: reading those again could take for ever. */
function needsRecheck(file: SegmentFile): boolean {
  return file.again && file.map === undefined && file.at === Number(file.stats.size) && hasChanged(file);
}

function finish(file: SegmentFile, describer: Describer): ReadOutcome {
  const { token, fd, stats, raw, at, recheck } = file;
  const attrs = { ...describer.attributes(stats, raw), ...describer.ofFile(fd) };
  const isWhole = at === Number(stats.size) && (recheck?.isEqual ?? !hasChanged(file));
  if (!isWhole) return { token, state: 'changed' };
  return { token, state: 'read', size: at, ...contentOf(file), attrs };
}

function contentOf({ runs, hash: digested }: SegmentFile): { hash: string; digests: string } {
  const [first] = runs;
  // Most files have one block.
  if (!digested && first) return { hash: hash('sha256', first.digest), digests: base64Of(first.digest) };
  const digests = base64Of(DigestList.ofRuns(runs).toBytes());
  return { hash: (digested ?? createHash('sha256')).digest('hex'), digests };
}

function base64Of({ buffer, byteOffset, byteLength }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

function failed(token: number, error: unknown): ReadOutcome {
  const { code } = error as NodeJS.ErrnoException;
  return { token, state: 'failed', code, reason: wordsOf(error) };
}
