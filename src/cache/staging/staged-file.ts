import { DigestList } from '../../vfs/digest-list.ts';
import { type Awaitable, type Context, background } from '../../vfs/context.ts';
import { assign } from '../../vfs/assign.ts';
import { FsError, asFsError } from '../../vfs/fs-error.ts';
import type { Bitmap } from '../disk/bitmap.ts';
import { BLOCK_SIZE, blockCount, blockLength } from '../../vfs/block.ts';
import type { Content, Manifest, StagedFile } from '../content/content.ts';
import { CowFile } from './cow-file.ts';
import type { Extent } from '../../vfs/extent.ts';
import type { Borrowed, FilePool } from '../disk/file-pool.ts';
import { PassingDigests } from './passing-digests.ts';
import { SharedLock } from '../disk/shared-lock.ts';
import type { StagedBase } from './staged-base.ts';
import { buildDigests } from './staged-manifest.ts';
import type { StagedRecord } from './staged-record.ts';
import type { StagingRoom } from './staging-room.ts';
import type { UnsyncedFiles } from '../disk/unsynced-files.ts';

export interface StagedFileParts {
  readonly id: string;
  readonly path: string;
  readonly pool: FilePool;
  readonly room: StagingRoom;
  /** Is notified of changes, and when the file is complete. */
  readonly unsynced: UnsyncedFiles;
  readonly base: StagedBase | undefined;
  readonly record: StagedRecord;
  /** Its bytes, if this process has created it just now. */
  readonly created?: number | undefined;
  /** Writes the record; resolves when it survives the death of the process. */
  readonly save: (record: StagedRecord) => Promise<void>;
  /** Resolves when names and records survive a power loss. */
  readonly barrier: () => Promise<void>;
}

/**
 * Implements `StagedFile` on a `CowFile`, with one writer or several readers at a time; space is reserved before each
 * write.
 */
export class DiskStagedFile implements StagedFile {
  readonly id: string;
  readonly path: string;
  readonly #parts: StagedFileParts;
  readonly #lock = new SharedLock();
  readonly #file: CowFile;
  readonly #passing: PassingDigests;
  #record: StagedRecord;
  #sealed = false;
  /** The digests, once the file is sealed and they are known. */
  #digests: DigestList | undefined;
  #adoptedAs: Content | undefined;

  /** Opens an existing file. @throws what `node:fs` throws */
  constructor(parts: StagedFileParts) {
    this.id = parts.id;
    this.path = parts.path;
    this.#parts = parts;
    this.#record = parts.record;
    this.#file = new CowFile({ ...parts, save: () => this.#save() });
    this.#passing = new PassingDigests((into, position) => this.#file.readRaw(into, position));
    if (parts.record.digests !== undefined) this.#restoreDigests(Buffer.from(parts.record.digests, 'base64'));
  }

  get size(): number {
    return this.#file.size;
  }

  get base(): Content | null {
    return this.#file.base?.content ?? null;
  }

  get isSealed(): boolean {
    return this.#sealed;
  }

  /** Bytes that it takes on the disk, at most. */
  get bytes(): number {
    return this.#file.bytes;
  }

  get record(): StagedRecord {
    return this.#record;
  }

  read(into: Uint8Array, position: number, context: Context): Awaitable<number> {
    if (this.#lock.isFree(false)) {
      const length = this.#file.readable(into.length, position);
      if (length === 0 || this.#file.readNow(into.subarray(0, length), position)) return length;
    }
    return this.#lock.run(false, context, async () => {
      const length = this.#file.readable(into.length, position);
      await this.#file.read(into.subarray(0, length), position, context);
      return length;
    });
  }

  data(position: number, context: Context): Promise<Extent | undefined> {
    return this.#lock.run(false, context, () => this.#file.data(position, context));
  }

  write(data: Uint8Array, position: number, context: Context): Awaitable<void> {
    return this.#write(data, position, context);
  }

  append(data: Uint8Array, context: Context): Awaitable<void> {
    return this.#write(data, undefined, context);
  }

  truncate(size: number, context: Context): Awaitable<void> {
    this.#checkWritable();
    if (this.#file.base === undefined && this.#lock.isFree(true)) {
      this.#file.truncateNow(size);
      this.#truncated(size);
      return;
    }
    return this.#lock.run(true, context, async () => {
      this.#checkWritable();
      await this.#file.truncate(size, context);
      this.#truncated(size);
    });
  }

  async sync(): Promise<void> {
    await this.syncContent();
    await this.#parts.barrier();
  }

  /** Syncs its bytes and those that it is based on. @throws EIO, ENOSPC */
  async syncContent(): Promise<void> {
    this.#parts.unsynced.forget(this.path);
    try {
      await this.#file.sync(this.#parts.unsynced.disk);
    } catch (error) {
      this.#parts.unsynced.changed(this.path);
      throw asFsError(error, 'fsync', this.id);
    }
  }

  openBacking(write: boolean): Borrowed | undefined {
    if (this.#file.base !== undefined || (write && (this.#sealed || !this.#parts.room.isAmple))) return undefined;
    if (!write) return this.#file.openBacking();
    this.#passing.giveUp();
    return this.#file.openBacking('others write');
  }

  touched(): void {
    this.#parts.unsynced.changed(this.path);
    this.#parts.room.look();
  }

  seal(): void {
    this.#sealed = true;
    this.#file.settle();
    void this.#lock.run(true, background, async () => this.#file.rest());
  }

  async manifest(context: Context): Promise<Manifest> {
    this.#checkSealed();
    const digests = this.#digests ?? (await this.#computeDigests(context));
    return { hash: await digests.hash(), size: this.size, digests };
  }

  async block(index: number, context: Context): Promise<Uint8Array> {
    this.#checkSealed();
    const data = Buffer.allocUnsafeSlow(blockLength(this.size, index));
    await this.#lock.run(false, context, () => this.#file.read(data, index * BLOCK_SIZE, context));
    return data;
  }

  isOwn(index: number): boolean {
    return this.#file.isHere(index) || this.#file.base?.isRemote(index) !== true;
  }

  close(): void {
    this.#file.rest();
    this.#parts.unsynced.finished(this.path);
  }

  /** The blocks that are in the file itself. */
  present(): Bitmap {
    return this.#file.present();
  }

  /** To be called when its base has become content in the cloud; `record` is the new record. */
  rebase(base: StagedBase, record: StagedRecord): void {
    this.#file.rebase(base);
    this.#record = record;
  }

  /** To be called when it has become content of the store, from which it is then read. */
  adopted(content: Content, base: StagedBase): void {
    this.#adoptedAs = content;
    this.#file.leaveTo(base);
  }

  /** The content of the store that it has become, if it has. */
  get adoptedAs(): Content | undefined {
    return this.#adoptedAs;
  }

  /** To be called before its name is removed. It stays readable until `close`, or until the result is released. */
  hold(): Borrowed {
    return this.#file.hold();
  }

  #write(data: Uint8Array, position: number | undefined, context: Context): Awaitable<void> {
    this.#checkWritable();
    if (data.length === 0) return;
    if (!this.#parts.room.take(data.length)) return this.#writeWhenRoom(data, position, context);
    if (this.#lock.isFree(true)) {
      const at = position ?? this.size;
      if (this.#attempt(() => this.#file.writeNow(data, at))) return this.#wrote(at, at + data.length);
    }
    return this.#writeLater(data, position, context);
  }

  /** Tries to write. False if the disk is full in spite of the reservation; the file then has its old length. */
  #attempt(write: () => boolean): boolean {
    try {
      return write();
    } catch (error) {
      const failure = asFsError(error, 'write', this.id);
      if (failure.code === 'ENOSPC') return false;
      throw failure;
    }
  }

  async #writeWhenRoom(data: Uint8Array, position: number | undefined, context: Context): Promise<void> {
    await this.#parts.room.reserve(data.length, context);
    await this.#writeLater(data, position, context);
  }

  #writeLater(data: Uint8Array, position: number | undefined, context: Context): Promise<void> {
    return this.#lock.run(true, context, async () => {
      this.#checkWritable();
      const at = position ?? this.size;
      const copied = this.#file.copied(at, data.length);
      if (copied > 0) await this.#parts.room.reserve(copied, context);
      try {
        await this.#file.write(data, at, context);
      } catch (error) {
        const failure = asFsError(error, 'write', this.id);
        if (failure.code !== 'ENOSPC') throw failure;
        await this.#parts.room.reserve(data.length, context);
        await this.#file.write(data, at, context).catch((error: unknown) => {
          throw asFsError(error, 'write', this.id);
        });
      }
      this.#wrote(at, at + data.length);
    });
  }

  #wrote(start: number, end: number): void {
    this.#passing.wrote(start, end);
    this.#parts.unsynced.changed(this.path);
  }

  #truncated(size: number): void {
    this.#passing.truncated(size);
    this.#parts.unsynced.changed(this.path);
  }

  async #computeDigests(context: Context): Promise<DigestList> {
    // Waits for writes that were in progress when the file was sealed.
    await this.#lock.run(true, context, async () => {});
    await this.#passing.settle();
    const digests = await buildDigests(this.#file, this.#passing, context);
    this.#digests ??= digests;
    // Hashing a few blocks again takes less time than writing the record.
    if (digests.length > 4) void this.#save().catch(() => undefined);
    return this.#digests;
  }

  #save(): Promise<void> {
    const { base } = this.#record;
    const blocks = base === undefined ? {} : this.#file.blocks;
    const digests = this.#digests && Buffer.from(this.#digests.toBytes()).toString('base64');
    this.#record = assign(assign(this.#record, blocks), digests === undefined ? {} : { digests });
    return this.#parts.save(this.#record);
  }

  #restoreDigests(bytes: Uint8Array): void {
    this.#digests = DigestList.from(bytes, blockCount(this.size));
    if (this.#digests !== undefined) this.seal();
  }

  #checkWritable(): void {
    if (this.#sealed) throw new FsError('EBADF', 'write', { subject: this.id, reason: 'the file is sealed' });
  }

  #checkSealed(): void {
    if (!this.#sealed)
      throw new FsError('EBADF', 'read', { subject: this.id, reason: 'the file is still being written' });
  }
}
