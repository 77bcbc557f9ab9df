import { hash } from 'node:crypto';
import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { encodeNewFiles, MAX_NEW_FILES, NEW_FILES_HEAD } from '../cloud/new-files.ts';
import type { PosixRecord, XattrRecord } from '../cloud/records.ts';
import { newId } from '../vfs/ids.ts';
import { compareUtf8 } from '../cache/db/table.ts';
import { identityOf, isSame, type Describer } from './describer.ts';
import { Exclusions } from './exclusions.ts';
import { rowsOf } from './index-rows.ts';
import { isUnusual } from './listing.ts';
import { markOf, type Mirrored } from './mirrored.ts';
import { posixRecord } from './posix-text.ts';
import type { SourceAttributes } from './source-entry.ts';
import { entryPath, type SourcePath, type SourcePaths } from './source-paths.ts';

/** Files up to this size, in bytes, are sent many at a time; the cloud keeps larger blocks as files of their own. */
const SMALL = 64 * 1024;
/** Bytes of the contents of one batch. */
const CONTENTS = 8 * 1024 * 1024;
/** Memory for a batch; nearly all texts have room in it. */
const MEMORY = CONTENTS + 1024 * 1024;
/** Most pieces of memory that wait to be used again. */
const SPARE = 4;
/** Bytes of extended attributes in one batch. */
const XATTRS = 1024 * 1024;
/** The unit of `st_blocks` in bytes. */
const SECTOR = 512;
/** Ms after which what was found so far is returned, so that a slow disk can be told from one that does not answer. */
const TURN = 200;
const EMPTY_HASH = hash('sha256', new Uint8Array(0));

/** A folder of the source of which the mirror has nothing. */
export interface NewFolder {
  /** Of its node. */
  readonly id: string;
  /** Relative to the source; '' for the source itself. */
  readonly path: string;
}

/** What of a folder is to be mirrored one by one: names, or all that it has if they are absent. */
export interface LeftInFolder {
  readonly folder: NewFolder;
  readonly names?: readonly string[] | undefined;
}

/** New files that are ready to be sent. */
export interface NewFilesBatch {
  readonly id: string;
  /** The request. */
  readonly body: Uint8Array<ArrayBuffer>;
  readonly count: number;
  /** Of their contents. */
  readonly bytes: number;
  /** Contents that are not empty, each once. */
  readonly blocks: number;
  readonly folders: readonly NewFolder[];
  /** Ids of their nodes. */
  readonly nodes: readonly string[];
  /** Rows of the index for when they are made: keys and values (JSON) in turns. */
  readonly rows: readonly string[];
}

export interface NewFilesFound {
  /** Absent unless it is full, or was asked for as it is. */
  readonly batch: NewFilesBatch | undefined;
  readonly left: readonly LeftInFolder[];
  /** Number of files and their bytes that were added to a batch by this request. */
  readonly files: number;
  readonly bytes: number;
  /** Whether all folders are done with. */
  readonly idle: boolean;
}

/** A folder that is being read. */
interface Reading {
  readonly folder: NewFolder;
  readonly names: readonly string[];
  next: number;
  readonly left: string[];
}

/**
 * Reads the small files of new folders, and makes of each what the cloud and the index need, so that nothing has to be done for
 * a file on another thread. All that is not an ordinary small file is left to the caller, and so is a file that cannot be read
 * or was changed meanwhile.
 */
export class NewFileReader {
  readonly #paths: SourcePaths;
  readonly #describer: Describer;
  #exclusions: Exclusions | undefined;
  readonly #spare: ArrayBuffer[] = [];
  readonly #queue: NewFolder[] = [];
  #reading: Reading | undefined;
  #batch: Batch | undefined;

  constructor(paths: SourcePaths, describer: Describer) {
    this.#paths = paths;
    this.#describer = describer;
  }

  /** Reads on until a batch is full, nothing is left or some time has passed. @param memory of batches that were sent */
  next(request: NewFilesRequest): NewFilesFound {
    const pieces = request.memory.filter(({ byteLength }) => byteLength === MEMORY);
    this.#spare.push(...pieces.slice(0, SPARE - this.#spare.length));
    this.#queue.push(...request.folders);
    this.#exclusions ??= new Exclusions(request.exclude);
    const left: LeftInFolder[] = [];
    const end = performance.now() + TURN;
    const before = { files: this.#batch?.count ?? 0, bytes: this.#batch?.bytes ?? 0 };
    let full = false;
    while (!full && performance.now() < end) {
      this.#reading ??= this.#openNext(left);
      if (this.#reading === undefined) break;
      full = this.#read(this.#reading, request, left);
    }
    const idle = this.#reading === undefined && this.#queue.length === 0;
    const batch = this.#batch;
    const found = { files: (batch?.count ?? 0) - before.files, bytes: (batch?.bytes ?? 0) - before.bytes, left, idle };
    if (batch === undefined || !(full || (idle && request.rest))) return { ...found, batch: undefined };
    this.#batch = undefined;
    return { ...found, batch: batch.count === 0 ? undefined : batch.finish(request) };
  }

  #openNext(left: LeftInFolder[]): Reading | undefined {
    for (let folder = this.#queue.shift(); folder !== undefined; folder = this.#queue.shift()) {
      try {
        const reading = this.#paths.use(folder.path, (path) => open(folder, path));
        if (reading !== undefined) return reading;
      } catch {
        // Whoever lists it in the ordinary way meets the error again, and says so.
      }
      left.push({ folder });
    }
    return undefined;
  }

  /** Adds files of a folder to the batch. Returns whether that is full. */
  #read(reading: Reading, { space }: NewFilesRequest, left: LeftInFolder[]): boolean {
    const batch = (this.#batch ??= new Batch(space, this.#spare.pop()));
    const { folder } = reading;
    const before = batch.count;
    let [full, unchanged] = [false, true];
    try {
      unchanged = this.#paths.use(folder.path, (path) => {
        const mark = identityOf(lstatSync(path, { bigint: true }));
        full = this.#readFrom(reading, path, batch);
        const now = identityOf(lstatSync(path, { bigint: true }));
        return mark.inode === now.inode && mark.disk === now.disk;
      });
    } catch {
      unchanged = false;
    }
    if (unchanged && reading.next < reading.names.length) return full;
    this.#reading = undefined;
    if (unchanged && reading.left.length > 0) left.push({ folder, names: reading.left });
    if (unchanged) return full;
    // Another folder has taken its place, or it is gone.
    batch.truncate(before);
    left.push({ folder, names: reading.names });
    return false;
  }

  #readFrom(reading: Reading, path: SourcePath, batch: Batch): boolean {
    const { folder, names, left } = reading;
    const base = folder.path === '' ? '' : `${folder.path}/`;
    batch.enter(folder);
    while (reading.next < names.length) {
      if (batch.isFull) return true;
      const name = names[reading.next++] as string;
      if (this.#exclusions?.excludes(base + name, false) === true) continue;
      if (!this.#readFile(name, path, batch)) left.push(name);
    }
    return false;
  }

  /** Whether it was an ordinary small file that did not change. */
  #readFile(name: string, folder: SourcePath, batch: Batch): boolean {
    let fd: number | undefined;
    try {
      const path = entryPath(folder, name);
      if (!lstatSync(path).isFile()) return false;
      fd = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
      const stats = fstatSync(fd, { bigint: true });
      const size = Number(stats.size);
      if (!stats.isFile() || size > SMALL || Number(stats.blocks) * SECTOR < size) return false;
      const content = batch.memoryFor(size);
      // One byte more than it should have would not be missed either: the times tell.
      for (let at = 0; at < size;) {
        const count = readSync(fd, content, at, size - at, at);
        if (count === 0) return false;
        at += count;
      }
      const attrs = { ...this.#describer.attributes(stats), ...this.#describer.ofFile(fd) };
      if (attrs.fault !== undefined || !isSame(fstatSync(fd, { bigint: true }), stats)) return false;
      batch.add(name, content, attrs);
      return true;
    } catch {
      return false;
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }
}

export interface NewFilesRequest {
  readonly folders: readonly NewFolder[];
  readonly space: string;
  /** Of the index. */
  readonly half: string;
  /** Once nothing is left, what there is makes a batch. */
  readonly rest: boolean;
  /** Patterns of what is left out; the same in all requests. */
  readonly exclude: readonly string[];
  readonly memory: readonly ArrayBuffer[];
}

/** Undefined if its names are not all ordinary ones. */
function open(folder: NewFolder, path: SourcePath): Reading | undefined {
  const names = readdirSync(path, 'utf8');
  if (typeof path !== 'string' || names.some(isUnusual)) return undefined;
  return { folder, names: names.sort(compareUtf8), next: 0, left: [] };
}

/** What is said of new files while they are collected: a list for each field. */
class Batch {
  readonly #space: string;
  readonly #memory: Uint8Array<ArrayBuffer>;
  readonly #folders: NewFolder[] = [];
  readonly #nodes: Mirrored[] = [];
  readonly #folder: number[] = [];
  readonly #digests: string[] = [];
  #end = NEW_FILES_HEAD;
  #xattrs = 0;

  constructor(space: string, memory: ArrayBuffer = new ArrayBuffer(MEMORY)) {
    this.#space = space;
    this.#memory = new Uint8Array(memory);
  }

  get count(): number {
    return this.#nodes.length;
  }

  get bytes(): number {
    return this.#end - NEW_FILES_HEAD;
  }

  get isFull(): boolean {
    return this.count === MAX_NEW_FILES || this.bytes + SMALL > CONTENTS || this.#xattrs > XATTRS;
  }

  /** Files that are added from now on are in this folder. */
  enter(folder: NewFolder): void {
    if (this.#folders.at(-1)?.id !== folder.id) this.#folders.push(folder);
  }

  /** Where the next content goes. */
  memoryFor(size: number): Uint8Array<ArrayBuffer> {
    return this.#memory.subarray(this.#end, this.#end + size);
  }

  add(name: string, content: Uint8Array, attrs: SourceAttributes): void {
    const { mode, mtime, birthtime, posix, xattrs } = attrs;
    const parent = (this.#folders.at(-1) as NewFolder).id;
    const [id, version] = [newId(Date.now()), newId(Date.now())];
    const digest = content.length === 0 ? '' : hash('sha256', content);
    const hashed = digest === '' ? EMPTY_HASH : hash('sha256', Buffer.from(digest, 'hex'));
    const has = xattrs !== undefined && Object.keys(xattrs).length > 0;
    const look = { mode, mtime, birthtime, posix, ...(has ? { xattrs } : {}) };
    const source = markOf(attrs);
    this.#nodes.push({ id, parent, name, kind: 'file', ...look, size: content.length, version, hash: hashed, source });
    this.#folder.push(this.#folders.length - 1);
    this.#digests.push(digest);
    this.#end += content.length;
    if (has) this.#xattrs += JSON.stringify(xattrs).length;
  }

  /** Keeps only the first files. */
  truncate(count: number): void {
    for (const { size } of this.#nodes.splice(count)) this.#end -= size;
    this.#folder.length = count;
    this.#digests.length = count;
  }

  finish({ half }: NewFilesRequest): NewFilesBatch {
    const id = newId(Date.now());
    const nodes = this.#nodes;
    const xattrs: Record<string, XattrRecord> = {};
    for (const [i, node] of nodes.entries()) if (node.xattrs !== undefined) xattrs[i] = node.xattrs;
    const body = encodeNewFiles(this.#memory, this.#end, {
      id,
      space: this.#space,
      folders: this.#folders.map((folder) => folder.id),
      folder: this.#folder,
      node: nodes.map((node) => node.id),
      version: nodes.map(({ version }) => version ?? ''),
      name: nodes.map(({ name }) => name),
      mode: nodes.map(({ mode }) => mode),
      mtime: nodes.map(({ mtime }) => mtime),
      birthtime: nodes.map(({ birthtime }) => birthtime),
      size: nodes.map(({ size }) => size),
      posix: nodes.map(({ posix = '' }): PosixRecord => posixRecord(posix)),
      xattrs,
      digests: Buffer.from(this.#digests.join(''), 'hex').toString('base64'),
    });
    const rows: string[] = [];
    for (const node of nodes) for (const [key, value] of rowsOf(node, half)) rows.push(key, JSON.stringify(value));
    const ids = nodes.map((node) => node.id);
    const blocks = new Set(this.#digests).size - (this.#digests.includes('') ? 1 : 0);
    return { id, body, count: this.count, bytes: this.bytes, blocks, folders: this.#folders, nodes: ids, rows };
  }
}
