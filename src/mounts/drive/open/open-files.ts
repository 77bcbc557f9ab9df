import type { StagedFile } from '../../../cache/content/content.ts';
import type { Entry } from '../../../cache/tree/entry.ts';
import { assign } from '../../../vfs/assign.ts';
import type { OpenMode } from '../../../vfs/file-system.ts';
import type { NodeId } from '../../../vfs/node.ts';
import type { DriveParts } from '../drive-parts.ts';
import { OpenFile } from './open-file.ts';
import type { Seal } from './session.ts';
import { finishWriting } from './writing.ts';

/** The files that are open, one record for each node, shared by its handles. */
export class OpenFiles {
  readonly #parts: DriveParts;
  readonly #files = new Map<NodeId, OpenFile>();

  constructor(parts: DriveParts) {
    this.#parts = parts;
  }

  /** How many files are open. */
  get size(): number {
    return this.#files.size;
  }

  get(node: NodeId): OpenFile | undefined {
    return this.#files.get(node);
  }

  /** An entry from the catalog, with what its writers have not flushed. */
  overlay(entry: Entry): Entry {
    if (this.#files.size === 0) return entry;
    return this.#files.get(entry.id)?.overlay(entry) ?? entry;
  }

  /** Counts one more handle of a file. */
  acquire(entry: Entry, { write }: Pick<OpenMode, 'write'>): OpenFile {
    let file = this.#files.get(entry.id);
    if (file === undefined) this.#files.set(entry.id, (file = new OpenFile(this.#parts, entry)));
    file.handles++;
    if (write) {
      file.writers++;
      this.#parts.activity.opened(file.node);
    }
    return file;
  }

  /**
   * Decrements the handle count; the last writer releases the content for upload, the last handle removes the file from
   * memory. Visible at once; resolves when it is on disk.
   */
  release(file: OpenFile, { write }: Pick<OpenMode, 'write'>): Promise<void> | undefined {
    file.handles--;
    let written: Promise<void> | undefined;
    if (write) {
      file.writers--;
      if (file.writers === 0) written = file.flush();
      this.#parts.activity.closed(file.node);
    }
    if (file.handles > 0) return written;
    if (this.#files.get(file.node) === file) this.#files.delete(file.node);
    if (file.isRemoved) this.#parts.activity.forget(file.node);
    file.close();
    return written;
  }

  /** Writes down what open files have not, as when they are closed. */
  async flush(): Promise<void> {
    await Promise.all([...this.#files.values()].map((file) => file.flush()));
  }

  /**
   * Ends the current generation of a file's content, for its upload: later writes go to a new staged file and a new
   * intent. Call it in the turn in which the put was claimed; when it has resolved read the intent and the entry again:
   * both have their final `version`, the entry its final size and times. Returns the sealed staged file that the
   * claimed put names; `undefined` if it names none (a copy by reference, or an empty file).
   * @throws ENOENT if the staged file is lost
   */
  async freeze(node: NodeId): Promise<StagedFile | undefined> {
    const { journal } = this.#parts;
    const put = journal.of(node).find((intent) => intent.op === 'put' && journal.isClaimed(intent.seq));
    if (put === undefined) return undefined;
    const file = this.#files.get(node);
    const seal: Seal = (copy, whole) => {
      if (copy !== undefined && file !== undefined) this.#divert(file, put.seq, copy, whole === true);
      return this.#seal(node, put.staged, copy);
    };
    const sealed = await (file === undefined ? seal() : file.freeze(put.staged, seal));
    if (journal.get(put.seq)?.writing === true) this.#finish(node, sealed);
    return sealed;
  }

  /** The staged content of a file as it is now, sealed so that it can be forked; writers go on in a fork of their own. */
  async snapshot(entry: Entry): Promise<StagedFile | undefined> {
    const file = this.#files.get(entry.id);
    const staged = (): string | undefined => (this.#parts.catalog.get(entry.id) ?? entry).staged;
    const seal: Seal = (copy) => this.#seal(entry.id, staged(), copy);
    return await (file === undefined ? seal() : file.freeze(staged(), seal));
  }

  /** Handles on `from` go on as handles on `to`, which has got its local content and intents. */
  rebind(from: NodeId, to: NodeId): void {
    const file = this.#files.get(from);
    if (file === undefined || from === to) return;
    this.#files.delete(from);
    file.node = to;
    this.#files.set(to, file);
    this.#parts.activity.rebind(from, to);
  }

  /** True while a handle that may write is open. */
  hasWriters(node: NodeId): boolean {
    return (this.#files.get(node)?.writers ?? 0) > 0;
  }

  /** True while any handle is open. */
  isOpen(node: NodeId): boolean {
    return this.#files.has(node);
  }

  /** The writer now works on another node, or under another name: the entry gets the size that is sent. */
  #finish(node: NodeId, sealed: StagedFile | undefined): void {
    const entry = this.#parts.catalog.get(node);
    if (sealed === undefined || entry?.staged !== sealed.id) return;
    const after = { ...entry, size: sealed.size };
    void this.#parts.writer.write(finishWriting(this.#parts, after, sealed), { lazy: true });
  }

  /** A kernel goes on writing into the file that a put names: a copy is sent in its place. */
  #divert(file: OpenFile, seq: number, copy: StagedFile, whole: boolean): void {
    const { journal, catalog, writer, activity, now } = this.#parts;
    const put = journal.get(seq);
    if (put === undefined) return;
    const { writing: _writing, ...finished } = put;
    const { entry } = file;
    const sent = assign(finished, { staged: copy.id, version: entry.version, at: now() });
    void writer.write([journal.put(sent), catalog.update(entry)]);
    file.goOn();
    if (whole) activity.sent(file.node);
  }

  async #seal(node: NodeId, id: string | undefined, copy?: StagedFile): Promise<StagedFile | undefined> {
    if (id === undefined) return undefined;
    const staged = copy ?? this.#files.get(node)?.stagedFile(id) ?? (await this.#parts.staging.open(id));
    staged.seal();
    return staged;
  }
}
