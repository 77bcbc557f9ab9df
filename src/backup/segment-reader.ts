import { createHash, type Hash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync, type BigIntStats } from 'node:fs';
import { attrsOf, signatureOf } from './source-entry.ts';

/** Most blocks in one segment, few enough that their digests and files stay a small message. */
const SEGMENT_BLOCKS = 500;

/** Bytes. They are told to the thread, which would need longer to load the schemas beside which they stand. */
export interface SegmentLimits {
  readonly block: number;
  readonly segment: number;
}

/** A file to read. `token` is the asker's name for it. */
export interface ReadRequest {
  readonly token: number;
  readonly path: string;
}

export interface SegmentBlock {
  /** SHA-256, hex */
  readonly digest: string;
  readonly data: Uint8Array<ArrayBuffer>;
}

/** How the reading of one file ended; `attrs` and the content are of one and the same moment. */
export type ReadOutcome =
  | {
      readonly token: number;
      readonly state: 'read';
      readonly size: number;
      readonly hash: string;
      /** Raw, 32 bytes for each block. */
      readonly digests: Uint8Array<ArrayBuffer>;
      readonly attrs: ReturnType<typeof attrsOf>;
    }
  /** It was written meanwhile. */
  | { readonly token: number; readonly state: 'changed' }
  | { readonly token: number; readonly state: 'failed'; readonly code: string | undefined; readonly reason: string };

/** Up to 8 MiB of the content of files: of one in part, or of many. */
export interface Segment {
  readonly blocks: SegmentBlock[];
  /** The files that end in this segment; their other blocks came in earlier ones. */
  readonly outcomes: ReadOutcome[];
  /** Nothing is left to read. */
  readonly idle: boolean;
}

interface OpenFile {
  readonly token: number;
  readonly fd: number;
  readonly stats: BigIntStats;
  readonly digests: Buffer[];
  readonly hash: Hash;
  at: number;
}

/** Reads files one after the other, block by block, and packs what it reads. Every file is read once, never whole. */
export class SegmentReader {
  readonly #queue: ReadRequest[] = [];
  #head = 0;
  #open: OpenFile | undefined;
  readonly #limits: SegmentLimits;

  constructor(limits: SegmentLimits) {
    this.#limits = limits;
  }

  add(requests: readonly ReadRequest[]): void {
    for (const request of requests) this.#queue.push(request);
  }

  next(): Segment {
    const blocks: SegmentBlock[] = [];
    const outcomes: ReadOutcome[] = [];
    for (
      let bytes = 0;
      bytes <= this.#limits.segment - this.#limits.block && blocks.length + outcomes.length < SEGMENT_BLOCKS;
    ) {
      const file = (this.#open ??= this.#openNext(outcomes));
      if (!file) break;
      const block = this.#step(file, outcomes);
      if (!block) continue;
      blocks.push(block);
      bytes += block.data.length;
    }
    return { blocks, outcomes, idle: this.#open === undefined && this.#head === this.#queue.length };
  }

  /** The next block of the file; undefined when it has ended, one way or another. */
  #step(file: OpenFile, outcomes: ReadOutcome[]): SegmentBlock | undefined {
    try {
      const block = readBlock(file, this.#limits.block);
      if (block) return block;
      outcomes.push(finish(file));
    } catch (error) {
      outcomes.push(failed(file.token, error));
    }
    closeSync(file.fd);
    this.#open = undefined;
    return undefined;
  }

  #openNext(outcomes: ReadOutcome[]): OpenFile | undefined {
    while (this.#head < this.#queue.length) {
      const { token, path } = this.#queue[this.#head++] as ReadRequest;
      if (this.#head > 1000) this.#head -= this.#queue.splice(0, this.#head).length;
      try {
        const file = openFile(token, path);
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
function openFile(token: number, path: string): OpenFile | undefined {
  const fd = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  const stats = fstatSync(fd, { bigint: true });
  if (stats.isFile()) return { token, fd, stats, digests: [], hash: createHash('sha256'), at: 0 };
  closeSync(fd);
  return undefined;
}

function readBlock(file: OpenFile, longest: number): SegmentBlock | undefined {
  const wanted = Math.min(longest, Number(file.stats.size) - file.at);
  if (wanted <= 0) return undefined;
  const data = new Uint8Array(wanted);
  let filled = 0;
  while (filled < wanted) {
    const count = readSync(file.fd, data, filled, wanted - filled, file.at + filled);
    if (count === 0) return undefined;
    filled += count;
  }
  file.at += wanted;
  const digest = createHash('sha256').update(data).digest();
  file.digests.push(digest);
  file.hash.update(digest);
  return { digest: digest.toString('hex'), data };
}

function finish({ token, fd, stats, digests, hash, at }: OpenFile): ReadOutcome {
  const same = signatureOf(fstatSync(fd, { bigint: true })) === signatureOf(stats);
  if (!same || at !== Number(stats.size)) return { token, state: 'changed' };
  const raw = new Uint8Array(Buffer.concat(digests));
  return { token, state: 'read', size: at, hash: hash.digest('hex'), digests: raw, attrs: attrsOf(stats) };
}

function failed(token: number, error: unknown): ReadOutcome {
  const { code } = error as NodeJS.ErrnoException;
  return { token, state: 'failed', code, reason: error instanceof Error ? error.message : String(error) };
}
