import type { Readable, Writable } from 'node:stream';
import { LRUCache } from 'lru-cache';
import mime from 'mime';
import { v2 as webdav } from 'webdav-server';
import { type Context, background } from '../../vfs/context.ts';
import type { FileSystem, Place } from '../../vfs/file-system.ts';
import { FsError } from '../../vfs/fs-error.ts';
import type { Attr } from '../../vfs/node.ts';
import { children, find, walk } from '../../vfs/walk.ts';
import { settle } from './errors.ts';
import { readStream, writeStream } from './streams.ts';
import { XattrProperties } from './xattr-properties.ts';

/** Most paths whose locks are kept. The library keeps locks by path, in memory. */
const LOCKED_PATHS = 10_000;

/**
 * The library would save and reload file systems through a serializer. A drive persists itself, so nothing is saved.
 */
const serializer: webdav.FileSystemSerializer = {
  uid: () => 'fjord-drive-1',
  serialize: (_fs, callback) => callback(webdav.Errors.MustIgnore),
  unserialize: (_data, callback) => callback(webdav.Errors.MustIgnore),
};

/**
 * A Fjord drive, or any other `FileSystem` of ours, for programs built on the package `webdav-server`:
 * `server.setFileSystem('/drive', new DriveFileSystem(fs), callback)`.
 *
 * Ranges, preconditions and locks then behave as that package implements them, with fewer features than our own engine.
 */
export class DriveFileSystem extends webdav.FileSystem {
  readonly #fs: FileSystem;
  readonly #context: Context;
  readonly #locks = new LRUCache<string, webdav.LocalLockManager>({ max: LOCKED_PATHS });

  constructor(fs: FileSystem, context: Context = background) {
    super(serializer);
    this.doNotSerialize();
    this.#fs = fs;
    this.#context = context;
  }

  protected override _fastExistCheck(
    _ctx: webdav.RequestContext,
    path: webdav.Path,
    callback: (exists: boolean) => void,
  ): void {
    this.#find(path).then(
      () => callback(true),
      () => callback(false),
    );
  }

  protected override _create(path: webdav.Path, { type }: webdav.CreateInfo, callback: webdav.SimpleCallback): void {
    settle('create', callback, async () => {
      const { parent: folder, name } = await this.#place(path);
      if (type.isDirectory) await this.#fs.mkdir(folder, name, {}, this.#context);
      else await (await this.#fs.create(folder, name, {}, { read: false, write: true }, this.#context)).close();
    });
  }

  protected override _delete(path: webdav.Path, _ctx: webdav.DeleteInfo, callback: webdav.SimpleCallback): void {
    settle('unlink', callback, async () => {
      const { parent: folder, name } = await this.#place(path);
      await this.#fs.removeTree(folder, name, this.#context);
    });
  }

  protected override _openWriteStream(
    path: webdav.Path,
    _ctx: webdav.OpenWriteStreamInfo,
    callback: webdav.ReturnCallback<Writable>,
  ): void {
    settle('open', callback, async () => {
      const { parent: folder, name } = await this.#place(path);
      return writeStream(await this.#fs.draft(folder, name, {}, this.#context), this.#context);
    });
  }

  protected override _openReadStream(
    path: webdav.Path,
    _ctx: webdav.OpenReadStreamInfo,
    callback: webdav.ReturnCallback<Readable>,
  ): void {
    settle('open', callback, async () => {
      const { id } = await this.#find(path);
      return readStream(
        await this.#fs.open(id, { read: true, write: false, snapshot: true }, this.#context),
        this.#context,
      );
    });
  }

  protected override _move(
    from: webdav.Path,
    to: webdav.Path,
    { overwrite }: webdav.MoveInfo,
    callback: webdav.ReturnCallback<boolean>,
  ): void {
    settle('rename', callback, async () => {
      const [source, target] = [await this.#place(from), await this.#place(to)];
      const replaced = await this.#makeRoom(target, overwrite);
      await this.#fs.rename(source, target, {}, this.#context);
      return replaced;
    });
  }

  protected override _copy(
    from: webdav.Path,
    to: webdav.Path,
    { overwrite, depth }: webdav.CopyInfo,
    callback: webdav.ReturnCallback<boolean>,
  ): void {
    settle('copy', callback, async () => {
      const [source, target] = [await this.#find(from), await this.#place(to)];
      const replaced = await this.#makeRoom(target, overwrite);
      await this.#copyTree(source, target, depth !== 0);
      return replaced;
    });
  }

  protected override _readDir(
    path: webdav.Path,
    _ctx: webdav.ReadDirInfo,
    callback: webdav.ReturnCallback<string[] | webdav.Path[]>,
  ): void {
    settle<string[]>('readdir', callback, async () => {
      const names: string[] = [];
      const { id } = await this.#find(path);
      for await (const child of children(this.#fs, id, this.#context)) names.push(child.name);
      return names;
    });
  }

  protected override _size(path: webdav.Path, _ctx: webdav.SizeInfo, callback: webdav.ReturnCallback<number>): void {
    settle('stat', callback, async () => (await this.#find(path)).size);
  }

  protected override _etag(path: webdav.Path, _ctx: webdav.ETagInfo, callback: webdav.ReturnCallback<string>): void {
    settle('stat', callback, async () => `"${(await this.#find(path)).version}"`);
  }

  protected override _lastModifiedDate(
    path: webdav.Path,
    _ctx: webdav.LastModifiedDateInfo,
    callback: webdav.ReturnCallback<number>,
  ): void {
    settle('stat', callback, async () => (await this.#find(path)).mtime);
  }

  protected override _creationDate(
    path: webdav.Path,
    _ctx: webdav.CreationDateInfo,
    callback: webdav.ReturnCallback<number>,
  ): void {
    settle('stat', callback, async () => (await this.#find(path)).birthtime);
  }

  protected override _mimeType(
    path: webdav.Path,
    _ctx: webdav.MimeTypeInfo,
    callback: webdav.ReturnCallback<string>,
  ): void {
    callback(undefined, mime.getType(path.fileName() ?? '') ?? 'application/octet-stream');
  }

  protected override _type(
    path: webdav.Path,
    _ctx: webdav.TypeInfo,
    callback: webdav.ReturnCallback<webdav.ResourceType>,
  ): void {
    settle('stat', callback, async () => {
      const { kind } = await this.#find(path);
      return kind === 'folder' ? webdav.ResourceType.Directory : webdav.ResourceType.File;
    });
  }

  protected override _lockManager(
    path: webdav.Path,
    _ctx: webdav.LockManagerInfo,
    callback: webdav.ReturnCallback<webdav.ILockManager>,
  ): void {
    const key = path.toString();
    const locks = this.#locks.get(key) ?? new webdav.LocalLockManager();
    this.#locks.set(key, locks);
    callback(undefined, locks);
  }

  protected override _propertyManager(
    path: webdav.Path,
    _ctx: webdav.PropertyManagerInfo,
    callback: webdav.ReturnCallback<webdav.IPropertyManager>,
  ): void {
    const find = async (): Promise<string> => (await this.#find(path)).id;
    callback(undefined, new XattrProperties(this.#fs, find, this.#context));
  }

  #find(path: webdav.Path): Promise<Attr> {
    return walk(this.#fs, path.paths, this.#context);
  }

  async #place(path: webdav.Path): Promise<Place> {
    const name = path.paths.at(-1);
    if (name === undefined) throw new FsError('EROFS', 'walk', { subject: '/', reason: 'the root cannot be changed' });
    const folder = await walk(this.#fs, path.paths.slice(0, -1), this.#context);
    return { parent: folder.id, name };
  }

  /** Returns whether something was there. @throws EEXIST if it may not be replaced */
  async #makeRoom({ parent: folder, name }: Place, overwrite: boolean): Promise<boolean> {
    const there = await find(this.#fs, folder, name, this.#context);
    if (there === undefined) return false;
    if (!overwrite) throw new FsError('EEXIST', 'rename', { subject: name });
    if (there.kind === 'folder') await this.#fs.removeTree(folder, name, this.#context);
    return true;
  }

  async #copyTree(source: Attr, target: Place, deep: boolean): Promise<void> {
    const copy = await this.#fs.copy(source.id, target, { replace: true }, this.#context);
    if (!deep || source.kind !== 'folder') return;
    for await (const child of children(this.#fs, source.id, this.#context)) {
      await this.#copyTree(child, { parent: copy.id, name: child.name }, true);
    }
  }
}
