import { attrOf } from '../../cache/tree/entry.ts';
import type { Awaitable, Context } from '../../vfs/context.ts';
import type { Backing, FileHandle, OpenMode } from '../../vfs/file-system.ts';
import { FsError } from '../../vfs/fs-error.ts';
import type { Attr, NodeId } from '../../vfs/node.ts';
import { checkAborted, checkSize } from './attr-values.ts';
import type { BackingFile } from './open/backing-file.ts';
import type { OpenFile } from './open/open-file.ts';
import type { OpenFiles } from './open/open-files.ts';

/**
 * A handle of a file of the drive. All handles of a node see the same bytes, including content that another computer or
 * a draft has replaced: they follow the node. To read one content to its end, open a snapshot.
 */
export class DriveHandle implements FileHandle {
  readonly #files: OpenFiles;
  readonly #file: OpenFile;
  readonly #mode: OpenMode;
  /** Present only if a close is to survive the loss of power. */
  readonly flush?: (context: Context) => Awaitable<void>;
  #open = true;
  #backing: BackingFile | undefined;

  /** Takes over one count of `file.handles`, and of its writers. */
  constructor(files: OpenFiles, file: OpenFile, mode: OpenMode) {
    this.#files = files;
    this.#file = file;
    this.#mode = mode;
    if (files.durable) this.flush = (context) => (mode.write ? this.sync(context) : undefined);
  }

  get node(): NodeId {
    return this.#file.node;
  }

  attr(context: Context): Attr {
    this.#check('fstat', true, context);
    return attrOf(this.#file.content.entry);
  }

  read(into: Uint8Array, position: number, context: Context): Awaitable<number> {
    this.#check('read', this.#mode.read, context);
    checkSize(position, 'read');
    return this.#file.read(into, position, context);
  }

  seek(what: 'data' | 'hole', position: number, context: Context): Promise<number | undefined> {
    this.#check('lseek', true, context);
    return this.#file.seek(what, position, context);
  }

  write(data: Uint8Array, position: number, context: Context): Awaitable<void> {
    this.#check('write', this.#mode.write, context);
    if (this.#mode.append !== true) checkSize(position + data.length, 'write', position);
    if (data.length === 0) return;
    return this.#file.write(data, this.#mode.append === true ? 'end' : position, context);
  }

  truncate(size: number, context: Context): Awaitable<void> {
    this.#check('ftruncate', this.#mode.write, context);
    checkSize(size, 'ftruncate');
    return this.#file.truncate(size, context);
  }

  async sync(context: Context): Promise<void> {
    this.#check('fsync', true, context);
    await this.#file.sync();
  }

  async backing(context: Context): Promise<Backing | undefined> {
    this.#check('open', true, context);
    const { write } = this.#mode;
    const backing = this.#backing ?? (await this.#file.openBacking(write));
    // The handle was closed, or another call was faster.
    if (backing !== undefined && backing !== this.#backing && (!this.#open || this.#backing !== undefined)) {
      this.#file.content.closeBacking(backing, write);
      return this.#backing?.backing;
    }
    this.#backing = backing;
    return backing?.backing;
  }

  close(): Awaitable<void> {
    if (!this.#open) return;
    this.#open = false;
    if (this.#backing !== undefined) this.#file.content.closeBacking(this.#backing, this.#mode.write);
    const written = this.#file.content.written();
    return written instanceof Promise ? written.then(() => this.#release()) : this.#release();
  }

  #release(): Awaitable<void> {
    return this.#files.release(this.#file, this.#mode);
  }

  #check(op: string, allowed: boolean, context: Context): void {
    if (!this.#open || !allowed) {
      throw new FsError('EBADF', op, {
        reason: this.#open ? 'the file was not opened for this' : 'the handle is closed',
      });
    }
    checkAborted(context, op);
  }
}
