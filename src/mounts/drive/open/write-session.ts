import type { StagedFile } from '../../../cache/content/content.ts';
import type { Entry } from '../../../cache/tree/entry.ts';

/** Changes of the times during a session. */
export interface Amendment {
  readonly mtime?: number | undefined;
  readonly ctime: number;
}

type Unwritten = Pick<Entry, 'size' | 'mtime' | 'ctime' | 'version'>;

/** Writing into one staged file, from a first write until it is flushed. */
export class WriteSession {
  readonly file: StagedFile;
  /** Versions of the session are this and a count. */
  readonly #id: string;
  #count = 0;
  /** What the catalog does not show yet. */
  #unwritten: Unwritten | undefined;

  constructor(file: StagedFile, id: string) {
    this.file = file;
    this.#id = id;
  }

  /** Names the bytes as they are now. */
  get version(): string {
    return `${this.#id}.${this.#count}`;
  }

  /** The node's entry from the catalog with unrecorded writes applied. */
  overlay(entry: Entry): Entry {
    return this.#unwritten === undefined || entry.staged !== this.file.id ? entry : { ...entry, ...this.#unwritten };
  }

  /** `since` is the current ctime, below which the new one does not go. */
  wrote(size: number, at: number, since: number): void {
    this.#count++;
    const ctime = Math.max(at, since, this.#unwritten?.ctime ?? at);
    this.#unwritten = { size, mtime: at, ctime, version: this.version };
  }

  /** Begun without a change: the attributes are what they were. */
  resume({ size, mtime, ctime }: Pick<Entry, 'size' | 'mtime' | 'ctime'>): void {
    this.#unwritten ??= { size, mtime, ctime, version: this.version };
  }

  /** Attributes of the entry were changed at `ctime`, the time perhaps among them. */
  amend({ mtime, ctime }: Amendment): void {
    if (this.#unwritten === undefined) return;
    this.#unwritten = { ...this.#unwritten, ctime, ...(mtime === undefined ? {} : { mtime }) };
  }
}
