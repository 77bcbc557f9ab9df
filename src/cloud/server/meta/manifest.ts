import { DIGEST_SIZE } from '../../../vfs/block.ts';
import { Refusal } from '../refusal.ts';

/** What a new version consists of. */
export interface Content {
  readonly size: number;
  readonly hash: string;
  readonly manifest: Uint8Array;
  /** Hex, each once. */
  readonly digests: readonly string[];
}

/** The digests of a manifest, hex, in order. @throws bad_request */
export function splitManifest(manifest: Uint8Array): string[] {
  if (manifest.length % DIGEST_SIZE !== 0) throw new Refusal('bad_request', 'digests have 32 bytes each');
  const hex = Buffer.from(manifest.buffer, manifest.byteOffset, manifest.length).toString('hex');
  return Array.from({ length: manifest.length / DIGEST_SIZE }, (_, index) =>
    hex.slice(index * DIGEST_SIZE * 2, (index + 1) * DIGEST_SIZE * 2),
  );
}

export function distinct(digests: readonly string[]): string[] {
  return digests.length < 2 ? [...digests] : [...new Set(digests)];
}
