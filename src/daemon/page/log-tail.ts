import { open } from 'node:fs/promises';

/** Bytes from the end of the log that are read. */
const TAIL = 64 * 1024;

/** The last lines of a log file, the newest last; none if there is no file. @param most number of lines */
export async function readLogTail(path: string, most: number): Promise<string[]> {
  const file = await open(path).catch(() => undefined);
  if (file === undefined) return [];
  try {
    const { size } = await file.stat();
    const begin = Math.max(0, size - TAIL);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(TAIL, size)), 0, undefined, begin);
    const lines = buffer.subarray(0, bytesRead).toString('utf8').split('\n');
    // The first is cut unless it is the first of the file.
    if (begin > 0) lines.shift();
    return lines.filter((line) => line !== '').slice(-most);
  } finally {
    await file.close();
  }
}
