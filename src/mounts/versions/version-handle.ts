import type { ContentReader } from '../../cache/content/content.ts';
import type { Awaitable, Context } from '../../vfs/context.ts';
import type { FileHandle } from '../../vfs/file-system.ts';
import { FsError } from '../../vfs/fs-error.ts';
import type { Attr, NodeId } from '../../vfs/node.ts';
import { checkAborted, checkSize } from '../drive/attr-values.ts';

/** An open kept version: content that never changes. */
export class VersionHandle implements FileHandle {
  readonly #attr: Attr;
  readonly #reader: ContentReader;
  #open = true;

  constructor(attr: Attr, reader: ContentReader) {
    this.#attr = attr;
    this.#reader = reader;
  }

  get node(): NodeId {
    return this.#attr.id;
  }

  attr(context: Context): Attr {
    this.#check('fstat', context);
    return this.#attr;
  }

  read(into: Uint8Array, position: number, context: Context): Awaitable<number> {
    this.#check('read', context);
    checkSize(position, 'read');
    return this.#reader.read(into, position, context);
  }

  write(): never {
    throw new FsError('EBADF', 'write', { subject: this.#attr.name, reason: 'the file was not opened for this' });
  }

  truncate(): never {
    throw new FsError('EBADF', 'ftruncate', { subject: this.#attr.name, reason: 'the file was not opened for this' });
  }

  sync(context: Context): void {
    this.#check('fsync', context);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#reader.close();
  }

  #check(op: string, context: Context): void {
    if (!this.#open) throw new FsError('EBADF', op, { reason: 'the handle is closed' });
    checkAborted(context, op);
  }
}
