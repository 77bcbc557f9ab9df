import { unlinkSync } from 'node:fs';
import { unlink } from 'node:fs/promises';

/** The name of a file of so many bytes goes in less time than another thread needs to hear of it. */
const SMALL = 1024 * 1024;

/** Removes a name; one that is not there is no error. `size` is that of the file, if it is known. @throws what `node:fs` throws */
export async function removeFile(path: string, size = Infinity): Promise<void> {
  try {
    if (size <= SMALL) unlinkSync(path);
    else await unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
