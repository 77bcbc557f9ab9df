import type { StagedFile } from '../cache/content.ts';
import type { Entry } from '../cache/entry.ts';
import type { Awaitable, Context } from '../vfs/context.ts';
import type { NodeId } from '../vfs/node.ts';
import type { DriveParts } from './drive-parts.ts';
import { newId } from './new-id.ts';
import { Source, openSource, sourceKey } from './source.ts';
import { finishWriting, promiseWriting, writableFile } from './writing.ts';

/** A stretch of writing into one staged file, from a first write until it is flushed. */
export interface Session {
  readonly file: StagedFile;
  /** Versions of the session are this and a count. */
  readonly id: string;
  count: number;
  /** What the catalog does not show yet. */
  unwritten?: Pick<Entry, 'size' | 'mtime' | 'ctime' | 'version'>;
}

/** A content that stays readable, whatever becomes of the node. */
export interface Pinned {
  /** To be released. */
  readonly source: Source;
  readonly entry: Entry;
}

/**
 * A file that is open here, shared by all handles of its node. Writing goes to a staged file; the first write of a session
 * promises it in the journal, the end of the session writes down size and times. Between the two `overlay` shows them.
 *
 * A file whose entry is gone from the catalog has been removed: it goes on for the handles that are open.
 */
export class OpenFile {
  node: NodeId;
  /** Open handles, and those among them that may write. */
  handles = 0;
  writers = 0;
  readonly #parts: DriveParts;
  /** The entry as the catalog had it last, less what is unwritten. */
  #last: Entry;
  #source: Source | undefined;
  #session: Session | undefined;
  #beginning: Promise<Session> | undefined;
  #freezing: Promise<unknown> | undefined;
  /** Writes under way, and who waits for their end. */
  #busy = 0;
  #idle: (() => void)[] = [];

  constructor(parts: DriveParts, entry: Entry) {
    this.#parts = parts;
    this.#last = entry;
    this.node = entry.id;
  }

  /** The entry, what was written here applied. */
  get entry(): Entry {
    this.#look();
    return this.overlay(this.#last);
  }

  /** The node's entry from the catalog, what is unwritten applied. */
  overlay(entry: Entry): Entry {
    const unwritten = this.#session?.unwritten;
    return unwritten === undefined || entry.staged !== this.#session?.file.id ? entry : { ...entry, ...unwritten };
  }

  /** Somebody set a time while a session goes on. */
  amend(mtime: number): void {
    const session = this.#session;
    if (session?.unwritten !== undefined) session.unwritten = { ...session.unwritten, mtime };
  }

  read(into: Uint8Array, position: number, context: Context): Awaitable<number> {
    const source = this.#readable();
    if (source instanceof Promise) return source.then((source) => source.read(into, position, context));
    return source.read(into, position, context);
  }

  /** The content as it is now, held for the caller, and the entry that it belongs to. */
  pin(): Awaitable<Pinned> {
    const { entry } = this;
    const source = this.#readable();
    if (source instanceof Promise) return source.then((source) => this.#pin(source) ?? this.pin());
    source.hold();
    return { source, entry };
  }

  /** `position` is that of the first byte; `end` for an append. */
  write(data: Uint8Array, position: number | 'end', context: Context): Awaitable<void> {
    if (position === 'end') return this.#change((file) => file.append(data, context));
    return this.#change((file) => file.write(data, position, context));
  }

  truncate(size: number, context: Context): Awaitable<void> {
    if (this.entry.size === size) return;
    return this.#change((file) => file.truncate(size, context), size === 0);
  }

  /** Content and promise are on the disk when answered. */
  async sync(): Promise<void> {
    await this.settled();
    const { staged } = this.entry;
    if (staged !== undefined) await this.#syncStaged(staged);
    void this.flush();
    await this.#parts.writer.write([], { sync: true });
  }

  /** The file was made with an empty staged file whose put is promised as `writing`. */
  begin(session: Session): void {
    this.#session = session;
    this.#adopt(new Source(session.file.id, session.file, session.file));
  }

  /** Ends the session: the catalog and the journal get what was written. Visible at once, answered when it is written. */
  flush(): Promise<void> | undefined {
    this.#look();
    const session = this.#session;
    if (session === undefined || this.#busy > 0) return undefined;
    this.#last = this.overlay(this.#last);
    this.#session = undefined;
    return this.isRemoved ? undefined : this.#record(session.file);
  }

  /** True if the node has lost its name. */
  get isRemoved(): boolean {
    return this.#parts.catalog.get(this.node) === undefined;
  }

  /** Ends the session when the writes under way are done; further ones wait, and then go to a fork. */
  async freeze(seal: () => Promise<StagedFile | undefined>): Promise<StagedFile | undefined> {
    while (this.#freezing !== undefined) await this.#freezing;
    const freezing = this.#freeze(seal);
    this.#freezing = freezing.catch(() => undefined);
    try {
      return await freezing;
    } finally {
      this.#freezing = undefined;
    }
  }

  /** The staged file that is open with this id, if it is. */
  stagedFile(id: string): StagedFile | undefined {
    return this.#source?.key === id ? this.#source.staged : undefined;
  }

  /** The last handle is gone. */
  close(): void {
    void this.flush();
    this.#source?.retire();
    this.#source = undefined;
    const { staged } = this.#last;
    if (staged !== undefined && this.isRemoved) this.#forsake(staged);
  }

  /** Answered when no write is under way. */
  async settled(): Promise<void> {
    while (this.#busy > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  /** True from the first write to the flush. */
  get isWriting(): boolean {
    this.#look();
    return this.#session !== undefined;
  }

  get isBusy(): boolean {
    return this.#busy > 0;
  }

  /** Notices what others did to the entry. */
  #look(): void {
    const known = this.#parts.catalog.get(this.node);
    if (known === undefined || known === this.#last) return;
    if (this.#session !== undefined && known.staged !== this.#session.file.id) this.#session = undefined;
    this.#last = known;
  }

  /** Nothing if the content was replaced while it was opened. */
  #pin(source: Source): Pinned | undefined {
    const { entry } = this;
    if (source.key !== sourceKey(entry) || source.isClosed) return undefined;
    source.hold();
    return { source, entry };
  }

  #readable(): Awaitable<Source> {
    const { entry } = this;
    const key = sourceKey(entry);
    if (this.#source?.key === key) return this.#source;
    const opened = openSource(this.#parts, entry);
    if (opened instanceof Promise) return opened.then((source) => this.#adopt(source));
    return this.#adopt(opened);
  }

  /** Of two that were opened at the same time the first is kept. */
  #adopt(source: Source): Source {
    if (this.#source?.key === source.key) return this.#source;
    this.#source?.retire();
    this.#source = source;
    return source;
  }

  /** Runs one change of the bytes, in a session. */
  #change(run: (file: StagedFile) => Awaitable<void>, fresh = false): Awaitable<void> {
    this.#look();
    const session = this.#session;
    if (session === undefined || this.#freezing !== undefined) return this.#changeLater(run, fresh);
    return this.#run(session, run);
  }

  async #changeLater(run: (file: StagedFile) => Awaitable<void>, fresh: boolean): Promise<void> {
    for (;;) {
      this.#beginning ??= this.#begin(fresh).finally(() => (this.#beginning = undefined));
      const session = await this.#beginning;
      if (this.#session === session && this.#freezing === undefined) return await this.#run(session, run);
    }
  }

  #run(session: Session, run: (file: StagedFile) => Awaitable<void>): Awaitable<void> {
    this.#busy++;
    let done: Awaitable<void>;
    try {
      done = run(session.file);
    } catch (error) {
      this.#ran(session);
      throw error;
    }
    if (done instanceof Promise) return done.finally(() => this.#ran(session));
    this.#ran(session);
  }

  #ran(session: Session): void {
    this.#busy--;
    const at = this.#parts.now();
    const { size } = session.file;
    session.unwritten = { size, mtime: at, ctime: at, version: `${session.id}.${++session.count}` };
    this.#parts.activity.changed(this.node, size);
    if (this.#busy === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  async #begin(fresh: boolean): Promise<Session> {
    for (;;) {
      while (this.#freezing !== undefined) await this.#freezing;
      this.#look();
      if (this.#session !== undefined) return this.#session;
      const before = sourceKey(this.#last);
      const file = await this.#writable(fresh);
      this.#look();
      const valid = this.#freezing === undefined && !file.isSealed && sourceKey(this.#last) === before;
      if (valid && this.#session === undefined) return await this.#start(file, before);
      if (file.id !== before) this.#forsake(file.id);
    }
  }

  async #start(file: StagedFile, before: string): Promise<Session> {
    const id = newId(this.#parts.now());
    const begun = promiseWriting(this.#parts, this.#last, { file, version: `${id}.0` });
    this.#last = begun.entry;
    const written = this.#parts.writer.write(begun.ops);
    const session: Session = { file, id, count: 0 };
    this.#session = session;
    this.#adopt(new Source(file.id, file, file));
    this.#parts.changes.emit({ what: 'node', node: this.node, content: true });
    if (before !== file.id && !before.startsWith('#')) this.#forsake(before);
    await written;
    return session;
  }

  async #writable(fresh: boolean): Promise<StagedFile> {
    const { staged } = this.#last.staged === undefined ? { staged: undefined } : await this.#readable();
    return await writableFile(this.#parts, this.#last, staged, fresh);
  }

  #record(file: StagedFile): Promise<void> {
    const { writer, changes } = this.#parts;
    const written = writer.write(finishWriting(this.#parts, this.#last, file), { lazy: true });
    changes.emit({ what: 'node', node: this.node, content: true });
    return written;
  }

  async #freeze(seal: () => Promise<StagedFile | undefined>): Promise<StagedFile | undefined> {
    await this.settled();
    void this.flush();
    return await seal();
  }

  async #syncStaged(id: string): Promise<void> {
    await (this.stagedFile(id) ?? (await this.#parts.staging.open(id))).sync();
  }

  /** A staged file that this one has no use for any more. */
  #forsake(staged: string): void {
    if (this.#parts.journal.names(staged)) return;
    this.#parts.staging.discard(staged).catch(() => undefined);
  }
}
