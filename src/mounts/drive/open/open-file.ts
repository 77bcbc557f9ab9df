import type { StagedFile } from '../../../cache/content/content.ts';
import type { Entry } from '../../../cache/tree/entry.ts';
import type { Awaitable, Context } from '../../../vfs/context.ts';
import type { NodeId } from '../../../vfs/node.ts';
import type { DriveParts } from '../drive-parts.ts';
import { newId } from '../../../vfs/ids.ts';
import { type ContentChange, ContentChanges } from './content-changes.ts';
import { Passthrough } from './passthrough.ts';
import type { BackingFile } from './backing-file.ts';
import { OpenSource, type Pinned } from './open-source.ts';
import { type Amendment, type Seal, Session } from './session.ts';
import { Source, sourceKey } from './source.ts';
import { finishWriting, discardUnused, journalWriting, writableFile } from './writing.ts';

/**
 * A file that is open here, shared by all handles of its node. Writes go to a staged file; the first write of a session
 * adds an intent to the journal, the end of the session records size and times. Between the two `overlay` shows them.
 * A file whose entry is no longer in the catalog has been removed: it remains usable through the handles that are open.
 */
export class OpenFile {
  node: NodeId;
  /** Open handles, and those among them that may write. */
  handles = 0;
  writers = 0;
  readonly #parts: DriveParts;
  /** The entry as it last was in the catalog, without unrecorded writes. */
  #last: Entry;
  readonly #source: OpenSource;
  #session: Session | undefined;
  readonly #changes = new ContentChanges({
    current: () => this.#current(),
    begin: (fresh) => this.#begin(fresh),
    wrote: (session) => this.#written(session, session.file.size, this.#parts.now()),
  });
  readonly #passthrough = new Passthrough(() => this.#measure());

  constructor(parts: DriveParts, entry: Entry) {
    this.#parts = parts;
    this.#last = entry;
    this.#source = new OpenSource(parts, () => this.entry);
    this.node = entry.id;
  }

  /** The entry, what was written here applied. */
  get entry(): Entry {
    this.#look();
    return this.overlay(this.#last);
  }

  /** The node's entry from the catalog with unrecorded writes applied. */
  overlay(entry: Entry): Entry {
    this.#measure();
    return this.#session?.overlay(entry) ?? entry;
  }

  /** Attributes were changed, while a session may go on. */
  amend(change: Amendment): void {
    if (change.mtime !== undefined) this.#direct?.setTime(change.mtime);
    this.#session?.amend(change);
  }

  /**
   * Sees every change that has begun before, even if its call has not resolved yet: a kernel that has sent the bytes of
   * a write may have dropped them from its cache, and would cache what it reads now.
   */
  read(into: Uint8Array, position: number, context: Context): Awaitable<number> {
    return this.#changes.after(() => this.#read(into, position, context));
  }

  #read(into: Uint8Array, position: number, context: Context): Awaitable<number> {
    const source = this.#source.get();
    if (source instanceof Promise) return source.then((source) => source.read(into, position, context));
    return source.read(into, position, context);
  }

  /** The content as it is now, held for the caller, and the entry that it belongs to. */
  pin(): Awaitable<Pinned> {
    return this.#source.pin();
  }

  /** `position` is that of the first byte; `end` for an append. @throws EDQUOT, EFBIG */
  write(data: Uint8Array, position: number | 'end', context: Context): Awaitable<void> {
    const append = position === 'end';
    const size = this.#size;
    this.#parts.room.take(data.length, size, (append ? size : position) + data.length, 'write');
    return this.#change((file) => (append ? file.append(data, context) : file.write(data, position, context)));
  }

  get #size(): number {
    return this.#session?.file.size ?? this.#last.size;
  }

  /** Resolves when no bytes are being written. */
  written(): Awaitable<void> {
    if (this.#changes.any) return this.#changes.over();
  }

  truncate(size: number, context: Context): Awaitable<void> {
    const before = this.entry.size;
    if (before === size) return;
    this.#parts.room.take(0, before, size, 'truncate');
    return this.#change((file) => file.truncate(size, context), size === 0);
  }

  /** Resolves when content and intent are on the disk. */
  async sync(): Promise<void> {
    await this.written();
    const { staged } = this.entry;
    if (staged !== undefined) await (this.stagedFile(staged) ?? (await this.#parts.staging.open(staged))).sync();
    void this.flush();
    await this.#parts.writer.write([], { sync: true });
  }

  /** The file was created with an empty staged file, whose put is in the journal as `writing`. */
  begin(file: StagedFile, id: string): void {
    this.#session = new Session(file, id);
    this.#source.adopt(new Source(file.id, file, file));
  }

  /** Ends the session: catalog and journal receive what was written. Visible at once; resolves when it is on disk. */
  flush(): Promise<void> | undefined {
    this.#look();
    const session = this.#session;
    if (session === undefined || this.#changes.any) return undefined;
    this.#last = this.overlay(this.#last);
    // A kernel goes on writing.
    const goesOn = this.#direct !== undefined;
    if (!goesOn) this.#session = undefined;
    return this.isRemoved ? undefined : this.#record(session.file, goesOn);
  }

  /** True if the node has lost its name. */
  get isRemoved(): boolean {
    return this.#parts.catalog.get(this.node) === undefined;
  }

  /**
   * Ends the session when the current writes are done; further ones wait, and then go to a fork. If a kernel writes
   * into `staged`, which is to be sealed, `seal` gets a copy of it, and the session continues.
   */
  async freeze(staged: string | undefined, seal: Seal): Promise<StagedFile | undefined> {
    return await this.#changes.freeze(() => this.#freeze(staged, seal));
  }

  /** The staged file that is open with this id, if it is. */
  stagedFile(id: string): StagedFile | undefined {
    return this.#source.stagedFile(id);
  }

  /** The last handle is closed. */
  close(): void {
    void this.flush();
    this.#source.close();
    const { staged } = this.#last;
    if (staged !== undefined && this.isRemoved) discardUnused(this.#parts, staged);
  }

  /** See `FileHandle.backing`. The result must be returned with `closeBacking`. */
  async lend(write: boolean): Promise<BackingFile | undefined> {
    if (write && !this.#parts.room.isAmple) return undefined;
    await this.#changes.thawed();
    const source = write ? await this.#lendable() : await this.#source.get();
    const staged = source instanceof Source ? source.staged : source;
    // What is about to be sent is not changed in place: a new writer would write to another file than readers see.
    if (source === undefined || (!write && staged !== undefined && !this.#passthrough.isUsed)) return undefined;
    const backingFile = this.#passthrough.lend(source, staged, write);
    if (backingFile !== undefined && write) this.#parts.activity.lent(this.node, true);
    return backingFile;
  }

  closeBacking(backingFile: BackingFile, write: boolean): void {
    this.#measure();
    backingFile.leave(write);
    if (write && !backingFile.isWritten) this.#parts.activity.lent(this.node, false);
  }

  /** A copy is being sent, under the put that named the file: the file gets a put of its own. */
  goOn(): void {
    const session = this.#session;
    if (session === undefined) return;
    const { entry } = this;
    const next = new Session(session.file, newId(this.#parts.now()));
    next.resume(entry);
    const begun = journalWriting(this.#parts, entry, next);
    this.#last = begun.entry;
    this.#session = next;
    void this.#parts.writer.write(begun.ops);
  }

  /** True from the first write to the flush. */
  get isWriting(): boolean {
    this.#look();
    return this.#session !== undefined;
  }

  /** Picks up changes of the entry from elsewhere. */
  #look(): void {
    const known = this.#parts.catalog.get(this.node);
    if (known === undefined || known === this.#last) return;
    if (this.#session !== undefined && known.staged !== this.#session.file.id) this.#session = undefined;
    this.#last = known;
  }

  /** Runs one change of the bytes. */
  #change(change: ContentChange, fresh = false): Awaitable<void> {
    return this.#changes.make(change, fresh);
  }

  #current(): Session | undefined {
    this.#look();
    return this.#session;
  }

  #written(session: Session, size: number, at: number): void {
    session.wrote(size, at, this.#last.ctime);
    this.#parts.activity.changed(this.node, size);
  }

  /** The file of the session, while a kernel may write into it. */
  get #direct(): BackingFile | undefined {
    return this.#passthrough.written(this.#session?.file);
  }

  /** Picks up what the kernel has written. */
  #measure(): void {
    const seen = this.#direct?.seen();
    if (seen !== undefined && this.#session !== undefined) this.#written(this.#session, seen.size, seen.mtime);
  }

  /** The file of the session; a session without a change is begun if there is none. */
  async #lendable(): Promise<StagedFile | undefined> {
    if (this.#session !== undefined) return this.#session.file;
    const before = this.#last;
    const session = await this.#changes.begun(false);
    session.resume(before);
    return session.file;
  }

  async #begin(fresh: boolean): Promise<Session> {
    for (;;) {
      await this.#changes.thawed();
      this.#look();
      if (this.#session !== undefined) return this.#session;
      this.#parts.writer.checkRoom();
      const before = sourceKey(this.#last);
      const file = await this.#writable(fresh);
      this.#look();
      const valid = !this.#changes.isFrozen && !file.isSealed && sourceKey(this.#last) === before;
      if (valid && this.#session === undefined) return await this.#start(file, before);
      if (file.id !== before) discardUnused(this.#parts, file.id);
    }
  }

  async #start(file: StagedFile, before: string): Promise<Session> {
    const session = new Session(file, newId(this.#parts.now()));
    const begun = journalWriting(this.#parts, this.#last, session);
    this.#last = begun.entry;
    const written = this.#parts.writer.write(begun.ops);
    this.#session = session;
    this.#source.adopt(new Source(file.id, file, file));
    this.#parts.changes.emit({ what: 'node', node: this.node, content: true });
    if (before !== file.id && !before.startsWith('#')) discardUnused(this.#parts, before);
    await written;
    return session;
  }

  async #writable(fresh: boolean): Promise<StagedFile> {
    const { staged } = this.#last.staged === undefined ? { staged: undefined } : await this.#source.get();
    return await writableFile(this.#parts, this.#last, staged, { fresh, inPlace: this.#passthrough.isUsed });
  }

  #record(file: StagedFile, goesOn: boolean): Promise<void> {
    const { writer, changes, catalog } = this.#parts;
    const ops = goesOn ? [catalog.update(this.#last)] : finishWriting(this.#parts, this.#last, file);
    const written = writer.write(ops, { lazy: true });
    if (!goesOn) changes.emit({ what: 'node', node: this.node, content: true });
    return written;
  }

  async #freeze(id: string | undefined, seal: Seal): Promise<StagedFile | undefined> {
    const { version } = this.entry;
    const staged = this.#direct?.staged;
    if (staged !== undefined && staged.id === id) {
      const copy = await this.#parts.staging.copy(staged);
      if (this.#direct?.staged === staged) return await seal(copy, this.entry.version === version);
      // The writers have finished in the meantime.
      discardUnused(this.#parts, copy.id);
    }
    void this.flush();
    return await seal();
  }
}
