import type { Entry } from '../../../cache/tree/entry.ts';
import type { Awaitable, Context } from '../../../vfs/context.ts';
import type { NodeId } from '../../../vfs/node.ts';
import type { AccountRoom } from '../account-room.ts';
import type { Activity } from '../activity.ts';
import type { BackingFile } from './backing-file.ts';
import { FileContent } from './file-content.ts';
import type { FileRecords } from './file-records.ts';
import { CurrentSource, seek, type Source, sourceKey, type Sources } from './source.ts';

export interface OpenFileParts {
  readonly records: FileRecords;
  readonly sources: Sources;
  readonly activity: Activity;
  readonly room: AccountRoom;
}

/** A content that stays readable, whatever happens to the node. */
export interface Pinned {
  /** To be released. */
  readonly source: Source;
  readonly entry: Entry;
}

/** A file that is open here, shared by all handles of its node. */
export class OpenFile {
  readonly content: FileContent;
  /** Open handles, and those among them that may write. */
  handles = 0;
  writers = 0;
  readonly #source: CurrentSource;
  readonly #records: FileRecords;
  readonly #activity: Activity;
  readonly #room: AccountRoom;

  constructor({ records, sources, activity, room }: OpenFileParts, entry: Entry) {
    this.#records = records;
    this.#activity = activity;
    this.#room = room;
    this.#source = new CurrentSource(sources);
    this.content = new FileContent(entry, this.#source, records, activity);
  }

  get node(): NodeId {
    return this.content.node;
  }

  /**
   * Sees every write that has begun before, even if its call has not resolved yet: a kernel that has sent the bytes of
   * a write may have dropped them from its cache, and would cache what it reads now.
   */
  read(into: Uint8Array, position: number, context: Context): Awaitable<number> {
    if (this.content.hasBegunWrites) return this.#readAfterWrites(into, position, context);
    const source = this.#source.get(this.content.look());
    if (source instanceof Promise) return source.then((source) => source.read(into, position, context));
    return source.read(into, position, context);
  }

  /** See `FileHandle.seek`. */
  async seek(what: 'data' | 'hole', position: number, context: Context): Promise<number | undefined> {
    await this.content.writesFinished();
    const { entry } = this.content;
    return await seek(await this.#source.get(entry), entry.size, what, position, context);
  }

  /** The content as it is now, held for the caller, and the entry that it belongs to. */
  pin(): Awaitable<Pinned> {
    const { entry } = this.content;
    const source = this.#source.get(entry);
    if (source instanceof Promise) return source.then((source) => this.#pin(source) ?? this.pin());
    source.hold();
    return { source, entry };
  }

  /** `position` is that of the first byte; `end` for an append. @throws EDQUOT, EFBIG */
  write(data: Uint8Array, position: number | 'end', context: Context): Awaitable<void> {
    const append = position === 'end';
    const { size } = this.content;
    this.#room.take(data.length, size, (append ? size : position) + data.length, 'write');
    return this.content.write((file) => (append ? file.append(data, context) : file.write(data, position, context)));
  }

  /** @throws EDQUOT, EFBIG */
  truncate(size: number, context: Context): Awaitable<void> {
    const before = this.content.entry.size;
    if (before === size) return;
    this.#room.take(0, before, size, 'truncate');
    return this.content.write((file) => file.truncate(size, context), size === 0);
  }

  /** Resolves when content and intent are on the disk. */
  async sync(): Promise<void> {
    await this.content.written();
    const { staged } = this.content.entry;
    if (staged !== undefined) await (this.#source.stagedFile(staged) ?? (await this.#records.open(staged))).sync();
    void this.content.flush();
    await this.#records.sync();
    this.#activity.flushed(this.node);
  }

  /** See `FileContent.openBacking`. */
  async openBacking(write: boolean): Promise<BackingFile | undefined> {
    return write && !this.#room.isAmple ? undefined : await this.content.openBacking(write);
  }

  async #readAfterWrites(into: Uint8Array, position: number, context: Context): Promise<number> {
    await this.content.writesFinished();
    const source = await this.#source.get(this.content.look());
    return await source.read(into, position, context);
  }

  /** `undefined` if the content was replaced while it was being opened. */
  #pin(source: Source): Pinned | undefined {
    const { entry } = this.content;
    if (source.key !== sourceKey(entry) || source.isClosed) return undefined;
    source.hold();
    return { source, entry };
  }
}
