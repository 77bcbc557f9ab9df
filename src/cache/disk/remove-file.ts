import { unlinkSync } from 'node:fs';
import { unlink } from 'node:fs/promises';

/** Largest file in bytes that is removed synchronously, as that takes less time than waking another thread. */
const SMALL = 1024 * 1024;

/**
 * Removes a file; does nothing if there is none. @param size size of the file, if it is known @throws what `node:fs`
 * throws
 */
export async function removeFile(path: string, size = Infinity): Promise<void> {
  try {
    if (size <= SMALL) unlinkSync(path);
    else await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
