import type { StagedFile } from '../../../cache/content/content.ts';
import type { Entry } from '../../../cache/tree/entry.ts';
import type { Awaitable } from '../../../vfs/context.ts';
import type { NodeId } from '../../../vfs/node.ts';
import type { Activity } from '../activity.ts';
import { type BackingFile, backingFor } from './backing-file.ts';
import type { FileRecords, StagedPut } from './file-records.ts';
import { type CurrentSource, Source, sourceKey } from './source.ts';
import { WriteGate } from './write-gate.ts';
import type { Amendment, WriteSession } from './write-session.ts';

/** A change of the bytes. */
export type Write = (file: StagedFile) => Awaitable<void>;

/**
 * The content of an open file, and the entry that shows it. It is in one of three states:
 *
 *            first write              freeze
 *     clean ─────────────▶ writing ───────────▶ frozen
 *       ▲                   │   ▲               │   │
 *       ├─────── flush ─────┘   └─ copy sealed ─┘   │
 *       └──────────────── file sealed ──────────────┘
 *
 * - clean: the catalog shows all of it. The bytes are the cloud's, or those of a staged file that waits for its upload.
 * - writing: a `WriteSession` writes into a staged file, whose put in the journal is marked as `writing`; `overlay` shows what the
 *   catalog does not have yet.
 * - frozen: no write runs and further ones wait while the staged file is sealed, for its upload or to be copied. The next
 *   write goes to a fork of it. If a kernel writes into it directly, a copy is sealed instead and the session goes on.
 *
 * A file whose entry is no longer in the catalog has been removed: it remains usable through the handles that are open.
 */
export class FileContent {
  node: NodeId;
  readonly #source: CurrentSource;
  readonly #records: FileRecords;
  readonly #activity: Activity;
  readonly #gate = new WriteGate();
  /** The entry as it last was in the catalog, without unrecorded writes. */
  #last: Entry;
  #session: WriteSession | undefined;
  /** The staged file of a session that began when the node had no name: neither catalog nor journal names it. */
  #unnamed: string | undefined;
  /** The session that is about to begin. */
  #beginning: Promise<WriteSession> | undefined;
  /** The file that kernels were last given. */
  #backing: BackingFile | undefined;

  constructor(entry: Entry, source: CurrentSource, records: FileRecords, activity: Activity) {
    this.#last = entry;
    this.#source = source;
    this.#records = records;
    this.#activity = activity;
    this.node = entry.id;
  }

  /** The entry, what was written here applied. */
  get entry(): Entry {
    return this.overlay(this.look());
  }

  /** The node's entry from the catalog with unrecorded writes applied. */
  overlay(entry: Entry): Entry {
    this.#measure();
    return this.#session?.overlay(entry) ?? entry;
  }

  /** True if the node has lost its name. */
  get isRemoved(): boolean {
    return this.#records.entry(this.node) === undefined;
  }

  /** Bytes, what was written here included. */
  get size(): number {
    return this.#session?.file.size ?? this.#last.size;
  }

  /** True from the first write to the flush. */
  get isWriting(): boolean {
    this.look();
    return this.#session !== undefined;
  }

  /** True while a write has begun and not finished, even if it waits. */
  get hasBegunWrites(): boolean {
    return this.#gate.hasBegun;
  }

  /** Resolves when all writes that had begun before have finished, successfully or not. */
  writesFinished(): Promise<void> {
    return this.#gate.finished();
  }

  /** Resolves when no bytes are being written. */
  written(): Awaitable<void> {
    if (this.#gate.isWriting) return this.#gate.drained();
  }

  /** Attributes were changed, while a session may go on. */
  amend(change: Amendment): void {
    if (change.mtime !== undefined) this.#direct?.setTime(change.mtime);
    this.#session?.amend(change);
  }

  /** Runs one write in a session, which starts empty if `fresh`. */
  write(write: Write, fresh = false): Awaitable<void> {
    this.look();
    const session = this.#session;
    const runs = session !== undefined && !this.#gate.isFrozen;
    return this.#gate.track(runs ? this.#run(session, write) : this.#runLater(write, fresh));
  }

  /** The file was created with an empty staged file, which the put in the journal names as the session does. */
  begin(session: WriteSession): void {
    this.#session = session;
    this.#source.adopt(Source.of(session.file));
  }

  /** Ends the session: catalog and journal receive what was written. Visible at once; resolves when it is on disk. */
  flush(): Promise<void> | undefined {
    this.look();
    const session = this.#session;
    if (session === undefined || this.#gate.isWriting) return undefined;
    this.#last = this.overlay(this.#last);
    // A kernel goes on writing.
    if (this.#direct !== undefined) return this.isRemoved ? undefined : this.#records.update(this.#last);
    this.#session = undefined;
    if (this.isRemoved) return undefined;
    const written = this.#records.finish(this.#last, session.file);
    this.#records.notify(this.node);
    return written;
  }

  /**
   * Ends the session when the current writes are done, and seals the staged file: that of `put`, which is about to be sent, or
   * else the current one. Returns what was sealed.
   */
  freeze(put?: StagedPut): Promise<StagedFile | undefined> {
    return this.#gate.freeze(async () => {
      const copy = await this.#freezeCopy(put);
      if (copy !== undefined) return copy;
      void this.flush();
      const id = put === undefined ? this.look().staged : put.staged;
      const file = id === undefined ? undefined : this.#source.stagedFile(id);
      file?.seal();
      return file ?? (await this.#records.seal(id));
    });
  }

  /** A file for one more kernel's handle, see `FileHandle.backing`. The result must be returned with `closeBacking`. */
  async openBacking(write: boolean): Promise<BackingFile | undefined> {
    await this.#gate.thawed();
    const source = write ? Source.of(await this.#directFile()) : await this.#source.get(this.look());
    // What is about to be sent is not changed in place: a new writer would write to another file than readers see.
    if (!write && source.staged !== undefined && this.#backing?.isUsed !== true) return undefined;
    const file = source.openBacking(write);
    if (file === undefined) return undefined;
    const backing = backingFor(file, source.staged, this.#backing, () => this.#measure());
    backing.use(write);
    this.#backing = backing;
    if (write) this.#activity.passthrough(this.node, true);
    return backing;
  }

  closeBacking(backing: BackingFile, write: boolean): void {
    this.#measure();
    backing.leave(write);
    if (write && !backing.isWritten) this.#activity.passthrough(this.node, false);
  }

  /** The last handle is closed. */
  close(): void {
    void this.flush();
    this.#source.close();
    const { staged } = this.#last;
    if (staged !== undefined && this.isRemoved) this.#records.discard(staged);
  }

  /** Picks up changes of the entry from elsewhere; returns it, without unrecorded writes. */
  look(): Entry {
    const known = this.#records.entry(this.node);
    if (known === undefined || known === this.#last) return this.#last;
    if (this.#session !== undefined && known.staged !== this.#session.file.id) this.#session = undefined;
    // The cloud has kept the node under another name, and without what was written to it since it lost its own.
    if (this.#unnamed !== undefined && this.#unnamed !== known.staged) this.#records.discard(this.#unnamed);
    this.#unnamed = undefined;
    return (this.#last = known);
  }

  async #runLater(write: Write, fresh: boolean): Promise<void> {
    for (;;) {
      const session = await this.#begun(fresh);
      this.look();
      if (this.#session === session && !this.#gate.isFrozen) return await this.#run(session, write);
    }
  }

  #run(session: WriteSession, write: Write): Awaitable<void> {
    this.#gate.enter();
    let done: Awaitable<void>;
    try {
      done = write(session.file);
    } catch (error) {
      this.#ran(session);
      throw error;
    }
    if (done instanceof Promise) return done.finally(() => this.#ran(session));
    this.#ran(session);
  }

  /** Called at the end of each write, successful or not. */
  #ran(session: WriteSession): void {
    this.#wrote(session, session.file.size, this.#records.now());
    this.#gate.leave();
  }

  #wrote(session: WriteSession, size: number, at: number): void {
    session.wrote(size, at, this.#last.ctime);
    this.#activity.changed(this.node, size);
  }

  /** The current session, or a new one; concurrent callers share it. */
  #begun(fresh: boolean): Promise<WriteSession> {
    this.#beginning ??= this.#begin(fresh).finally(() => (this.#beginning = undefined));
    return this.#beginning;
  }

  async #begin(fresh: boolean): Promise<WriteSession> {
    for (;;) {
      await this.#gate.thawed();
      const before = this.look();
      if (this.#session !== undefined) return this.#session;
      const { staged } = before.staged === undefined ? { staged: undefined } : await this.#source.get(before);
      const inPlace = this.#backing?.isUsed === true;
      const file = await this.#records.writableFile(this.#last, staged, { fresh, inPlace });
      const valid = !this.#gate.isFrozen && !file.isSealed && sourceKey(this.look()) === sourceKey(before);
      if (valid && this.#session === undefined) return await this.#start(file);
      if (file.id !== before.staged) this.#records.discard(file.id);
    }
  }

  async #start(file: StagedFile): Promise<WriteSession> {
    const { staged: before } = this.#last;
    const session = this.#records.newSession(file);
    const { entry, written } = this.#records.begin(this.#last, session);
    this.#last = entry;
    this.begin(session);
    this.#unnamed = this.#records.entry(this.node)?.staged === file.id ? undefined : file.id;
    this.#records.notify(this.node);
    if (before !== undefined && before !== file.id) this.#records.discard(before);
    await written;
    return session;
  }

  /** The file of the session, while a kernel may write into it. */
  get #direct(): BackingFile | undefined {
    const file = this.#session?.file;
    const backing = this.#backing;
    return file !== undefined && backing?.isWritten === true && backing.staged === file ? backing : undefined;
  }

  /** Picks up what the kernel has written. */
  #measure(): void {
    const seen = this.#direct?.seen();
    if (seen !== undefined && this.#session !== undefined) this.#wrote(this.#session, seen.size, seen.mtime);
  }

  /** The file of the session; a session without a change is begun if there is none. */
  async #directFile(): Promise<StagedFile> {
    if (this.#session !== undefined) return this.#session.file;
    const before = this.#last;
    const session = await this.#begun(false);
    session.resume(before);
    return session.file;
  }

  /** A sealed copy of the staged file, if a kernel goes on writing into it; if it is that of `put`, the copy is sent. */
  async #freezeCopy(put: StagedPut | undefined): Promise<StagedFile | undefined> {
    const { version, staged } = this.entry;
    const file = this.#direct?.staged;
    if (file === undefined || file.id !== (put === undefined ? staged : put.staged)) return undefined;
    const copy = await this.#records.copy(file);
    if (this.#direct?.staged !== file) {
      // The writers have finished in the meantime.
      this.#records.discard(copy.id);
      return undefined;
    }
    if (put !== undefined) this.#sendCopy(put, copy, this.entry.version === version);
    copy.seal();
    return copy;
  }

  /** The copy goes under the put that named the file, which gets a put of its own. `whole`: nothing was written meanwhile. */
  #sendCopy(put: StagedPut, copy: StagedFile, whole: boolean): void {
    if (!this.#records.sendCopy(put, this.entry, copy)) return;
    const { entry } = this;
    if (this.#session !== undefined) {
      const next = this.#records.newSession(this.#session.file);
      next.resume(entry);
      this.#last = this.#records.begin(entry, next).entry;
      this.#session = next;
    }
    if (whole) this.#activity.sent(this.node);
  }
}
