import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const PER_FOLDER = 100;

/**
 * Writes files of these sizes, all with different content, a hundred per folder. Resolves to their total size in bytes.
 */
export async function writeFiles(dir: string, count: number, size: (i: number) => number): Promise<number> {
  let total = 0;
  for (let i = 0; i < count; i++) {
    const folder = join(dir, `folder-${String(Math.floor(i / PER_FOLDER)).padStart(4, '0')}`);
    if (i % PER_FOLDER === 0) await mkdir(folder, { recursive: true });
    const data = randomBytes(size(i));
    total += data.length;
    await writeFile(join(folder, `file-${String(i).padStart(6, '0')}.bin`), data);
  }
  return total;
}
