import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { hashOf } from './ledger.ts';

/** What a program sees below a folder: path → kind, mode, size, time and content. */
export type Shown = ReadonlyMap<string, string>;

/** @param content whether to read the files, and not only their attributes */
export async function shownBelow(root: string, content: boolean): Promise<Shown> {
  const shown = new Map<string, string>();
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    shown.set(path.slice(root.length + 1), await describe(path, content));
  }
  return shown;
}

async function describe(path: string, content: boolean): Promise<string> {
  const { mode, size, mtimeMs } = await lstat(path);
  const octal = mode.toString(8);
  if ((mode & 0o170000) === 0o120000) return `${octal} -> ${await readlink(path)}`;
  if ((mode & 0o170000) === 0o040000) return octal;
  const bytes = content ? hashOf(await readFile(path)) : '';
  return `${octal} ${size} ${Math.floor(mtimeMs)} ${bytes}`;
}

/** The paths that differ, and how; at most twenty. */
export function differences(one: Shown, other: Shown): string[] {
  const paths = new Set([...one.keys(), ...other.keys()]);
  const different = [...paths].filter((path) => one.get(path) !== other.get(path));
  return different.slice(0, 20).map((path) => `${path}: ${one.get(path) ?? 'absent'} | ${other.get(path) ?? 'absent'}`);
}

/** The hashes of the files in the rescue folder of a gateway. */
export async function rescuedBy(data: string): Promise<Set<string>> {
  const found = new Set<string>();
  const root = join(data, 'gateway/rescue');
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true }).catch(() => [])) {
    if (entry.isFile()) found.add(hashOf(await readFile(join(entry.parentPath, entry.name))));
  }
  return found;
}
