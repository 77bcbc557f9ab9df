import { attrOf } from '../../cache/tree/entry.ts';
import type { Entry } from '../../cache/tree/entry.ts';
import type { Awaitable, Context } from '../../vfs/context.ts';
import type { FileHandle } from '../../vfs/file-system.ts';
import { FsError } from '../../vfs/fs-error.ts';
import type { Attr, NodeId } from '../../vfs/node.ts';
import { checkAborted, checkSize } from './attr-values.ts';
import type { OpenFile, Pinned } from './open/open-file.ts';
import type { OpenFiles } from './open/open-files.ts';

const READER = { write: false } as const;

/** See `OpenMode.snapshot`. At once, unless the content is staged. @throws EIO */
export function openSnapshot(files: OpenFiles, node: Entry): Awaitable<FileHandle> {
  const file = files.acquire(node, READER);
  try {
    const pinned = file.pin();
    if (!(pinned instanceof Promise)) return new SnapshotHandle(files, file, pinned);
    return pinned.then(
      (pinned) => new SnapshotHandle(files, file, pinned),
      (error: unknown) => {
        void files.release(file, READER);
        throw error;
      },
    );
  } catch (error) {
    void files.release(file, READER);
    throw error;
  }
}

/**
 * A handle that reads one content of a file to its end. What replaces the content, here or elsewhere, it does not see; what a
 * program writes into the very bytes that it reads, it does.
 */
class SnapshotHandle implements FileHandle {
  readonly #files: OpenFiles;
  readonly #file: OpenFile;
  readonly #pinned: Pinned;
  #open = true;

  /** Takes over one count of `file.handles`, and what is pinned. */
  constructor(files: OpenFiles, file: OpenFile, pinned: Pinned) {
    this.#files = files;
    this.#file = file;
    this.#pinned = pinned;
  }

  get node(): NodeId {
    return this.#file.node;
  }

  attr(context: Context): Attr {
    this.#check('fstat', context);
    return attrOf(this.#pinned.entry);
  }

  read(into: Uint8Array, position: number, context: Context): Awaitable<number> {
    this.#check('read', context);
    checkSize(position, 'read');
    return this.#pinned.source.read(into, position, context);
  }

  write(): never {
    throw new FsError('EBADF', 'write', { reason: 'the file was not opened for this' });
  }

  truncate(): never {
    throw new FsError('EBADF', 'ftruncate', { reason: 'the file was not opened for this' });
  }

  sync(context: Context): void {
    this.#check('fsync', context);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#pinned.source.release();
    void this.#files.release(this.#file, READER);
  }

  #check(op: string, context: Context): void {
    if (!this.#open) throw new FsError('EBADF', op, { reason: 'the handle is closed' });
    checkAborted(context, op);
  }
}
