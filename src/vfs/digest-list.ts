import { createHash, hash, type Hash } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';

/** Raw bytes of one SHA-256. */
const SIZE = 32;
/** An encoded run: the number of blocks, 32 bits big-endian, then their digest. */
const RUN = 4 + SIZE;
/** Bytes hashed in one turn of the event loop. */
const TURN = 4 * 1024 * 1024;

/** Blocks from `start` up to but not including `end` that have the same digest. */
export interface DigestRun {
  readonly digest: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/**
 * The SHA-256 of each block of a content, in order. Consecutive equal digests are stored once, so that a hole of any
 * size costs a few bytes. Immutable.
 */
export class DigestList {
  /** The number of blocks. */
  readonly count: number;
  /** One raw digest for each run. */
  readonly #digests: Uint8Array;
  /** Where each run ends; absent if every run is of one block. */
  readonly #ends: Uint32Array | undefined;
  #hash: Promise<string> | undefined;

  private constructor(count: number, digests: Uint8Array, ends: Uint32Array | undefined) {
    this.count = count;
    this.#digests = digests;
    this.#ends = ends;
  }

  /** Decodes what `toBytes` returned for a list of `count` blocks; `undefined` if `bytes` encode another number. */
  static from(bytes: Uint8Array, count: number): DigestList | undefined {
    if (bytes.length === count * SIZE) return new DigestList(count, bytes, undefined);
    if (bytes.length > count * SIZE || bytes.length % RUN !== 0) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const digests = new Uint8Array((bytes.length / RUN) * SIZE);
    const ends = new Uint32Array(bytes.length / RUN);
    let end = 0;
    for (let run = 0; run < ends.length; run++) {
      const length = view.getUint32(run * RUN);
      end += length;
      if (length === 0 || end > count) return undefined;
      ends[run] = end;
      digests.set(bytes.subarray(run * RUN + 4, (run + 1) * RUN), run * SIZE);
    }
    return end === count ? new DigestList(count, digests, ends) : undefined;
  }

  /** A list of consecutive runs, the first starting at 0. Adjacent runs with the same digest are joined. */
  static ofRuns(runs: Iterable<Pick<DigestRun, 'digest' | 'end'>>): DigestList {
    let digests = Buffer.alloc(4 * SIZE);
    const ends: number[] = [];
    for (const { digest, end } of runs) {
      const at = ends.length * SIZE;
      if (at > 0 && digests.compare(digest, 0, SIZE, at - SIZE, at) === 0) {
        ends[ends.length - 1] = end;
        continue;
      }
      if (at === digests.length) digests = Buffer.concat([digests, Buffer.alloc(at)]);
      digests.set(digest, at);
      ends.push(end);
    }
    const count = ends.at(-1) ?? 0;
    const own = new Uint8Array(digests.subarray(0, ends.length * SIZE));
    return new DigestList(count, own, ends.length === count ? undefined : Uint32Array.from(ends));
  }

  /** The number of runs. */
  get length(): number {
    return this.#digests.length / SIZE;
  }

  /** The digest of a block; `index` must be below `count`. */
  at(index: number): Uint8Array {
    return this.#digest(this.#find(index));
  }

  /** The runs that contain blocks from `from` on; the first is cut off before that. */
  *runs(from = 0): Generator<DigestRun> {
    if (from >= this.count) return;
    for (let run = this.#find(from), start = from; run < this.length; run++) {
      const end = this.#ends === undefined ? run + 1 : (this.#ends[run] as number);
      yield { digest: this.#digest(run), start, end };
      start = end;
    }
  }

  /** In hex, without duplicates, in the order of first appearance. */
  distinct(): string[] {
    if (this.length === 1) return [hexOf(this.#digests)];
    const found = new Set<string>();
    for (const { digest } of this.runs()) found.add(hexOf(digest));
    return [...found];
  }

  /** The hash of the content, hex: the SHA-256 of all digests, independent of how they are stored. */
  hash(): Promise<string> {
    return (this.#hash ??= this.#computeHash());
  }

  /**
   * The shorter of two encodings: all digests, 32 bytes each, or the runs, 36 bytes each. The length tells which one it
   * is.
   */
  toBytes(): Uint8Array {
    if (this.length * RUN < this.count * SIZE) return this.#packed();
    if (this.#ends === undefined) return this.#digests;
    const bytes = Buffer.allocUnsafeSlow(this.count * SIZE);
    for (const { digest, start, end } of this.runs()) bytes.fill(digest, start * SIZE, end * SIZE);
    return bytes;
  }

  #packed(): Uint8Array {
    const bytes = Buffer.allocUnsafeSlow(this.length * RUN);
    let at = 0;
    for (const { digest, start, end } of this.runs()) {
      bytes.writeUInt32BE(end - start, at);
      bytes.set(digest, at + 4);
      at += RUN;
    }
    return bytes;
  }

  async #computeHash(): Promise<string> {
    if (this.#ends === undefined && this.#digests.length <= TURN) return hash('sha256', this.#digests);
    const whole = createHash('sha256');
    if (this.#ends === undefined) await updateInTurns(whole, this.#digests);
    else for (const run of this.runs()) await updateWithRun(whole, run);
    return whole.digest('hex');
  }

  #digest(run: number): Uint8Array {
    return this.#digests.subarray(run * SIZE, (run + 1) * SIZE);
  }

  /** The run in which a block lies. */
  #find(index: number): number {
    if (this.#ends === undefined) return index;
    let [low, high] = [0, this.#ends.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#ends[middle] as number) > index) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

export function hexOf(digest: Uint8Array): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.length).toString('hex');
}

async function updateInTurns(hash: Hash, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += TURN) {
    if (at > 0) await setImmediate();
    hash.update(bytes.subarray(at, at + TURN));
  }
}

async function updateWithRun(hash: Hash, { digest, start, end }: DigestRun): Promise<void> {
  const bytes = Buffer.alloc(Math.min(TURN, (end - start) * SIZE), digest);
  for (let left = (end - start) * SIZE; left > 0; left -= bytes.length) {
    hash.update(bytes.subarray(0, left));
    if (left > TURN) await setImmediate();
  }
}
