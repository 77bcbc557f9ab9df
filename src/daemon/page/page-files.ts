import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import mime from 'mime';

export interface PageFile {
  readonly type: string;
  readonly bytes: Buffer;
}

/** The built files of the status page in memory, by their paths below `/`. @throws ENOENT if it was not built */
export async function readPageFiles(folder: string): Promise<ReadonlyMap<string, PageFile>> {
  const files = new Map<string, PageFile>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const type = mime.getType(path) ?? 'application/octet-stream';
    files.set(path.slice(folder.length).replaceAll('\\', '/'), { type, bytes: await readFile(path) });
  }
  return files;
}
