import { createHash, webcrypto } from 'node:crypto';

/** Bytes per block of content; only the last block is shorter. Part of the cloud's API. */
export const BLOCK_SIZE = 1024 * 1024;
/** Most bytes in a file: its list of digests, at most 128 MiB, must fit into one request. */
export const MAX_SIZE = 4 * 1024 ** 4;
/** Raw bytes in one digest. */
export const DIGEST_SIZE = 32;

/** The number of blocks in a content of `size` bytes; 0 for an empty one. */
export function blockCount(size: number): number {
  return Math.ceil(size / BLOCK_SIZE);
}

/** Bytes in one block of a content of `size` bytes. */
export function blockLength(size: number, index: number): number {
  return Math.max(0, Math.min(BLOCK_SIZE, size - index * BLOCK_SIZE));
}

/** A place in an open file where a block is to be written, instead of being kept in memory. */
export interface BlockFile {
  readonly fd: number;
  readonly position: number;
  /** To be called once, when nothing can be written there any more. */
  release(): void;
}

const ZEROS = Buffer.alloc(BLOCK_SIZE);
const DIGEST_OF_ZEROS = Buffer.from('30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58', 'hex');

/** A shared block of zeros: must not be modified. */
export function zeros(length: number): Uint8Array {
  return ZEROS.subarray(0, length);
}

/** The digest of `length` zeros: of each block of a hole. */
export function zeroDigest(length: number): Uint8Array {
  if (length === BLOCK_SIZE) return DIGEST_OF_ZEROS;
  return createHash('sha256').update(ZEROS.subarray(0, length)).digest();
}

/** True if all bytes are zero; for at most one block. */
export function isZeros(data: Uint8Array): boolean {
  return sameBytes(data, ZEROS.subarray(0, data.length));
}

/** Up to this many bytes, hashing on the calling thread is faster than passing the data to another thread and back. */
const SMALL = 64 * 1024;

/** SHA-256, raw; large inputs are hashed in libuv's pool. The input may be modified as soon as this returns. */
export async function digestOf(data: Uint8Array): Promise<Uint8Array> {
  if (data.length <= SMALL) return createHash('sha256').update(data).digest();
  if (data.length === BLOCK_SIZE && isZeros(data)) return DIGEST_OF_ZEROS;
  return new Uint8Array(await webcrypto.subtle.digest('SHA-256', data));
}

/** The hash of a content, hex, from its blocks' raw digests. */
export function contentHash(digests: Uint8Array): string {
  return createHash('sha256').update(digests).digest('hex');
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
