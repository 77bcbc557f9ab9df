import type { Content, ContentStore, Readable, StagedFile, Staging } from '../../../cache/content/content.ts';
import type { Entry } from '../../../cache/tree/entry.ts';
import type { Borrowed } from '../../../cache/disk/file-pool.ts';
import type { Awaitable, Context } from '../../../vfs/context.ts';
import { FsError } from '../../../vfs/fs-error.ts';

/** What bytes come from. */
type Origin = Readable & { close?(): void; lend?(write: boolean): Borrowed | undefined };

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

  /** The file that has all of the bytes, if there is one, to be read directly. Must be released. */
  lend(write: boolean): Borrowed | undefined {
    return this.#from.lend?.(write);
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

const nothing: Readable = { size: 0, read: () => 0 };

/** Names the bytes of an entry: equal keys, equal bytes (of a staged file: the same file, which may grow). */
export function sourceKey({ staged, hash }: Entry): string {
  return staged === undefined ? `#${hash ?? ''}` : staged;
}

/** What the cloud has of an entry; `undefined` while it has not these bytes. */
export function contentOf({ hash, size, remote }: Entry): Content | undefined {
  return hash === undefined || remote === undefined ? undefined : { hash, size, version: remote };
}

/** Opens the bytes of an entry. At once, unless they are staged. @throws EIO */
export function openSource(parts: SourceParts, entry: Entry): Awaitable<Source> {
  const key = sourceKey(entry);
  if (entry.staged !== undefined) {
    return parts.staging.open(entry.staged).then((staged) => new Source(key, staged, staged));
  }
  const content = contentOf(entry);
  if (content !== undefined) return new Source(key, parts.store.open(content));
  if (entry.size === 0) return new Source(key, nothing);
  throw new FsError('EIO', 'open', { subject: entry.name, reason: 'its content is neither here nor in the cloud' });
}

export interface SourceParts {
  readonly staging: Staging;
  readonly store: ContentStore;
}
