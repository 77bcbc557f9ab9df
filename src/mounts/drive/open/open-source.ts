import type { StagedFile } from '../../../cache/content/content.ts';
import type { Entry } from '../../../cache/tree/entry.ts';
import type { Awaitable } from '../../../vfs/context.ts';
import { type Source, type SourceParts, openSource, sourceKey } from './source.ts';

/** A content that stays readable, whatever happens to the node. */
export interface Pinned {
  /** To be released. */
  readonly source: Source;
  readonly entry: Entry;
}

/** What an open file is read from now: opened when it is needed, another one when the content is another. */
export class OpenSource {
  readonly #parts: SourceParts;
  readonly #entry: () => Entry;
  #source: Source | undefined;

  constructor(parts: SourceParts, entry: () => Entry) {
    this.#parts = parts;
    this.#entry = entry;
  }

  get(): Awaitable<Source> {
    const entry = this.#entry();
    const key = sourceKey(entry);
    if (this.#source?.key === key) return this.#source;
    const opened = openSource(this.#parts, entry);
    if (opened instanceof Promise) return opened.then((source) => this.adopt(source));
    return this.adopt(opened);
  }

  /** Of two that were opened concurrently the first is kept. */
  adopt(source: Source): Source {
    if (this.#source?.key === source.key) return this.#source;
    this.#source?.retire();
    this.#source = source;
    return source;
  }

  /** The content as it is now, held for the caller, and the entry that it belongs to. */
  pin(): Awaitable<Pinned> {
    const entry = this.#entry();
    const source = this.get();
    if (source instanceof Promise) return source.then((source) => this.#pin(source) ?? this.pin());
    source.hold();
    return { source, entry };
  }

  /** The staged file that is open with this id, if it is. */
  stagedFile(id: string): StagedFile | undefined {
    return this.#source?.key === id ? this.#source.staged : undefined;
  }

  close(): void {
    this.#source?.retire();
    this.#source = undefined;
  }

  /** `undefined` if the content was replaced while it was being opened. */
  #pin(source: Source): Pinned | undefined {
    const entry = this.#entry();
    if (source.key !== sourceKey(entry) || source.isClosed) return undefined;
    source.hold();
    return { source, entry };
  }
}
