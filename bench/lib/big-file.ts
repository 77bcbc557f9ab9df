import { randomBytes } from 'node:crypto';
import { open } from 'node:fs/promises';

const BLOCK = 1024 * 1024;

/** Yields the blocks of a big file, all different from each other and from those of other calls. */
export function* bigBlocks(bytes: number): Generator<Buffer> {
  const block = randomBytes(BLOCK);
  for (let at = 0; at < bytes; at += BLOCK) {
    block.writeDoubleLE(at, 0);
    yield Buffer.from(block.subarray(0, Math.min(BLOCK, bytes - at)));
  }
}

export async function writeBig(path: string, bytes: number): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (const block of bigBlocks(bytes)) await file.write(block);
  } finally {
    await file.close();
  }
}
