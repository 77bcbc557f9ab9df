import type { StagedFile, Staging } from '../../../cache/content/content.ts';
import { type Entry, nextCtime } from '../../../cache/tree/entry.ts';
import type { GroupWriter, Op } from '../../../cache/db/group-writer.ts';
import type { Catalog } from '../../../cache/tree/catalog.ts';
import type { Journal, PendingIntent } from '../../../cache/tree/journal.ts';
import { assign } from '../../../vfs/assign.ts';
import { newId } from '../../../vfs/ids.ts';
import type { NodeId } from '../../../vfs/node.ts';
import type { Changes } from '../changes.ts';
import { planContent, withBase } from '../../intents/plan.ts';
import type { IntentPlanner } from '../../intents/planner.ts';
import { contentOf } from './source.ts';
import { WriteSession } from './write-session.ts';

export interface FileRecordsParts {
  readonly catalog: Catalog;
  readonly journal: Journal;
  readonly planner: IntentPlanner;
  readonly writer: GroupWriter;
  readonly staging: Staging;
  readonly changes: Changes;
  /** Whether a staged file is being turned into cached content. */
  readonly isHeld: (staged: string) => boolean;
  /** ms since 1970 */
  readonly now: () => number;
}

/** A put whose content was staged. */
export type StagedPut = Pick<PendingIntent, 'seq' | 'staged'>;

/**
 * What is recorded of files that are written: their entry in the catalog, their put in the journal, and the staged file that both
 * name. Each change is submitted, and visible, in the turn of its call.
 */
export class FileRecords {
  readonly #catalog: Catalog;
  readonly #journal: Journal;
  readonly #planner: IntentPlanner;
  readonly #writer: GroupWriter;
  readonly #staging: Staging;
  readonly #changes: Changes;
  readonly #isHeld: (staged: string) => boolean;
  readonly #now: () => number;

  constructor({ catalog, journal, planner, writer, staging, changes, isHeld, now }: FileRecordsParts) {
    this.#catalog = catalog;
    this.#journal = journal;
    this.#planner = planner;
    this.#writer = writer;
    this.#staging = staging;
    this.#changes = changes;
    this.#isHeld = isHeld;
    this.#now = now;
  }

  now(): number {
    return this.#now();
  }

  /** The entry of a node; `undefined` if it has lost its name. */
  entry(node: NodeId): Entry | undefined {
    return this.#catalog.get(node);
  }

  /** The put of a node that the uploader has claimed. */
  claimed(node: NodeId): StagedPut | undefined {
    return this.#journal.of(node).find((intent) => intent.op === 'put' && this.#journal.isClaimed(intent.seq));
  }

  /**
   * The staged file to write into: the pending one unless it is being sent; otherwise a new one with the same bytes, or
   * empty if `fresh`. `open` is the entry's staged file, if it is open; `inPlace`: the current file itself should be used if possible,
   * since a kernel has it open. @throws ENOSPC
   */
  async writableFile(
    entry: Entry,
    open: StagedFile | undefined,
    { fresh, inPlace }: { readonly fresh: boolean; readonly inPlace: boolean },
  ): Promise<StagedFile> {
    this.#writer.checkRoom();
    if (entry.staged === undefined) {
      const content = contentOf(entry);
      const seized = inPlace && content !== undefined ? this.#staging.seize(content) : undefined;
      return seized ?? this.#staging.create(fresh ? null : (content ?? null));
    }
    const file = open?.id === entry.staged ? open : await this.#staging.open(entry.staged);
    const put = this.#journal.of(entry.id).find((intent) => intent.staged === entry.staged);
    const sent = put !== undefined && this.#journal.isFixed(put.seq);
    if (!sent && !file.isSealed) return file;
    file.seal();
    return fresh ? this.#staging.create(null) : this.#staging.fork(file);
  }

  newSession(file: StagedFile): WriteSession {
    return new WriteSession(file, newId(this.#now()));
  }

  /**
   * A session begins: the entry names the staged file, and so does a put that is marked as `writing`. Scratch files and
   * removed files get no intent.
   */
  begin(before: Entry, { file, version }: WriteSession): { readonly entry: Entry; readonly written: Promise<void> } {
    const { hash: _hash, remote: _remote, ...rest } = before;
    const at = this.#now();
    const times = { mtime: at, ctime: nextCtime(before, at) };
    const entry: Entry = assign(rest, { staged: file.id, version, size: file.size, ...times });
    if (!this.#catalog.isReachable(before)) return this.#begun(entry, []);
    if (before.local === true) return this.#begun(entry, [this.#catalog.update(entry)]);
    const based: Entry = assign(entry, { base: withBase(before).base ?? null });
    const put = { version, staged: file.id, writing: true } as const;
    const plan = planContent(before, this.#planner.waiting(before.id), put);
    return this.#begun(based, [...this.#planner.ops(plan), this.#catalog.update(based)]);
  }

  /** What was written is recorded and the session goes on. Resolves when it is on disk. */
  update(entry: Entry): Promise<void> {
    return this.#writer.write([this.#catalog.update(entry)], { lazy: true });
  }

  /** The session is over: its put is complete. Resolves when it is on disk. */
  finish(entry: Entry, file: StagedFile): Promise<void> {
    const put = this.#journal.of(entry.id).findLast(({ staged }) => staged === file.id);
    const ops = [this.#catalog.update(entry)];
    if (put !== undefined) ops.push(this.#complete(put, { version: entry.version }));
    return this.#writer.write(ops, { lazy: true });
  }

  /** A put was sealed while its writer works on another node, or under another name: the entry gets the size that is sent. */
  finishSealed(node: NodeId, { seq }: StagedPut, sealed: StagedFile | undefined): void {
    if (this.#journal.get(seq)?.writing !== true) return;
    const entry = this.entry(node);
    if (sealed !== undefined && entry?.staged === sealed.id) void this.finish({ ...entry, size: sealed.size }, sealed);
  }

  /** A copy of the staged file is sent in its place, complete. Returns false if the put is gone. */
  sendCopy({ seq }: StagedPut, entry: Entry, copy: StagedFile): boolean {
    const put = this.#journal.get(seq);
    if (put === undefined) return false;
    const sent = this.#complete(put, { staged: copy.id, version: entry.version });
    void this.#writer.write([sent, this.#catalog.update(entry)]);
    return true;
  }

  /** Notifies of another content of the node. */
  notify(node: NodeId): void {
    this.#changes.emit({ what: 'node', node, content: true });
  }

  /** Resolves when all that was recorded is on disk, even after a loss of power. */
  async sync(): Promise<void> {
    await this.#writer.write([], { sync: true });
  }

  /** @throws ENOENT if it is lost */
  open(staged: string): Promise<StagedFile> {
    return this.#staging.open(staged);
  }

  /** Ends the writing into a staged file that nothing here has open. @throws ENOENT if it is lost */
  async seal(staged: string | undefined): Promise<StagedFile | undefined> {
    const file = staged === undefined ? undefined : await this.#staging.open(staged);
    file?.seal();
    return file;
  }

  copy(file: StagedFile): Promise<StagedFile> {
    return this.#staging.copy(file);
  }

  /** Removes a staged file that is no longer used, unless it waits to be sent or was just sent. */
  discard(staged: string): void {
    if (!this.#journal.names(staged) && !this.#isHeld(staged)) this.#staging.discard(staged).catch(() => undefined);
  }

  #begun(entry: Entry, ops: readonly Op[]): { entry: Entry; written: Promise<void> } {
    return { entry, written: this.#writer.write(ops) };
  }

  #complete({ writing: _writing, ...put }: PendingIntent, content: Pick<PendingIntent, 'version' | 'staged'>): Op {
    return this.#journal.put(assign(assign(put, content), { at: this.#now() }));
  }
}
