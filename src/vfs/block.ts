import { createHash, webcrypto } from 'node:crypto';

/** Content is cut into blocks of so many bytes, the last one shorter; the cloud's API has the same number. */
export const BLOCK_SIZE = 1024 * 1024;
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

/** Up to so many bytes a digest takes less time on the calling thread than the way to another one and back. */
const SMALL = 64 * 1024;

/** SHA-256, raw; of much data computed in libuv's pool. The bytes are copied, or done with, before this returns. */
export async function digestOf(data: Uint8Array): Promise<Uint8Array> {
  if (data.length <= SMALL) return createHash('sha256').update(data).digest();
  return new Uint8Array(await webcrypto.subtle.digest('SHA-256', data));
}

/** The hash of a content, hex, from its blocks' raw digests. */
export function contentHash(digests: Uint8Array): string {
  return createHash('sha256').update(digests).digest('hex');
}

/** One block's raw digest out of a manifest. */
export function digestAt(digests: Uint8Array, index: number): Uint8Array {
  return digests.subarray(index * DIGEST_SIZE, (index + 1) * DIGEST_SIZE);
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
