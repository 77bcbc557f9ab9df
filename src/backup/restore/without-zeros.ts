import { isZeros } from '../../vfs/block.ts';
import type { Extent } from '../../vfs/extent.ts';

/** What file systems allocate at least. */
const PAGE = 4096;

/** The stretches of some data, at most one block, that a file needs to have on the disk: between them are whole pages of zeros. */
export function* withoutZeros(data: Uint8Array): Generator<Extent> {
  let start = 0;
  for (let at = 0; at < data.length; at += PAGE) {
    const end = Math.min(data.length, at + PAGE);
    // The first byte decides almost always.
    if (data[at] !== 0 || !isZeros(data.subarray(at, end))) continue;
    if (start < at) yield { start, end: at };
    start = end;
  }
  if (start < data.length) yield { start, end: data.length };
}
