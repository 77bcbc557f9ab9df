import { lstat } from 'node:fs/promises';
import { startSourceThread, type SourceThread } from '../backup/start-source-thread.ts';
import type { BackupStore } from '../backup/store.ts';
import type { Rules } from '../mounts/policy/policy.ts';
import type { FileSystem } from '../vfs/file-system.ts';
import type { NodeId } from '../vfs/node.ts';
import { Base } from './base.ts';
import { Disk } from './disk.ts';
import { DriveSide } from './drive-side.ts';
import type { Folding } from './grounds.ts';
import { HaltError, PassNotes } from './pass-notes.ts';
import { runPass, type PassScope } from './pass.ts';
import type { DriveFacts, PassParts } from './pass-parts.ts';
import { Removals } from './removals.ts';
import { Rescue } from './rescue.ts';
import { IGNORE_FILE, SyncRules, type Selection } from './rules.ts';

/** Bytes of `.fjordignore` that are read. */
const LONGEST = 1 << 20;

export interface FolderSyncOptions {
  /** Of this pair of folders; it marks the local one. */
  readonly id: string;
  /** Absolute, all links resolved. */
  readonly folder: string;
  readonly selection: Selection;
  readonly fs: FileSystem;
  /** The folder of the drive. */
  readonly top: NodeId;
  readonly facts: DriveFacts;
  readonly reconcile: Rules;
  readonly store: BackupStore;
  /** How long what is missing may be about to appear at another place, ms. */
  readonly hold: number;
  /** Ms of a clock that never steps back. */
  readonly now: () => number;
}

export interface PassRequest {
  readonly scope: PassScope;
  readonly confirmed: boolean;
  readonly signal: AbortSignal;
}

/** A local folder and a folder of the drive, brought together pass by pass. One pass at a time. */
export class FolderSync {
  readonly #options: FolderSyncOptions;
  readonly #disk: Disk;
  readonly #scanner: SourceThread;
  readonly base: Base;
  readonly #rescue: Rescue;
  #rules: SyncRules;
  #ignored = '';
  readonly #removals: Removals;
  readonly #rescued = new Map<string, string>();
  #folding: Folding | undefined;

  constructor(options: FolderSyncOptions) {
    this.#options = options;
    this.#disk = new Disk(options.folder);
    this.#scanner = startSourceThread(options.folder, 'normal');
    this.base = new Base(options.store);
    this.#removals = new Removals(options.hold, options.now);
    this.#rescue = new Rescue(this.#disk, this.base, options.top);
    this.#rules = new SyncRules(options.selection, '');
  }

  /** What is left out, as of the last pass. */
  get rules(): SyncRules {
    return this.#rules;
  }

  /** Marks the folder as the local one of this pair. To be called once, when it is added. @throws errors of node:fs */
  async prepare(): Promise<void> {
    await this.#disk.prepare(this.#options.id);
  }

  /** Why the folder cannot be synced now; undefined if it can. */
  async check(): Promise<string | undefined> {
    return this.#disk.check(this.#options.id);
  }

  /** @throws HaltError; EINTR; FsError */
  async pass({ scope, confirmed, signal }: PassRequest): Promise<PassNotes> {
    const notes = new PassNotes();
    await this.#isOurs();
    const changed = await this.#readRules(signal);
    const whole: PassScope = { local: 'whole', drive: 'whole' };
    const parts = await this.#parts(notes, signal);
    await this.#rescue.run(parts);
    await runPass(parts, changed ? whole : scope, { confirmed, isOurs: async () => this.#isOurs() });
    return notes;
  }

  /** Gives the pair up: both sides keep what they have. */
  async forget(): Promise<void> {
    await this.base.clear();
    await this.#disk.unmark().catch(() => undefined);
  }

  async close(): Promise<void> {
    await Promise.all([this.#disk.close(), this.#scanner.terminate()]);
  }

  async #isOurs(): Promise<void> {
    const reason = await this.check();
    if (reason !== undefined) throw new HaltError({ kind: 'gone', reason });
  }

  async #parts(notes: PassNotes, signal: AbortSignal): Promise<PassParts> {
    const { folder, fs, top, facts, reconcile } = this.#options;
    const context = { signal };
    if (this.#folding === undefined) {
      await this.#rescue.sort();
      this.#folding = await this.#disk.folding();
    }
    const drive = new DriveSide({ fs, base: this.base, top, context });
    if (!(await drive.get(top)))
      throw new HaltError({ kind: 'remote-gone', reason: 'the folder of the drive was removed' });
    const { dev } = await lstat(folder, { bigint: true });
    const both = {
      base: this.base,
      rescued: this.#rescued,
      removals: this.#removals,
      disk: this.#disk,
      scanner: this.#scanner,
      drive,
      rules: this.#rules,
    };
    return { fs, facts, top, reconcile, notes, context, folding: this.#folding, fileSystem: String(dev), ...both };
  }

  /** @returns whether they are others than before */
  async #readRules(signal: AbortSignal): Promise<boolean> {
    let text = '';
    try {
      await this.#disk.read(IGNORE_FILE, (data) => {
        signal.throwIfAborted();
        if (text.length < LONGEST) text += Buffer.from(data).toString('utf8');
      });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOENT' && code !== 'ELOOP' && code !== 'ESTALE') throw error;
    }
    if (text === this.#ignored) return false;
    this.#ignored = text;
    this.#rules = new SyncRules(this.#options.selection, text);
    return true;
  }
}
