import type { Context } from '../../src/vfs/context.ts';
import type { Backing, CommitOptions, Draft, FileHandle, OpenMode } from '../../src/vfs/file-system.ts';
import { FsError } from '../../src/vfs/fs-error.ts';
import type { Attr, NodeId } from '../../src/vfs/node.ts';
import { FileBytes } from './file-bytes.ts';
import { MemoryBytes } from './memory-bytes.ts';
import type { MemoryNode } from './memory-node.ts';

/** The largest offset that a double carries exactly. */
const SIZE_MAX = Number.MAX_SAFE_INTEGER;

export interface HandleOwner {
  now(): number;
  written(node: MemoryNode): void;
  closed(node: MemoryNode): void;
}

export class MemoryHandle implements FileHandle {
  readonly node: NodeId;
  readonly #owner: HandleOwner;
  readonly #node: MemoryNode;
  readonly #mode: OpenMode;
  readonly #snapshot: { readonly bytes: MemoryBytes; readonly attr: Attr } | undefined;
  /** Its descriptor stays open as long as the handle, even if the node gets other bytes. */
  #lent: MemoryBytes | undefined;
  #open = true;

  constructor(owner: HandleOwner, node: MemoryNode, mode: OpenMode) {
    this.node = node.id;
    this.#owner = owner;
    this.#node = node;
    this.#mode = mode;
    this.#snapshot = mode.snapshot === true ? { bytes: node.bytes, attr: node.attr } : undefined;
    node.opens++;
  }

  attr(context: Context): Attr {
    this.#check('fstat', true, context);
    return (this.#snapshot ?? this.#node).attr;
  }

  read(into: Uint8Array, position: number, context: Context): number {
    this.#check('read', this.#mode.read, context);
    checkSize(position, 'read');
    return (this.#snapshot ?? this.#node).bytes.read(into, position);
  }

  write(data: Uint8Array, position: number, context: Context): void {
    this.#check('write', this.#mode.write, context);
    const at = this.#mode.append ? this.#node.size : position;
    checkSize(at, 'write');
    checkSize(at + data.length, 'write');
    if (data.length === 0) return;
    this.#node.bytes.write(data, at);
    this.#node.changed(this.#owner.now());
    this.#owner.written(this.#node);
  }

  truncate(size: number, context: Context): void {
    this.#check('ftruncate', this.#mode.write, context);
    checkSize(size, 'ftruncate');
    this.#node.resize(size, this.#owner.now());
    this.#owner.written(this.#node);
  }

  sync(context: Context): void {
    this.#check('fsync', true, context);
  }

  backing(context: Context): Backing | undefined {
    this.#check('backing', true, context);
    const bytes = (this.#lent ??= this.#node.bytes);
    return bytes instanceof FileBytes ? { fd: bytes.fd, key: String(bytes.fd) } : undefined;
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#lent = undefined;
    this.#node.opens--;
    this.#owner.closed(this.#node);
  }

  #check(op: string, allowed: boolean, context: Context): void {
    checkAborted(op, context);
    if (this.#open && allowed) return;
    throw new FsError('EBADF', op, { reason: this.#open ? 'not opened for this' : 'the handle is closed' });
  }
}

export class MemoryDraft implements Draft {
  readonly #bytes = new MemoryBytes();
  readonly #commit: (bytes: MemoryBytes, options: CommitOptions) => Attr;
  #open = true;

  constructor(commit: (bytes: MemoryBytes, options: CommitOptions) => Attr) {
    this.#commit = commit;
  }

  get size(): number {
    return this.#bytes.size;
  }

  append(data: Uint8Array, context: Context): void {
    this.#check('write', context);
    this.#bytes.write(data, this.#bytes.size);
  }

  commit(options: CommitOptions, context: Context): Attr {
    this.#check('commit', context);
    this.#open = false;
    return this.#commit(this.#bytes, options);
  }

  discard(): void {
    this.#open = false;
  }

  #check(op: string, context: Context): void {
    checkAborted(op, context);
    if (!this.#open) throw new FsError('EBADF', op, { reason: 'the draft has ended' });
  }
}

/** @throws EINVAL, EFBIG */
export function checkSize(size: number, op: string): void {
  if (!(size >= 0) || (size <= SIZE_MAX && !Number.isInteger(size))) throw new FsError('EINVAL', op);
  if (size > SIZE_MAX) throw new FsError('EFBIG', op);
}

export function checkAborted(op: string, context: Context): void {
  if (context.signal.aborted) throw new FsError('EINTR', op, { cause: context.signal.reason });
}
