import { DigestList } from '../../../vfs/digest-list.ts';
import { DIGEST_SIZE, BLOCK_SIZE } from '../../../vfs/block.ts';
import { Refusal } from '../refusal.ts';

/** The content of a new version. */
export interface Content {
  readonly size: number;
  readonly hash: string;
  readonly manifest: DigestList;
  /** Hex, each once. */
  readonly digests: readonly string[];
  /** Whether the content is copied by reference from another version, without an upload. */
  readonly copied: boolean;
}

/** Parses the manifest of a file of `size` bytes from its form on the wire and in the database. @throws bad_request */
export function manifestOf(bytes: Uint8Array, size: number): DigestList {
  const list = DigestList.from(bytes, Math.ceil(size / BLOCK_SIZE));
  if (list === undefined) throw new Refusal('bad_request', 'the number of blocks does not fit the size');
  return list;
}

/** Digests of 32 bytes each, hex, in order. @throws bad_request */
export function splitDigests(digests: Uint8Array): string[] {
  if (digests.length % DIGEST_SIZE !== 0) throw new Refusal('bad_request', 'each digest must have 32 bytes');
  const hex = Buffer.from(digests.buffer, digests.byteOffset, digests.length).toString('hex');
  return Array.from({ length: digests.length / DIGEST_SIZE }, (_, index) =>
    hex.slice(index * DIGEST_SIZE * 2, (index + 1) * DIGEST_SIZE * 2),
  );
}

export function distinct(digests: readonly string[]): string[] {
  return digests.length < 2 ? [...digests] : [...new Set(digests)];
}
