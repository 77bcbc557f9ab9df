import type { Content, ContentStore, Readable, StagedFile, Staging } from '../../../cache/content/content.ts';
import type { Entry } from '../../../cache/tree/entry.ts';
import type { Extent } from '../../../vfs/extent.ts';
import type { Borrowed } from '../../../cache/disk/file-pool.ts';
import type { Awaitable, Context } from '../../../vfs/context.ts';
import { FsError } from '../../../vfs/fs-error.ts';

/** What bytes come from. */
type Origin = Readable & { close?(): void; openBacking?(write: boolean): Borrowed | undefined };

/** Where an open file's bytes are read from: what is staged here, or the cloud's content through the store. */
export class Source {
  /** Which bytes these are; see `sourceKey`. */
  readonly key: string;
  /** Present if the bytes are staged here. */
  readonly staged: StagedFile | undefined;
  readonly #from: Origin;
  #users = 0;
  #retired = false;

  constructor(key: string, from: Origin, staged?: StagedFile) {
    this.key = key;
    this.#from = from;
    this.staged = staged;
  }

  static of(staged: StagedFile): Source {
    return new Source(staged.id, staged, staged);
  }

  read(into: Uint8Array, position: number, context: Context): Awaitable<number> {
    this.#users++;
    let read: Awaitable<number>;
    try {
      read = this.#from.read(into, position, context);
    } catch (error) {
      this.release();
      throw error;
    }
    if (typeof read !== 'number') return read.finally(() => this.release());
    this.release();
    return read;
  }

  /** The first stretch of data at a position or behind it. */
  async data(position: number, context: Context): Promise<Extent | undefined> {
    this.#users++;
    try {
      return await this.#from.data(position, context);
    } finally {
      this.release();
    }
  }

  /** The file that has all of the bytes, if there is one, to be read directly. Must be released. */
  openBacking(write: boolean): Borrowed | undefined {
    return this.#from.openBacking?.(write);
  }

  /** True once nothing can be read any more. */
  get isClosed(): boolean {
    return this.#retired && this.#users === 0;
  }

  /** Keeps it open until `release`, even after `retire`. */
  hold(): void {
    this.#users++;
  }

  release(): void {
    this.#users--;
    if (this.#retired && this.#users === 0) this.#from.close?.();
  }

  /** Closes it after the last current read and the last `release`. */
  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    if (this.#users === 0) this.#from.close?.();
  }
}

const nothing: Readable = { size: 0, read: () => 0, data: async () => undefined };

/** Opens the bytes of entries. */
export class Sources {
  readonly #staging: Staging;
  readonly #store: ContentStore;

  constructor(staging: Staging, store: ContentStore) {
    this.#staging = staging;
    this.#store = store;
  }

  /** At once, unless the bytes are staged. @throws EIO */
  open(entry: Entry): Awaitable<Source> {
    if (entry.staged !== undefined) return this.#staging.open(entry.staged).then((staged) => Source.of(staged));
    const key = sourceKey(entry);
    const content = contentOf(entry);
    if (content !== undefined) return new Source(key, this.#store.open(content));
    if (entry.size === 0) return new Source(key, nothing);
    throw new FsError('EIO', 'open', { subject: entry.name, reason: 'its content is neither here nor in the cloud' });
  }
}

/** What an open file is read from now: opened when it is needed, another one when the content is another. */
export class CurrentSource {
  readonly #sources: Sources;
  #source: Source | undefined;
  /** An entry that `#source` has the bytes of. */
  #entry: Entry | undefined;

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  /** The source of the entry's bytes. */
  get(entry: Entry): Awaitable<Source> {
    if (this.#entry === entry && this.#source !== undefined) return this.#source;
    if (this.#source?.key === sourceKey(entry)) {
      this.#entry = entry;
      return this.#source;
    }
    const opened = this.#sources.open(entry);
    if (opened instanceof Promise) return opened.then((source) => this.adopt(source));
    return this.adopt(opened);
  }

  /** Of two that were opened concurrently the first is kept. */
  adopt(source: Source): Source {
    if (this.#source?.key === source.key) return this.#source;
    this.close();
    this.#source = source;
    return source;
  }

  /** The staged file that is open with this id, if it is. */
  stagedFile(id: string): StagedFile | undefined {
    return this.#source?.key === id ? this.#source.staged : undefined;
  }

  close(): void {
    this.#source?.retire();
    this.#source = undefined;
    this.#entry = undefined;
  }
}

/** Names the bytes of an entry: equal keys, equal bytes (of a staged file: the same file, which may grow). */
export function sourceKey({ staged, hash }: Entry): string {
  return staged === undefined ? `#${hash ?? ''}` : staged;
}

/** What the cloud has of an entry; `undefined` while it has not these bytes. */
export function contentOf({ hash, size, remote }: Entry): Content | undefined {
  return hash === undefined || remote === undefined ? undefined : { hash, size, version: remote };
}

/** See `FileHandle.seek`. */
export async function seek(
  source: Pick<Source, 'data'>,
  size: number,
  what: 'data' | 'hole',
  position: number,
  context: Context,
): Promise<number | undefined> {
  if (position >= size) return undefined;
  let at = position;
  for (;;) {
    const found = at < size ? await source.data(at, context) : undefined;
    if (what === 'data') return found !== undefined && found.start < size ? found.start : undefined;
    if (found === undefined || found.start > at) return Math.min(at, size);
    at = found.end;
  }
}
