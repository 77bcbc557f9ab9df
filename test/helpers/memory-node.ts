import type { Attr, AttrChanges, Kind, NewAttr, NodeId, Time, Xattrs } from '../../src/vfs/node.ts';
import { FileBytes } from './file-bytes.ts';
import { MemoryBytes } from './memory-bytes.ts';

/** A file, a folder or a symlink of `MemoryFs`. */
export class MemoryNode {
  readonly id: NodeId;
  readonly kind: Kind;
  parent: MemoryNode;
  name: string;
  mode: number;
  mtime: Time;
  ctime: Time;
  birthtime: Time;
  version: string;
  target = '';
  bytes = new MemoryBytes();
  opens = 0;
  /** False once the last name is gone. */
  linked = true;
  readonly xattrs = new Map<string, string>();
  readonly #children = new Map<string, MemoryNode>();
  #sorted: MemoryNode[] | undefined;

  constructor(id: NodeId, kind: Kind, parent: MemoryNode | undefined, name: string, attr: NewAttr, now: Time) {
    this.id = id;
    this.kind = kind;
    this.parent = parent ?? this;
    this.name = name;
    this.mode = kind === 'symlink' ? 0o777 : (attr.mode ?? (kind === 'folder' ? 0o755 : 0o644)) & 0o7777;
    this.mtime = attr.mtime ?? now;
    this.ctime = now;
    this.birthtime = attr.birthtime ?? now;
    this.version = `${id}.0`;
    for (const [name, value] of Object.entries(attr.xattrs ?? {})) this.xattrs.set(name, value);
  }

  get size(): number {
    if (this.kind === 'symlink') return Buffer.byteLength(this.target);
    return this.kind === 'file' ? this.bytes.size : 0;
  }

  get attr(): Attr {
    this.#look();
    const { id, name, kind, size, mode, mtime, ctime, birthtime, version } = this;
    return { id, parent: this.parent.id, name, kind, size, mode, mtime, ctime, birthtime, version };
  }

  get empty(): boolean {
    return this.#children.size === 0;
  }

  child(name: string): MemoryNode | undefined {
    return this.#children.get(name);
  }

  children(): readonly MemoryNode[] {
    this.#sorted ??= [...this.#children.values()].sort((a, b) => compareUtf8(a.name, b.name));
    return this.#sorted;
  }

  link(node: MemoryNode, name: string, now: Time): void {
    node.parent = this;
    node.name = name;
    this.#children.set(name, node);
    this.#touch(now);
  }

  unlink(name: string, now: Time): void {
    this.#children.delete(name);
    this.#touch(now);
  }

  /** All attributes except the size. */
  change({ mode, mtime, birthtime, xattrs }: AttrChanges, now: Time): void {
    this.#look();
    if (mode !== undefined && this.kind !== 'symlink') this.mode = mode & 0o7777;
    this.mtime = mtime ?? this.mtime;
    this.birthtime = birthtime ?? this.birthtime;
    this.ctime = now;
    for (const [name, value] of Object.entries(xattrs ?? {})) {
      if (value === null) this.xattrs.delete(name);
      else this.xattrs.set(name, value);
    }
  }

  /** Records that the content has changed. */
  changed(now: Time): void {
    this.version = `${this.id}.${Number(this.version.slice(this.id.length + 1)) + 1}`;
    this.mtime = now;
    this.ctime = now;
  }

  resize(size: number, now: Time): void {
    if (size === this.bytes.size) return;
    this.bytes.resize(size);
    this.changed(now);
  }

  /** True if `node` is this one or below it. */
  contains(node: MemoryNode): boolean {
    for (let at = node; ; at = at.parent) {
      if (at === this) return true;
      if (at.parent === at) return false;
    }
  }

  allXattrs(): Xattrs {
    return Object.fromEntries(this.xattrs);
  }

  /** Detects writes of the kernel. */
  #look(): void {
    const written = this.bytes instanceof FileBytes ? this.bytes.look() : undefined;
    if (written !== undefined) this.changed(written);
  }

  #touch(now: Time): void {
    this.#sorted = undefined;
    this.mtime = now;
    this.ctime = now;
  }
}

/** Compares strings by their UTF-8 bytes. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Surrogates represent code points above all others, although their units are not the largest. */
function rank(unit: number): number {
  if (unit >= 0xe000) return unit - 0x800;
  return unit >= 0xd800 ? unit + 0x2000 : unit;
}
