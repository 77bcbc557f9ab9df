import { constants } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Callback, CountCallback, Operations } from 'fuse-native';
import type { Awaitable } from '../../vfs/context.ts';
import type { FileHandle, FileSystem, OpenMode } from '../../vfs/file-system.ts';
import { FsError, isFsError } from '../../vfs/fs-error.ts';
import type { Attr } from '../../vfs/node.ts';
import { pages } from '../../vfs/walk.ts';
import type { OperationName } from '../failures.ts';
import type { FuseLog } from '../log.ts';
import { errnoOf, statfsOf, statOf } from './results.ts';
import type { Call, Calls } from './calls.ts';
import { OpenPaths } from './open-paths.ts';
import { Paths } from './paths.ts';

export interface OperationsOptions {
  readonly fs: FileSystem;
  readonly owner: { readonly uid: number; readonly gid: number };
  readonly calls: Calls;
  readonly log: FuseLog;
}

const MODE = 0o7777;

/** Implements libfuse's operations, which use paths, on the port, which uses node ids. */
export class PathOperations {
  readonly #fs: FileSystem;
  readonly #owner: OperationsOptions['owner'];
  readonly #calls: Calls;
  readonly #log: FuseLog;
  readonly #paths: Paths;
  readonly #open = new OpenPaths();

  constructor({ fs, owner, calls, log }: OperationsOptions) {
    this.#fs = fs;
    this.#owner = owner;
    this.#calls = calls;
    this.#log = log;
    this.#paths = new Paths(fs);
  }

  /** Resolves when the kernel has reported that all files are closed, or after `timeout` ms. */
  async released(timeout: number): Promise<void> {
    for (const until = Date.now() + timeout; this.#open.size > 0 && Date.now() < until;) await sleep(10);
  }

  /** Closes all open files. */
  async close(): Promise<void> {
    this.#paths.close();
    for (const { handle } of this.#open.drain()) {
      await (async () => handle.close())().catch((error: unknown) => {
        this.#log.error({ err: error }, 'a file could not be closed');
      });
    }
  }

  /** The functions that libfuse calls. */
  table(): Operations {
    return { ...this.#names(), ...this.#attributes(), ...this.#files() };
  }

  #names() {
    const fs = this.#fs;
    return {
      readdir: (path, callback) => this.#run('readdir', path, callback, (call) => this.#list(path, call)),
      mkdir: (path, mode, callback) =>
        this.#run('mkdir', path, callback, async (call) => {
          const { parent: folder, name } = await this.#paths.place(path, 'mkdir', call);
          await fs.mkdir(folder, name, { mode: mode & MODE }, call);
        }),
      symlink: (target, path, callback) =>
        this.#run('symlink', path, callback, async (call) => {
          const { parent: folder, name } = await this.#paths.place(path, 'symlink', call);
          await fs.symlink(folder, name, target, call);
        }),
      unlink: (path, callback) => this.#run('unlink', path, callback, (call) => this.#unlink(path, call)),
      rmdir: (path, callback) =>
        this.#run('rmdir', path, callback, async (call) => {
          const { parent: folder, name } = await this.#paths.place(path, 'rmdir', call);
          await fs.rmdir(folder, name, call);
        }),
      rename: (from, to, callback) => this.#run('rename', from, callback, (call) => this.#rename(from, to, call)),
      link: (from, _to, callback) =>
        this.#run('link', from, callback, async () => {
          throw new FsError('EPERM', 'link', { subject: from, reason: 'hard links are not supported' });
        }),
    } satisfies Partial<Operations>;
  }

  #attributes() {
    const fs = this.#fs;
    return {
      getattr: (path, callback) =>
        this.#run('getattr', path, callback, async (call) => statOf(await this.#attr(path, call), this.#owner)),
      readlink: (path, callback) =>
        this.#run('readlink', path, callback, async (call) => {
          const { id } = await this.#paths.find(path, 'readlink', call);
          return await fs.readlink(id, call);
        }),
      statfs: (path, callback) =>
        this.#run('statfs', path, callback, async (call) => {
          const { id } = await this.#paths.find(path, 'statfs', call);
          return statfsOf(await fs.statfs(id, call));
        }),
      chmod: (path, mode, callback) =>
        this.#run('chmod', path, callback, (call) => this.#set(path, { mode: mode & MODE }, call)),
      utimens: (path, _atime, mtime, callback) =>
        this.#run('utimens', path, callback, (call) => this.#set(path, { mtime }, call)),
      truncate: (path, size, callback) =>
        this.#run('truncate', path, callback, async (call) => {
          const hidden = this.#open.hidden(path);
          if (hidden?.writable) await hidden.handle.truncate(size, call);
          else await this.#set(path, { size }, call);
        }),
      // Owners are not stored, but setting one succeeds, so that `tar` and `cp -a` work.
      chown: (path, _uid, _gid, callback) =>
        this.#run('chown', path, callback, async (call) => void (await this.#attr(path, call))),
    } satisfies Partial<Operations>;
  }

  #files() {
    const on = <T>(fd: number, op: string, use: (handle: FileHandle) => T): T => use(this.#open.get(fd, op).handle);
    return {
      open: (path, flags, callback) =>
        this.#run('open', path, callback, async (call) => {
          const { id } = await this.#paths.find(path, 'open', call);
          const mode = modeOf(flags);
          return this.#open.add(await this.#fs.open(id, mode, call), mode.write);
        }),
      create: (path, mode, callback) =>
        this.#run('create', path, callback, async (call) => {
          const { parent: folder, name } = await this.#paths.place(path, 'create', call);
          const how = { read: true, write: true };
          return this.#open.add(await this.#fs.create(folder, name, { mode: mode & MODE }, how, call), true);
        }),
      read: (path, fd, buffer, length, position, callback) =>
        this.#count('read', path, callback, (call) =>
          on(fd, 'read', (handle) => handle.read(buffer.subarray(0, length), position, call)),
        ),
      write: (path, fd, buffer, length, position, callback) =>
        this.#count('write', path, callback, async (call) => {
          await on(fd, 'write', (handle) => handle.write(buffer.subarray(0, length), position, call));
          return length;
        }),
      ftruncate: (path, fd, size, callback) =>
        this.#run('ftruncate', path, callback, (call) => on(fd, 'ftruncate', (handle) => handle.truncate(size, call))),
      flush: (path, fd, callback) =>
        this.#run('flush', path, callback, (call) => on(fd, 'flush', (handle) => handle.flush?.(call))),
      fsync: (path, _datasync, fd, callback) =>
        this.#run('fsync', path, callback, (call) => on(fd, 'fsync', (handle) => handle.sync(call))),
      release: (path, fd, callback) => this.#run('release', path, callback, () => this.#open.take(fd)?.handle.close()),
    } satisfies Partial<Operations>;
  }

  #run<T>(op: OperationName, path: string, callback: Callback<T>, work: (call: Call) => Awaitable<T>): void {
    this.#settle(op, path, work, (value) => callback(0, value), callback);
  }

  #count(op: OperationName, path: string, callback: CountCallback, work: (call: Call) => Awaitable<number>): void {
    this.#settle(op, path, work, callback, callback);
  }

  /** Calls exactly one of both functions in any case, as a caller without a response would wait forever. */
  #settle<T>(
    op: OperationName,
    path: string,
    work: (call: Call) => Awaitable<T>,
    done: (value: T) => void,
    refused: (errno: number) => void,
  ): void {
    const call = this.#calls.begin();
    const over = (async () => work(call))().then(done, (error: unknown) => {
      if (!isFsError(error) || error.code === 'EIO') this.#log.warn({ err: error, op, path }, 'a call failed');
      refused(errnoOf(error, op));
    });
    void over.finally(() => this.#calls.end(call));
  }

  async #list(path: string, call: Call): Promise<string[]> {
    const { id } = await this.#paths.find(path, 'readdir', call);
    const names = ['.', '..'];
    for await (const page of pages(this.#fs, id, call)) for (const { name } of page.entries) names.push(name);
    return names;
  }

  async #attr(path: string, call: Call): Promise<Attr> {
    const hidden = this.#open.hidden(path);
    return hidden === undefined ? await this.#paths.find(path, 'getattr', call) : await hidden.handle.attr(call);
  }

  async #set(path: string, changes: Parameters<FileSystem['setattr']>[1], call: Call): Promise<void> {
    // The mode of a file without a name cannot be seen by any program.
    if (this.#open.hidden(path) !== undefined) return;
    const { id } = await this.#paths.find(path, 'setattr', call);
    await this.#fs.setattr(id, changes, call);
  }

  async #unlink(path: string, call: Call): Promise<void> {
    if (this.#open.unhide(path)) return;
    const { parent: folder, name } = await this.#paths.place(path, 'unlink', call);
    await this.#fs.unlink(folder, name, call);
  }

  /** libfuse removes an open file by renaming it to a hidden name. The port can remove it while it stays open. */
  async #rename(from: string, to: string, call: Call): Promise<void> {
    const source = await this.#paths.place(from, 'rename', call);
    if (OpenPaths.isRemoval(from, to)) {
      const { id, kind } = await this.#fs.lookup(source.parent, source.name, call);
      const file = this.#open.of(id);
      if (kind === 'file' && file !== undefined) {
        await this.#fs.unlink(source.parent, source.name, call);
        return this.#open.hide(to, file);
      }
    }
    await this.#fs.rename(source, await this.#paths.place(to, 'rename', call), {}, call);
  }
}

/** Without `O_APPEND`, as the kernel determines the offset of appended writes itself. */
function modeOf(flags: number): OpenMode {
  const access = flags & (constants.O_WRONLY | constants.O_RDWR);
  const truncate = (flags & constants.O_TRUNC) !== 0;
  const write = access !== constants.O_RDONLY || truncate;
  return { read: access !== constants.O_WRONLY, write, truncate };
}
