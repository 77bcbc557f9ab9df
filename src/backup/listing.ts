import { lstatSync, opendirSync, readdirSync, readlinkSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { compareUtf8 } from '../cache/db/table.ts';
import { checkName } from '../vfs/name.ts';
import { attrsOf, type SourceProblem, type SourceEntry } from './source-entry.ts';

/** Entries per page. */
const PAGE = 1000;
/** Longest target of a symlink that the cloud accepts, bytes. */
const LONGEST_TARGET = 4095;

export interface ListingPage {
  /** In the order of their names' UTF-8 bytes. */
  readonly entries: readonly SourceEntry[];
  /** Their paths are the names. */
  readonly problems: readonly SourceProblem[];
  /** The last name of the page, mirrored or not; undefined on the last page. */
  readonly next: string | undefined;
}

/** Keeps the names of folders of which some pages are yet to be requested. */
export class Listings {
  readonly #names = new Map<string, string[]>();

  /** The first page of a folder, or the one after the page that ended with `after`. @throws errors of node:fs */
  page(folder: string, after: string | undefined): ListingPage {
    const names = (after === undefined ? undefined : this.#names.get(folder)) ?? readNames(folder);
    const from = after === undefined ? 0 : firstAfter(names, after);
    const slice = names.slice(from, from + PAGE);
    const more = from + PAGE < names.length;
    if (more) this.#names.set(folder, names);
    else this.#names.delete(folder);
    const problems: SourceProblem[] = [];
    const entries = slice.flatMap((name) => readEntry(folder, name, problems));
    return { entries, problems, next: more ? slice.at(-1) : undefined };
  }
}

/** What is at some names of a folder; undefined if the folder is not there. @throws errors of node:fs */
export function readSome(folder: string, names: readonly string[]): ListingPage | undefined {
  if (lstatSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return undefined;
  const problems: SourceProblem[] = [];
  const entries = [...names].sort(compareUtf8).flatMap((name) => readEntry(folder, name, problems));
  return { entries, problems, next: undefined };
}

export function isEmpty(folder: string): boolean {
  const open = opendirSync(folder);
  try {
    return open.readSync() === null;
  } finally {
    open.closeSync();
  }
}

function readNames(folder: string): string[] {
  const names = readdirSync(folder);
  // The replacement character means that a name is not UTF-8, or really contains it; only its bytes can tell.
  const checked = names.some((name) => name.includes('\ufffd')) ? namesFromBytes(folder) : names;
  return checked.sort(compareUtf8);
}

/** Reads the names as bytes, and marks those that are not UTF-8 with a leading NUL, which no name contains. */
function namesFromBytes(folder: string): string[] {
  return readdirSync(folder, { encoding: 'buffer' }).map((bytes) => {
    const name = bytes.toString('utf8');
    return Buffer.from(name).equals(bytes) ? name : `\0${name}`;
  });
}

function firstAfter(names: readonly string[], after: string): number {
  const found = names.findIndex((name) => compareUtf8(name, after) > 0);
  return found < 0 ? names.length : found;
}

function readEntry(folder: string, name: string, problems: SourceProblem[]): SourceEntry[] {
  try {
    if (name.startsWith('\0')) throw new Error('the name is not valid UTF-8; rename it to have it mirrored');
    checkName(name, 'backup');
    const path = join(folder, name);
    const stats = lstatSync(path, { bigint: true });
    const entry = entryOf(path, name, stats);
    if (entry) return [entry];
    problems.push({ path: name, reason: 'a socket, pipe or device has no content to keep', skipped: true });
  } catch (error) {
    // It was removed after the folder was read, so it is treated as absent.
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
      problems.push({ path: name.replaceAll('\0', ''), reason: reasonOf(error) });
    }
  }
  return [];
}

function entryOf(path: string, name: string, stats: BigIntStats): SourceEntry | undefined {
  const attrs = attrsOf(stats);
  if (stats.isFile()) return { name, kind: 'file', size: Number(stats.size), ...attrs };
  if (stats.isDirectory()) return { name, kind: 'folder', size: 0, ...attrs };
  if (!stats.isSymbolicLink()) return undefined;
  const target = readlinkSync(path);
  if (Buffer.byteLength(target) > LONGEST_TARGET)
    throw new Error('the target of the symbolic link is too long to be mirrored');
  return { name, kind: 'symlink', size: 0, target, ...attrs };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
