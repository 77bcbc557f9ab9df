import type { Awaitable, Context } from './context.ts';
import type {
  Change,
  CopyOptions,
  Draft,
  FileHandle,
  FileSystem,
  Hold,
  OpenMode,
  Page,
  PageRequest,
  Place,
  RenameFlags,
} from './file-system.ts';
import type { Attr, AttrChanges, NewAttr, NodeId, StatFs, Xattrs } from './node.ts';

/**
 * Passes every call on to another file system; a layer extends it and overrides what it changes. A method that a layer
 * does not override reaches the file system below unchecked.
 */
export class ForwardingFileSystem implements FileSystem {
  readonly root: NodeId;
  readonly #fs: FileSystem;

  constructor(fs: FileSystem) {
    this.root = fs.root;
    this.#fs = fs;
  }

  lookup(folder: NodeId, name: string, context: Context): Awaitable<Attr> {
    return this.#fs.lookup(folder, name, context);
  }

  getattr(node: NodeId, context: Context): Awaitable<Attr> {
    return this.#fs.getattr(node, context);
  }

  setattr(node: NodeId, changes: AttrChanges, context: Context): Awaitable<Attr> {
    return this.#fs.setattr(node, changes, context);
  }

  readdir(folder: NodeId, page: PageRequest, context: Context): Awaitable<Page> {
    return this.#fs.readdir(folder, page, context);
  }

  readlink(node: NodeId, context: Context): Awaitable<string> {
    return this.#fs.readlink(node, context);
  }

  xattrs(node: NodeId, context: Context): Awaitable<Xattrs> {
    return this.#fs.xattrs(node, context);
  }

  facts(node: NodeId, context: Context): Awaitable<Readonly<Record<string, string>>> {
    return this.#fs.facts?.(node, context) ?? {};
  }

  mkdir(folder: NodeId, name: string, attr: NewAttr, context: Context): Awaitable<Attr> {
    return this.#fs.mkdir(folder, name, attr, context);
  }

  symlink(folder: NodeId, name: string, target: string, context: Context): Awaitable<Attr> {
    return this.#fs.symlink(folder, name, target, context);
  }

  create(folder: NodeId, name: string, attr: NewAttr, mode: OpenMode, context: Context): Awaitable<FileHandle> {
    return this.#fs.create(folder, name, attr, mode, context);
  }

  open(file: NodeId, mode: OpenMode, context: Context): Awaitable<FileHandle> {
    return this.#fs.open(file, mode, context);
  }

  draft(folder: NodeId, name: string, attr: NewAttr, context: Context): Awaitable<Draft> {
    return this.#fs.draft(folder, name, attr, context);
  }

  unlink(folder: NodeId, name: string, context: Context): Awaitable<void> {
    return this.#fs.unlink(folder, name, context);
  }

  rmdir(folder: NodeId, name: string, context: Context): Awaitable<void> {
    return this.#fs.rmdir(folder, name, context);
  }

  removeTree(folder: NodeId, name: string, context: Context): Awaitable<void> {
    return this.#fs.removeTree(folder, name, context);
  }

  rename(from: Place, to: Place, flags: RenameFlags, context: Context): Awaitable<Attr> {
    return this.#fs.rename(from, to, flags, context);
  }

  copy(node: NodeId, to: Place, options: CopyOptions, context: Context): Awaitable<Attr> {
    return this.#fs.copy(node, to, options, context);
  }

  hold(node: NodeId, context: Context): Awaitable<Hold> {
    return this.#fs.hold(node, context);
  }

  statfs(node: NodeId, context: Context): Awaitable<StatFs> {
    return this.#fs.statfs(node, context);
  }

  sync(context: Context): Awaitable<void> {
    return this.#fs.sync?.(context);
  }

  watch(listener: (change: Change) => void): () => void {
    return this.#fs.watch(listener);
  }
}
