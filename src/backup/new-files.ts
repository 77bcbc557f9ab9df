import { splitNewFiles, type NewFiles as Columns } from '../cloud/new-files.ts';
import type { Context } from '../vfs/context.ts';
import { asFsError, type FsError } from '../vfs/fs-error.ts';
import type { BackupIndex } from './backup-index.ts';
import type { Committer } from './committer.ts';
import type { LeftInFolder, NewFilesBatch, NewFilesFound, NewFolder } from './new-file-reader.ts';
import type { SourceThread } from './start-source-thread.ts';
import type { Tally } from './tally.ts';

/** Batches that are sent at the same time; each has up to 9 MiB of memory. */
const LANES = 2;
/** Folders that wait in the thread: their subfolders come before others, so that not a whole level is in memory. */
const FOLDERS = 64;

export interface NewFilesOptions {
  readonly reader: SourceThread;
  readonly committer: Committer;
  readonly index: BackupIndex;
  readonly space: string;
  readonly tally: Tally;
  readonly context: Context;
  /** Patterns of what is left out. */
  readonly exclude: readonly string[];
}

/** What new files are a part of: the walk through folders. */
export interface NewFilesWalk {
  /** Mirrors what is no ordinary small file, one by one. */
  readonly mirror: (left: LeftInFolder) => Promise<void>;
  /** Takes some of the folders that were found by that, the last ones first. */
  readonly take: (most: number) => NewFolder[];
}

/**
 * Fills a mirror in which nothing is yet. The small files are made by many at a time (`NewFileReader`): reading, sending and
 * storing overlap, and nothing on this thread is done for each.
 */
export class NewFiles {
  readonly #options: NewFilesOptions;
  readonly #sending = new Set<Promise<void>>();
  readonly #refused: LeftInFolder[] = [];
  #spare: ArrayBuffer[] = [];
  #failure: FsError | undefined;

  constructor(options: NewFilesOptions) {
    this.#options = options;
  }

  /** Mirrors a folder and all below it. Resolves when its small files are made. @throws as `Remote` */
  async run(top: NewFolder, walk: NewFilesWalk): Promise<void> {
    try {
      let asked = this.#ask([top], false);
      for (let rest = false; ;) {
        const found = await asked;
        // The thread reads on while this is being dealt with.
        const next = found.idle ? undefined : this.#ask([], false);
        next?.catch(() => undefined);
        this.#count(found);
        for (const left of found.left) await walk.mirror(left);
        if (found.batch !== undefined) await this.#send(found.batch);
        const folders = next === undefined ? walk.take(FOLDERS) : [];
        if (next === undefined && folders.length === 0 && rest) break;
        rest = next === undefined && folders.length === 0;
        asked = next ?? this.#ask(folders, rest);
      }
    } finally {
      await Promise.allSettled(this.#sending);
    }
    this.#check();
    for (const left of this.#refused.splice(0)) await walk.mirror(left);
  }

  #ask(folders: readonly NewFolder[], rest: boolean): Promise<NewFilesFound> {
    const { reader, index, space, exclude } = this.#options;
    const memory = this.#spare;
    this.#spare = [];
    return reader.request<NewFilesFound>(
      { ask: 'newFiles', folders, space, half: index.half, rest, exclude, memory },
      memory,
    );
  }

  #count({ files, bytes }: Pick<NewFilesFound, 'files' | 'bytes'>): void {
    const { scanned, total } = this.#options.tally;
    scanned.files += files;
    scanned.bytes += bytes;
    total.files += files;
    total.bytes += bytes;
  }

  /** Resolves when another batch may be sent. */
  async #send(batch: NewFilesBatch): Promise<void> {
    const { tally } = this.#options;
    const sending = this.#make(batch)
      .catch((error: unknown) => void (this.#failure ??= asFsError(error, 'backup')))
      .finally(() => {
        this.#sending.delete(sending);
        if (this.#sending.size === 0) tally.current = undefined;
      });
    this.#sending.add(sending);
    const path = batch.folders.at(-1)?.path;
    if (path !== '') tally.current = path;
    while (this.#sending.size >= LANES) await Promise.race(this.#sending);
    this.#check();
  }

  #check(): void {
    const { signal } = this.#options.context;
    if (signal.aborted) throw asFsError(signal.reason, 'backup');
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #make(batch: NewFilesBatch): Promise<void> {
    const { committer, tally } = this.#options;
    // The folders that the files are in come first.
    await committer.flush();
    const { count, bytes } = batch;
    if (await committer.makeFiles(batch)) {
      tally.read.files += count;
      tally.read.bytes += bytes;
      tally.uploaded.blocks += batch.blocks;
      tally.uploaded.bytes += bytes;
      tally.done.added += count;
      tally.growth += count;
    } else this.#refuse(batch);
    this.#spare.push(batch.body.buffer);
  }

  /** Each file is looked at anew, and counted then. */
  #refuse({ body, folders, count, bytes }: NewFilesBatch): void {
    this.#count({ files: -count, bytes: -bytes });
    const text = splitNewFiles(body)?.text ?? new Uint8Array(0);
    const { folder, name } = JSON.parse(Buffer.from(text).toString()) as Columns;
    for (const [at, one] of folders.entries()) {
      const names = name.filter((_, i) => folder[i] === at);
      if (names.length > 0) this.#refused.push({ folder: one, names });
    }
  }
}
