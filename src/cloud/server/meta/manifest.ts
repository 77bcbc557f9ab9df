import { DigestList } from '../../../vfs/digest-list.ts';
import { DIGEST_SIZE, BLOCK_SIZE } from '../../../vfs/block.ts';
import { Refusal } from '../refusal.ts';

/** What a new version consists of. */
export interface Content {
  readonly size: number;
  readonly hash: string;
  readonly manifest: DigestList;
  /** Hex, each once. */
  readonly digests: readonly string[];
  /** Of another version, by reference: nothing was uploaded for it. */
  readonly copied: boolean;
}

/** The manifest of a content of `size` bytes, as it is sent and stored. @throws bad_request */
export function manifestOf(bytes: Uint8Array, size: number): DigestList {
  const list = DigestList.from(bytes, Math.ceil(size / BLOCK_SIZE));
  if (list === undefined) throw new Refusal('bad_request', 'the number of blocks does not fit the size');
  return list;
}

/** Digests of 32 bytes each, hex, in order. @throws bad_request */
export function splitDigests(digests: Uint8Array): string[] {
  if (digests.length % DIGEST_SIZE !== 0) throw new Refusal('bad_request', 'digests have 32 bytes each');
  const hex = Buffer.from(digests.buffer, digests.byteOffset, digests.length).toString('hex');
  return Array.from({ length: digests.length / DIGEST_SIZE }, (_, index) =>
    hex.slice(index * DIGEST_SIZE * 2, (index + 1) * DIGEST_SIZE * 2),
  );
}

export function distinct(digests: readonly string[]): string[] {
  return digests.length < 2 ? [...digests] : [...new Set(digests)];
}
