import { createHash, webcrypto } from 'node:crypto';

/** Content is cut into blocks of so many bytes, the last one shorter; the cloud's API has the same number. */
export const BLOCK_SIZE = 1024 * 1024;
/** Most bytes of a file: its list of digests, at most 128 MiB, has to fit into one request. */
export const MAX_SIZE = 4 * 1024 ** 4;
/** Raw bytes of one digest. */
export const DIGEST_SIZE = 32;

/** How many blocks a content of `size` bytes has; an empty one has none. */
export function blockCount(size: number): number {
  return Math.ceil(size / BLOCK_SIZE);
}

/** Bytes in one block of a content of `size` bytes. */
export function blockLength(size: number, index: number): number {
  return Math.max(0, Math.min(BLOCK_SIZE, size - index * BLOCK_SIZE));
}

const ZEROS = Buffer.alloc(BLOCK_SIZE);
const DIGEST_OF_ZEROS = Buffer.from('30e14955ebf1352266dc2ff8067e68104607e750abb9d3b36582b8af909fcb58', 'hex');

/** A block of zeros, shared by all: not to be changed. */
export function zeros(length: number): Uint8Array {
  return ZEROS.subarray(0, length);
}

/** The digest of a block of zeros: of each block of a hole. */
export function zeroDigest(length: number): Uint8Array {
  if (length === BLOCK_SIZE) return DIGEST_OF_ZEROS;
  return createHash('sha256').update(ZEROS.subarray(0, length)).digest();
}

/** True for at most one block of zeros. */
export function isZeros(data: Uint8Array): boolean {
  return sameBytes(data, ZEROS.subarray(0, data.length));
}

/** Up to so many bytes a digest takes less time on the calling thread than the way to another one and back. */
const SMALL = 64 * 1024;

/** SHA-256, raw; of much data computed in libuv's pool. The bytes are copied, or done with, before this returns. */
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
