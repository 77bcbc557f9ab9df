import { randomUUID } from 'node:crypto';
import { existsSync, ftruncateSync, mkdirSync } from 'node:fs';
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { background } from '../vfs/context.ts';
import { FsError, asFsError } from '../vfs/fs-error.ts';
import { BLOCK_SIZE } from './block.ts';
import type { Content, StagedFile, Staging } from './content.ts';
import type { DiskContentStore } from './content-store.ts';
import type { Database } from './database.ts';
import type { Borrowed } from './file-pool.ts';
import { FolderSync } from './folder-sync.ts';
import { ForkBase } from './fork-base.ts';
import type { GroupWriter, Op } from './group-writer.ts';
import { ContentBase, type StagedBase } from './staged-base.ts';
import { DiskStagedFile } from './staged-file.ts';
import { type StagedRecord, isFork } from './staged-record.ts';
import { StagingRoom } from './staging-room.ts';
import { Table } from './table.ts';

export interface DiskStagingOptions {
  readonly db: Database;
  readonly writer: GroupWriter;
  /** Staged files live in its folder, beside what they become. */
  readonly store: DiskContentStore;
  /** Bytes of the disk that writes leave free. */
  readonly minFree: number;
  /** How long a write waits for room before it fails, ms. */
  readonly patience?: number;
}

/** `Staging` on a folder of sparse files, `staging/<id>`, with records in LevelDB. */
export class DiskStaging implements Staging {
  readonly #dir: string;
  readonly #store: DiskContentStore;
  readonly #writer: GroupWriter;
  readonly #table: Table<StagedRecord>;
  readonly #room: StagingRoom;
  readonly #names: FolderSync;
  readonly #files = new Map<string, DiskStagedFile>();
  readonly #loading = new Map<string, Promise<DiskStagedFile>>();
  /** Staged file → those that are based on it. */
  readonly #forks = new Map<string, Set<string>>();
  /** Bytes of files of earlier processes that nobody has opened here. */
  readonly #left = new Map<string, number>();
  /** Discarded files that somebody may still read; whoever forgets to close one loses it to the garbage collector. */
  readonly #nameless = new FinalizationRegistry<Borrowed>((file) => file.release());

  private constructor({ store, writer, minFree, patience = 5000 }: DiskStagingOptions, table: Table<StagedRecord>) {
    this.#store = store;
    this.#dir = join(store.dir, 'staging');
    this.#names = new FolderSync(this.#dir);
    this.#writer = writer;
    this.#table = table;
    const { space } = store;
    this.#room = new StagingRoom({ space, minFree, patience, clear: (bytes) => store.clear(bytes) });
  }

  static async open(options: DiskStagingOptions): Promise<DiskStaging> {
    const { db, writer } = options;
    const table = new Table<StagedRecord>('staging', await db.rows('staging'), writer, 4 << 20);
    const staging = new DiskStaging(options, table);
    mkdirSync(staging.#dir, { recursive: true });
    await staging.#readRecords();
    void staging.#measure().catch(() => undefined);
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
      throw new FsError('EBADF', 'open', { subject: sealed.id, reason: 'only a sealed file is forked' });
    if (parent.size <= BLOCK_SIZE) return this.#copy(parent);
    const record = { base: { staged: parent.id, size: parent.size } };
    const file = this.#create(record, new ForkBase(parent), parent.size);
    await this.#writer.write([]);
    return file;
  }

  async open(id: string): Promise<StagedFile> {
    if (this.#table.get(id)?.hidden === true) throw noFile(id);
    return this.#load(id);
  }

  async ids(): Promise<string[]> {
    const names = await readdir(this.#dir);
    return names.filter((id) => this.#table.get(id)?.hidden !== true);
  }

  async discard(id: string): Promise<void> {
    if ((this.#forks.get(id)?.size ?? 0) > 0) {
      await this.#writer.write([this.#table.put(id, { ...this.#table.get(id), hidden: true })]);
      return;
    }
    await this.#remove(id);
  }

  async adopt(file: StagedFile, content: Content, ops: readonly Op[]): Promise<void> {
    const staged = this.#mine(file);
    const { hash, digests } = await staged.manifest(background);
    if (hash !== content.hash) throw new FsError('EINVAL', 'rename', { subject: file.id, reason: 'another content' });
    const gone = this.#table.get(file.id) === undefined ? [] : [this.#table.del(file.id)];
    const forked = this.#rebase(file.id, content);
    const adopted = { path: staged.path, present: staged.present(), digests };
    await this.#store.adopt(content, adopted, [...gone, ...forked, ...ops]);
    // Forked while that was written.
    await this.#writer.write(this.#rebase(file.id, content));
    staged.adopted(content, new ContentBase(content, this.#store));
    this.#forks.delete(file.id);
    this.#files.delete(file.id);
    this.#store.pool.forget(staged.path);
    await rm(staged.path, { force: true });
    await this.#leaveParent(file.id, staged.record);
  }

  usage(): number {
    let bytes = 0;
    for (const file of this.#files.values()) bytes += file.bytes;
    for (const left of this.#left.values()) bytes += left;
    return bytes;
  }

  /** Gives descriptors back; the files stay. */
  close(): void {
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
  }

  #create(record: StagedRecord, base: StagedBase | undefined, size: number): DiskStagedFile {
    const id = randomUUID();
    const path = this.#path(id);
    const file = this.#store.pool.borrow(path, { create: true });
    try {
      if (size > 0) ftruncateSync(file.fd, size);
      this.#names.changed();
      if (record.base !== undefined) this.#save(id, record).catch(() => undefined);
      this.#noteFork(id, record);
      return this.#make(id, record, base);
    } catch (error) {
      throw asFsError(error, 'create', id);
    } finally {
      file.release();
    }
  }

  #make(id: string, record: StagedRecord, base: StagedBase | undefined): DiskStagedFile {
    const { pool } = this.#store;
    const save = (record: StagedRecord): Promise<void> => this.#save(id, record);
    const barrier = (): Promise<void> => this.#barrier();
    const path = this.#path(id);
    const file = new DiskStagedFile({ id, path, pool, room: this.#room, base, record, save, barrier });
    this.#files.set(id, file);
    this.#left.delete(id);
    return file;
  }

  #save(id: string, record: StagedRecord): Promise<void> {
    return this.#writer.write([this.#table.put(id, record)]);
  }

  async #copy(parent: DiskStagedFile): Promise<StagedFile> {
    const data = Buffer.allocUnsafeSlow(parent.size);
    await parent.read(data, 0, background);
    const file = this.#create({}, undefined, 0);
    await file.append(data, background);
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
    if (!isId(id) || !existsSync(this.#path(id))) throw noFile(id);
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
    this.#left.delete(id);
    this.#store.pool.forget(this.#path(id));
    await rm(this.#path(id), { force: true });
    if (this.#table.get(id) !== undefined) await this.#writer.write([this.#table.del(id)]);
    await this.#leaveParent(id, record);
  }

  /** Those that are based on a staged file are based on the content that it becomes, if they are not yet. */
  #rebase(parent: string, content: Content): Op[] {
    const ops: Op[] = [];
    for (const id of this.#forks.get(parent) ?? []) {
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

  #noteFork(id: string, { base }: StagedRecord): void {
    if (base === undefined || !isFork(base)) return;
    const forks = this.#forks.get(base.staged) ?? new Set();
    this.#forks.set(base.staged, forks.add(id));
  }

  /** A discarded file goes with the last one that was based on it. */
  async #leaveParent(id: string, { base }: StagedRecord): Promise<void> {
    if (base === undefined || !isFork(base)) return;
    const forks = this.#forks.get(base.staged);
    forks?.delete(id);
    if (forks === undefined || forks.size > 0) return;
    this.#forks.delete(base.staged);
    if (this.#recordOf(base.staged).hidden === true) await this.#remove(base.staged);
  }

  #mine(file: StagedFile): DiskStagedFile {
    if (file instanceof DiskStagedFile && this.#files.get(file.id) === file) return file;
    throw new FsError('ESTALE', 'open', { subject: file.id, reason: 'not a file of this staging folder any more' });
  }

  #path(id: string): string {
    return join(this.#dir, id);
  }

  async #readRecords(): Promise<void> {
    const names = new Set(await readdir(this.#dir));
    for (const id of names) this.#left.set(id, 0);
    const ops: Op[] = [];
    for (let gt = ''; ;) {
      const page = await this.#table.range({ gt, lt: '~', limit: 1000 });
      for (const [id, record] of page) {
        gt = id;
        if (names.has(id)) this.#noteFork(id, record);
        else ops.push(this.#table.del(id));
      }
      if (page.length < 1000) break;
    }
    if (ops.length > 0) await this.#writer.write(ops);
  }

  async #measure(): Promise<void> {
    for (const id of Array.from(this.#left.keys())) {
      const bytes = await stat(this.#path(id)).then(
        ({ blocks }) => blocks * 512,
        () => 0,
      );
      // Meanwhile it may have been opened or discarded.
      if (this.#left.has(id)) this.#left.set(id, bytes);
    }
  }

  async #barrier(): Promise<void> {
    await this.#names.sync();
    await this.#writer.write([], { sync: true });
  }
}

function isId(id: string): boolean {
  return /^[\w-]+$/.test(id);
}

function noFile(id: string): FsError {
  return new FsError('ENOENT', 'open', { subject: id, reason: 'no such staged file' });
}
