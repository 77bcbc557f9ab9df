import type { StagedFile } from '../../../cache/content/content.ts';
import type { Entry } from '../../../cache/tree/entry.ts';
import type { OpenMode } from '../../../vfs/file-system.ts';
import type { NodeId } from '../../../vfs/node.ts';
import type { Awaitable } from '../../../vfs/context.ts';
import { OpenFile, type OpenFileParts } from './open-file.ts';

export interface OpenFilesOptions {
  /** A close resolves only once what it records is on the disk. */
  readonly durable?: boolean;
  /** Called when the last handle of a file was closed. */
  readonly closed?: () => void;
}

/** The files that are open, one record for each node, shared by its handles. */
export class OpenFiles {
  /** Whether a close resolves only once what it records is on the disk. */
  readonly durable: boolean;
  readonly #parts: OpenFileParts;
  readonly #closed: () => void;
  readonly #files = new Map<NodeId, OpenFile>();

  constructor(parts: OpenFileParts, { durable = false, closed = () => undefined }: OpenFilesOptions = {}) {
    this.#parts = parts;
    this.#closed = closed;
    this.durable = durable;
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
    return this.#files.get(entry.id)?.content.overlay(entry) ?? entry;
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
   * memory. Visible at once; if closes are durable it resolves when it is on disk.
   */
  release(file: OpenFile, { write }: Pick<OpenMode, 'write'>): Awaitable<void> {
    const { activity } = this.#parts;
    file.handles--;
    let written: Promise<void> | undefined;
    if (write) {
      file.writers--;
      if (file.writers === 0) written = file.content.flush();
      activity.closed(file.node);
    }
    if (file.handles === 0) this.#close(file);
    if (this.durable) return written;
  }

  /** Writes down what open files have not, as when they are closed. */
  async flush(): Promise<void> {
    await Promise.all([...this.#files.values()].map(({ content }) => content.flush()));
  }

  /**
   * Ends the current generation of a file's content, for its upload: later writes go to a new staged file and a new
   * intent. Call it in the turn in which the put was claimed; when it has resolved read the intent and the entry again:
   * both have their final `version`, the entry its final size and times. Returns the sealed staged file that the
   * claimed put names; `undefined` if it names none (a copy by reference, or an empty file).
   * @throws ENOENT if the staged file is lost
   */
  async freeze(node: NodeId): Promise<StagedFile | undefined> {
    const { records } = this.#parts;
    const put = records.claimed(node);
    if (put === undefined) return undefined;
    const file = this.#files.get(node);
    const sealed = await (file === undefined ? records.seal(put.staged) : file.content.freeze(put));
    records.finishSealed(node, put, sealed);
    return sealed;
  }

  /** The staged content of a file as it is now, sealed so that it can be forked; writers go on in a fork of their own. */
  async snapshot(entry: Entry): Promise<StagedFile | undefined> {
    const file = this.#files.get(entry.id);
    return await (file === undefined ? this.#parts.records.seal(entry.staged) : file.content.freeze());
  }

  /** Handles on `from` go on as handles on `to`, which has got its local content and intents. */
  rebind(from: NodeId, to: NodeId): void {
    const file = this.#files.get(from);
    if (file === undefined || from === to) return;
    this.#files.delete(from);
    file.content.node = to;
    this.#files.set(to, file);
    this.#parts.activity.rebind(from, to);
  }

  /** True while any handle is open. */
  isOpen(node: NodeId): boolean {
    return this.#files.has(node);
  }

  #close(file: OpenFile): void {
    if (this.#files.get(file.node) === file) this.#files.delete(file.node);
    if (file.content.isRemoved) this.#parts.activity.forget(file.node);
    file.content.close();
    this.#closed();
  }
}
