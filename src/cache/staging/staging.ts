import { randomUUID } from 'node:crypto';
import { constants, existsSync, ftruncateSync, mkdirSync, statSync } from 'node:fs';
import { copyFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { background } from '../../vfs/context.ts';
import { FsError, asFsError } from '../../vfs/fs-error.ts';
import { BLOCK_SIZE } from '../../vfs/block.ts';
import type { Content, StagedFile, Staging } from '../content/content.ts';
import type { DiskContentStore } from '../store/content-store.ts';
import type { Database } from '../db/database.ts';
import { type DiskSync, systemSync } from '../../libc/disk-sync.ts';
import type { Borrowed } from '../disk/file-pool.ts';
import { ForkBase } from './fork-base.ts';
import { Forks } from './forks.ts';
import type { GroupWriter, Op } from '../db/group-writer.ts';
import { Leftovers } from '../disk/leftovers.ts';
import { SECTOR } from '../disk/file-io.ts';
import { removeFile } from '../disk/remove-file.ts';
import { SpareFiles } from '../disk/spare-files.ts';
import { ContentBase, type StagedBase } from './staged-base.ts';
import { DiskStagedFile } from './staged-file.ts';
import { type StagedRecord, isFork, isStagedId, noStagedFile } from './staged-record.ts';
import { StagingRoom } from './staging-room.ts';
import { Table } from '../db/table.ts';
import { UnsyncedFiles } from '../disk/unsynced-files.ts';

export interface DiskStagingOptions {
  readonly db: Database;
  readonly writer: GroupWriter;
  /**
   * The store into which staged files are adopted. They are in the same folder, so that this is a link and not a copy.
   */
  readonly store: DiskContentStore;
  /** Bytes that writes leave free on the disk. */
  readonly minFree: number;
  /** How long a write waits for space before it fails, ms. */
  readonly timeout?: number;
  /** How files are synced; by the system's calls if absent. */
  readonly sync?: DiskSync;
}

/** Implements `Staging` on a folder of sparse files, `staging/<id>`, with records in LevelDB. */
export class DiskStaging implements Staging {
  readonly #dir: string;
  readonly #store: DiskContentStore;
  readonly #writer: GroupWriter;
  readonly #table: Table<StagedRecord>;
  readonly #room: StagingRoom;
  readonly #unsynced: UnsyncedFiles;
  readonly #files = new Map<string, DiskStagedFile>();
  readonly #loading = new Map<string, Promise<DiskStagedFile>>();
  readonly #forks = new Forks();
  readonly #left: Leftovers;
  readonly #spares: SpareFiles;
  /**
   * Discarded files that may still be read. If a reader is dropped without being closed, the descriptor is released
   * when it is garbage-collected.
   */
  readonly #nameless = new FinalizationRegistry<Borrowed>((file) => file.release());

  private constructor(options: DiskStagingOptions, dir: string, names: readonly string[], table: Table<StagedRecord>) {
    const { db, store, writer, minFree, timeout = 5000, sync = systemSync() } = options;
    this.#store = store;
    this.#dir = dir;
    this.#writer = writer;
    this.#table = table;
    this.#left = new Leftovers(dir, names);
    this.#spares = new SpareFiles(dir);
    this.#unsynced = new UnsyncedFiles({ dir, pool: store.pool, sync, soon: () => db.commitSoon() });
    db.beforeCommit(() => this.#unsynced.commit());
    const { space } = store;
    this.#room = new StagingRoom({ space, minFree, timeout, clear: (bytes) => store.clear(bytes) });
  }

  static async open(options: DiskStagingOptions): Promise<DiskStaging> {
    const { db, writer, store } = options;
    const table = new Table<StagedRecord>('staging', await db.rows('staging'), writer, 4 << 20);
    const dir = join(store.dir, 'staging');
    mkdirSync(dir, { recursive: true });
    const names = await readdir(dir);
    const staging = new DiskStaging(options, dir, names, table);
    const lost = await staging.#forks.load(table, new Set(names));
    if (lost.length > 0) await writer.write(lost);
    for (const name of names) staging.#unsynced.left(staging.#path(name));
    void staging.#left.measure().catch(() => undefined);
    return staging;
  }

  create(base: Content | null): StagedFile {
    if (base === null) return this.#create({}, undefined, 0);
    return this.#create({ base }, new ContentBase(base, this.#store), base.size);
  }

  async fork(sealed: StagedFile): Promise<StagedFile> {
    if (sealed instanceof DiskStagedFile && sealed.adoptedAs !== undefined) return this.create(sealed.adoptedAs);
    const parent = this.#mine(sealed);
    if (!parent.isSealed)
      throw new FsError('EBADF', 'open', { subject: sealed.id, reason: 'only a sealed file can be forked' });
    if (parent.size <= BLOCK_SIZE) return this.#copy(parent);
    const record = { base: { staged: parent.id, size: parent.size } };
    const file = this.#create(record, new ForkBase(parent), parent.size);
    await this.#writer.write([]);
    return file;
  }

  async copy(file: StagedFile): Promise<StagedFile> {
    const { path, size } = this.#mine(file);
    const id = randomUUID();
    await this.#room.reserve(size, background);
    await copyFile(path, this.#path(id), constants.COPYFILE_FICLONE);
    return this.#found(id);
  }

  seize(content: Content): StagedFile | undefined {
    const id = randomUUID();
    return this.#store.giveUp(content, this.#path(id)) ? this.#found(id) : undefined;
  }

  async open(id: string): Promise<StagedFile> {
    if (this.#table.get(id)?.hidden === true) throw noStagedFile(id);
    return this.#load(id);
  }

  async ids(): Promise<string[]> {
    const names = await readdir(this.#dir);
    return names.filter((id) => this.#table.get(id)?.hidden !== true && !this.#spares.has(id));
  }

  async modified(id: string): Promise<number | undefined> {
    if (!isStagedId(id)) return undefined;
    return await stat(this.#path(id)).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    );
  }

  async discard(id: string): Promise<void> {
    // A crash must not leave an intent that names it: the removal of that one may be submitted, but not logged yet.
    await this.#writer.write([]);
    if (this.#forks.of(id).size > 0) {
      await this.#writer.write([this.#table.put(id, { ...this.#table.get(id), hidden: true })]);
      return;
    }
    await this.#remove(id);
  }

  async adopt(file: StagedFile, content: Content, ops: readonly Op[]): Promise<void> {
    const staged = this.#mine(file);
    const { hash, digests } = await staged.manifest(background);
    if (hash !== content.hash)
      throw new FsError('EINVAL', 'rename', { subject: file.id, reason: 'the staged file has another content' });
    const gone = this.#table.get(file.id) === undefined ? [] : [this.#table.del(file.id)];
    const forked = this.#rebase(file.id, content);
    const adopted = { path: staged.path, present: staged.present(), digests };
    await this.#store.adopt(content, adopted, [...gone, ...forked, ...ops]);
    const late = this.#rebase(file.id, content);
    // Forked while the batch was being written.
    if (late.length > 0) await this.#writer.write(late);
    staged.adopted(content, new ContentBase(content, this.#store));
    this.#forks.free(file.id);
    this.#files.delete(file.id);
    this.#unsynced.forget(staged.path);
    this.#store.pool.forget(staged.path);
    await removeFile(staged.path, staged.size);
    await this.#leaveParent(file.id, staged.record);
  }

  usage(): number {
    return [...this.#files.values()].reduce((bytes, file) => bytes + file.bytes, this.#left.bytes);
  }

  allocated(id: string, size: number): number | undefined {
    const stats = statSync(this.#path(id), { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    const bytes = stats.blocks * SECTOR;
    const { base } = this.#recordOf(id);
    if (base === undefined) return bytes;
    const rest = isFork(base)
      ? (this.allocated(base.staged, base.size) ?? base.size)
      : this.#store.allocated(base.hash, base.size);
    return Math.min(size, bytes + rest);
  }

  sync(): Promise<void> {
    return this.#unsynced.syncAll();
  }

  /** Syncs the bytes of staged files; ids that no longer exist are ignored. @throws EIO, ENOSPC */
  async syncContents(ids: Iterable<string>): Promise<void> {
    const files = [...new Set(ids)].flatMap((id) => this.#files.get(id) ?? []);
    const sync = (file: DiskStagedFile): Promise<void> =>
      file.syncContent().catch((error: unknown) => {
        if (this.#files.get(file.id) === file) throw error;
      });
    await Promise.all(files.map(sync));
    await this.#unsynced.syncNames();
  }

  /** Releases descriptors; the files stay. */
  async close(): Promise<void> {
    await this.#spares.close();
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
  }

  #create(record: StagedRecord, base: StagedBase | undefined, size: number): DiskStagedFile {
    const { pool } = this.#store;
    const spare = this.#spares.take();
    const id = spare?.id ?? randomUUID();
    const path = this.#path(id);
    const file = spare === undefined ? pool.borrow(path, { create: true }) : pool.add(path, spare.fd);
    try {
      if (size > 0) ftruncateSync(file.fd, size);
      this.#unsynced.created(path);
      if (record.base !== undefined) this.#save(id, record).catch(() => undefined);
      this.#forks.add(id, record);
      return this.#make(id, record, base, size);
    } catch (error) {
      throw asFsError(error, 'create', id);
    } finally {
      file.release();
    }
  }

  /** The object for a file that was put at its path complete. */
  #found(id: string): DiskStagedFile {
    this.#unsynced.created(this.#path(id));
    return this.#make(id, {}, undefined);
  }

  #make(id: string, record: StagedRecord, base: StagedBase | undefined, created?: number): DiskStagedFile {
    const { pool } = this.#store;
    const save = (record: StagedRecord): Promise<void> => this.#save(id, record);
    const barrier = (): Promise<void> => this.#unsynced.syncNames().then(() => this.#writer.write([], { sync: true }));
    const path = this.#path(id);
    const unsynced = this.#unsynced;
    const room = this.#room;
    const file = new DiskStagedFile({ id, path, pool, room, unsynced, base, record, created, save, barrier });
    this.#files.set(id, file);
    this.#left.remove(id);
    return file;
  }

  #save(id: string, record: StagedRecord): Promise<void> {
    return this.#writer.write([this.#table.put(id, record)]);
  }

  async #copy(parent: DiskStagedFile): Promise<StagedFile> {
    const data = Buffer.allocUnsafeSlow(parent.size);
    await parent.read(data, 0, background);
    const file = this.#create({}, undefined, 0);
    try {
      await file.append(data, background);
    } catch (error) {
      file.close();
      await this.discard(file.id);
      throw error;
    }
    return file;
  }

  #load(id: string): Promise<DiskStagedFile> {
    const live = this.#files.get(id);
    if (live !== undefined) return Promise.resolve(live);
    let loading = this.#loading.get(id);
    if (loading === undefined) {
      loading = this.#read(id).finally(() => this.#loading.delete(id));
      this.#loading.set(id, loading);
    }
    return loading;
  }

  async #read(id: string): Promise<DiskStagedFile> {
    if (!isStagedId(id) || !existsSync(this.#path(id))) throw noStagedFile(id);
    const record = this.#table.get(id) ?? {};
    const base = await this.#baseOf(record);
    try {
      const file = this.#make(id, record, base);
      file.close();
      if (this.#forks.has(id)) file.seal();
      return file;
    } catch (error) {
      throw asFsError(error, 'open', id);
    }
  }

  async #baseOf({ base }: StagedRecord): Promise<StagedBase | undefined> {
    if (base === undefined) return undefined;
    return isFork(base) ? new ForkBase(await this.#load(base.staged)) : new ContentBase(base, this.#store);
  }

  async #remove(id: string): Promise<void> {
    const record = this.#recordOf(id);
    const file = this.#files.get(id);
    if (file !== undefined) this.#nameless.register(file, file.hold());
    this.#files.delete(id);
    this.#left.remove(id);
    this.#unsynced.forget(this.#path(id));
    this.#store.pool.forget(this.#path(id));
    await removeFile(this.#path(id), file?.size);
    if (this.#table.get(id) !== undefined) await this.#writer.write([this.#table.del(id)]);
    await this.#leaveParent(id, record);
  }

  /** Changes the base of files that are based on a staged file to the content that it becomes. */
  #rebase(parent: string, content: Content): Op[] {
    const ops: Op[] = [];
    for (const id of this.#forks.of(parent)) {
      const record = this.#recordOf(id);
      if (record.base === undefined || !isFork(record.base)) continue;
      const rebased = { ...record, base: content };
      ops.push(this.#table.put(id, rebased));
      this.#files.get(id)?.rebase(new ContentBase(content, this.#store), rebased);
    }
    return ops;
  }

  #recordOf(id: string): StagedRecord {
    return this.#table.get(id) ?? {};
  }

  /** Removes a discarded file with the last one that was based on it. */
  async #leaveParent(id: string, record: StagedRecord): Promise<void> {
    const free = this.#forks.remove(id, record);
    if (free !== undefined && this.#recordOf(free).hidden === true) await this.#remove(free);
  }

  #mine(file: StagedFile): DiskStagedFile {
    if (file instanceof DiskStagedFile && this.#files.get(file.id) === file) return file;
    throw new FsError('ESTALE', 'open', { subject: file.id, reason: 'it is no longer a file of this staging folder' });
  }

  #path(id: string): string {
    return join(this.#dir, id);
  }
}
