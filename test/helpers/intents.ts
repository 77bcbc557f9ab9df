import { createHash, randomBytes } from 'node:crypto';
import { BLOCK_SIZE } from '../../src/vfs/block.ts';
import { v7 as newId } from 'uuid';
import type { UploadBlock } from '../../src/cloud/remote.ts';
import type { Intent } from '../../src/cloud/records.ts';

type Of<Op extends Intent['op']> = Extract<Intent, { op: Op }>;

export interface Place {
  readonly space: string;
  readonly parent: string;
  readonly name: string;
}

const born = { mode: 0o644, mtime: 1_700_000_000_123.25, birthtime: 1_600_000_000_000 };

/** A content split into blocks, with its form on the wire. */
export function contentOf(bytes: Uint8Array) {
  const blocks: UploadBlock[] = [];
  for (let at = 0; at < bytes.length; at += BLOCK_SIZE) {
    const data = bytes.subarray(at, at + BLOCK_SIZE);
    blocks.push({ digest: createHash('sha256').update(data).digest('hex'), data });
  }
  const digests = Buffer.from(blocks.map(({ digest }) => digest).join(''), 'hex');
  const hash = createHash('sha256').update(digests).digest('hex');
  return { blocks, digests, hash, wire: { size: bytes.length, blocks: digests.toString('base64') } };
}

export function mkdir(place: Place, more: Partial<Of<'mkdir'>> = {}): Of<'mkdir'> {
  return { op: 'mkdir', id: newId(), node: newId(), ...place, ...born, mode: 0o755, ...more };
}

/** A new file; its blocks must have been uploaded. */
export function put(place: Place, content: Of<'put'>['content'], more: Partial<Of<'put'>> = {}): Of<'put'> {
  return { op: 'put', id: newId(), node: newId(), version: newId(), base: null, ...place, ...born, content, ...more };
}

export function symlink(place: Place, target: string): Of<'symlink'> {
  return { op: 'symlink', id: newId(), node: newId(), ...place, ...born, mode: 0o777, target };
}

export function remove(space: string, node: string, base: string | null, seen: number): Of<'remove'> {
  return { op: 'remove', id: newId(), space, node, base, seen };
}

export function noise(size: number): Buffer {
  return randomBytes(size);
}
