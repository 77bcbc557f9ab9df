import { fstatSync, read } from 'node:fs';
import { promisify } from 'node:util';
import { background, type Awaitable } from '../vfs/context.ts';
import type { OpenFile } from './inode.ts';

const readAt = promisify(read);
const STEP = 1 << 20;
const PAGE = 4096;

/**
 * A file that was lent empty became a copy of another one by reference; what its writer has written after that is only in
 * the file that was lent. It is written over the copy, page by page, without the zeros around it.
 */
export function carryOver({ loan, copied, handle }: OpenFile): Awaitable<void> {
  if (loan === undefined || copied === undefined) return;
  const { size } = fstatSync(loan.fd);
  if (size > 0) return carry(loan.fd, size, async (data, at) => handle.write(data, at, background));
}

async function carry(fd: number, size: number, put: (data: Buffer, at: number) => Promise<void>): Promise<void> {
  const buffer = Buffer.allocUnsafe(STEP);
  for (let at = 0; at < size; at += STEP) {
    const { bytesRead } = await readAt(fd, buffer, 0, STEP, at);
    for (let page = 0; page < bytesRead; page += PAGE) {
      const [start, end] = trimmed(buffer, page, Math.min(page + PAGE, bytesRead));
      if (start < end) await put(buffer.subarray(start, end), at + start);
    }
  }
}

function trimmed(buffer: Buffer, start: number, end: number): [start: number, end: number] {
  while (start < end && buffer[start] === 0) start++;
  while (start < end && buffer[end - 1] === 0) end--;
  return [start, end];
}
