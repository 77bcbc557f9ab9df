import { lstatSync, opendirSync, readdirSync, readlinkSync, type BigIntStats } from 'node:fs';
import { compareUtf8 } from '../cache/db/table.ts';
import { volumeUuid } from '../libc/volume-uuid.ts';
import { NAME_MAX, PATH_MAX } from '../vfs/name.ts';
import { isCoded, readableName } from '../vfs/raw-name.ts';
import { wordsOf } from '../vfs/words-of.ts';
import { identityOf, type Describer } from './describer.ts';
import type { SourceEntry, SourceProblem } from './source-entry.ts';
import { entryPath, type SourcePath, type SourcePaths } from './source-paths.ts';

/** Entries per page. */
const PAGE = 1000;

/** By what a folder is known again while it is read. */
export type FolderMark = Pick<SourceEntry, 'inode' | 'disk'>;

export interface ListingPage {
  /** The folder itself, both before and after its entries were looked at. */
  readonly folder: FolderMark;
  /** In the order of their names' UTF-8 bytes. */
  readonly entries: readonly SourceEntry[];
  /** Their paths are the names. */
  readonly problems: readonly SourceProblem[];
  /** The last name of the page, mirrored or not; undefined on the last page. */
  readonly next: string | undefined;
}

/** Names of a folder in their readable form, and the bytes of those that have another. */
interface Names {
  readonly forms: string[];
  readonly raw: ReadonlyMap<string, Buffer>;
}

interface Wanted {
  readonly name: string;
  readonly raw: Buffer | undefined;
  /** With the extended attributes of a file. */
  readonly whole: boolean;
}

/** Lists folders of one source. Keeps the names of those of which some pages are still to come. */
export class Listings {
  readonly #paths: SourcePaths;
  readonly #describer: Describer;
  readonly #names = new Map<string, Names>();

  constructor(paths: SourcePaths, describer: Describer) {
    this.#paths = paths;
    this.#describer = describer;
  }

  /**
   * The first page of a folder, or the one after the page that ended with `after`. @throws errors of node:fs
   * @param whole with the extended attributes of files
   */
  page(folder: string, after: string | undefined, whole = false): ListingPage {
    return this.#paths.use(folder, (path) => {
      const names = (after === undefined ? undefined : this.#names.get(folder)) ?? readNames(path);
      const { forms, raw } = names;
      const from = after === undefined ? 0 : firstAfter(forms, after);
      const slice = forms.slice(from, from + PAGE);
      const more = from + PAGE < forms.length;
      if (more) this.#names.set(folder, names);
      else this.#names.delete(folder);
      return { ...this.#entries(path, slice, raw, whole), next: more ? slice.at(-1) : undefined };
    });
  }

  /** What is at some names of a folder; undefined if the folder is not there. @throws errors of node:fs */
  some(folder: string, forms: readonly string[]): ListingPage | undefined {
    return this.#paths.use(folder, (path) => {
      if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) return undefined;
      const raw = forms.some(isCoded) ? readNames(path).raw : NONE;
      return { ...this.#entries(path, [...forms].sort(compareUtf8), raw, false), next: undefined };
    });
  }

  #entries(path: SourcePath, forms: readonly string[], raw: Names['raw'], whole: boolean): Omit<ListingPage, 'next'> {
    const folder = markOf(path);
    const problems: SourceProblem[] = [];
    const entries = forms.flatMap((name) => this.#entry(path, { name, raw: raw.get(name), whole }, problems));
    for (const [at, entry] of entries.entries()) {
      if (entry.kind !== 'folder' || entry.disk === folder.disk) continue;
      entries[at] = { ...entry, mounted: volumeAt(entryPath(path, raw.get(entry.name) ?? entry.name)) };
    }
    if (isSameFolder(folder, markOf(path))) return { folder, entries, problems };
    throw Object.assign(new Error('another folder has taken its place while it was read'), { code: 'ESTALE' });
  }

  #entry(folder: SourcePath, wanted: Wanted, problems: SourceProblem[]): SourceEntry[] {
    const { name, raw, whole } = wanted;
    try {
      const path = entryPath(folder, raw ?? name);
      const stats = lstatSync(path, { bigint: true });
      const entry = this.#read(path, stats, name, raw?.toString('base64'));
      if (entry?.kind === 'file' && whole) return [{ ...entry, ...this.#describer.ofPath(path) }];
      if (entry) return [entry];
      problems.push({ path: name, reason: 'a socket, pipe or device has no content to keep', skipped: true });
    } catch (error) {
      // Gone between the two looks: then it is simply not there.
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) {
        problems.push({ path: name, reason: wordsOf(error) });
      }
    }
    return [];
  }

  #read(path: SourcePath, stats: BigIntStats, name: string, rawName: string | undefined): SourceEntry | undefined {
    if (stats.isFile()) {
      return { name, kind: 'file', size: Number(stats.size), ...this.#describer.attributes(stats, { name: rawName }) };
    }
    const kind = stats.isDirectory() ? 'folder' : 'symlink';
    if (kind === 'symlink' && !stats.isSymbolicLink()) return undefined;
    const { target, raw } = kind === 'symlink' ? readTarget(path) : {};
    const attributes = this.#describer.attributes(stats, { name: rawName, target: raw });
    const entry = { name, kind, size: 0, ...attributes, ...this.#describer.ofPath(path) } as const;
    return target === undefined ? entry : { ...entry, target };
  }
}

const NONE: Names['raw'] = new Map();

function volumeAt(path: SourcePath): string {
  try {
    return volumeUuid(path) ?? '';
  } catch {
    return '';
  }
}

function markOf(path: SourcePath): FolderMark {
  return identityOf(lstatSync(path, { bigint: true }));
}

export function isSameFolder(one: FolderMark, other: FolderMark): boolean {
  return one.inode === other.inode && one.disk === other.disk;
}

export function isEmpty(folder: string): boolean {
  const open = opendirSync(folder);
  try {
    return open.readSync() === null;
  } finally {
    open.closeSync();
  }
}

function readNames(folder: SourcePath): Names {
  const names = readdirSync(folder, 'utf8');
  // Only names that may have another form need a second look, at their bytes.
  if (!names.some(isUnusual)) return { forms: names.sort(compareUtf8), raw: NONE };
  const raw = new Map<string, Buffer>();
  const forms = readdirSync(folder, { encoding: 'buffer' }).map((bytes) => {
    const form = readableName(bytes);
    if (!bytes.equals(Buffer.from(form))) raw.set(form, bytes);
    return form;
  });
  return { forms: forms.sort(compareUtf8), raw };
}

export function isUnusual(name: string): boolean {
  return name.includes('\ufffd') || isCoded(name) || (name.length * 3 > NAME_MAX && Buffer.byteLength(name) > NAME_MAX);
}

function readTarget(path: SourcePath): { target: string; raw?: string } {
  const bytes = readlinkSync(path, { encoding: 'buffer' });
  const target = readableName(bytes, PATH_MAX);
  return bytes.equals(Buffer.from(target)) ? { target } : { target, raw: bytes.toString('base64') };
}

function firstAfter(names: readonly string[], after: string): number {
  const found = names.findIndex((name) => compareUtf8(name, after) > 0);
  return found < 0 ? names.length : found;
}
