import { constants, type BigIntStats } from 'node:fs';
import {
  cp,
  lstat,
  mkdir,
  open,
  readdir,
  readlink,
  rename,
  rm,
  rmdir,
  symlink,
  unlink,
  utimes,
  chmod,
  statfs,
  truncate,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';

import type {
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
} from '../../src/vfs/file-system.ts';
import { FsError, asFsError } from '../../src/vfs/fs-error.ts';
import { checkName } from '../../src/vfs/name.ts';
import type { Attr, AttrChanges, NewAttr, NodeId, StatFs, Xattrs } from '../../src/vfs/node.ts';
import type { Traits } from '../contract/file-system/rig.ts';
import { HostHandle } from './host-handle.ts';
import { compareUtf8 } from './memory-node.ts';

/** Capabilities that the adapter lacks, whatever the folder below it has. */
export const HOST_TRAITS: Partial<Traits> = {
  stableIds: false,
  xattrs: false,
  noReplace: false,
  exchange: false,
  drafts: false,
  versions: false,
  watch: false,
  birthtime: false,
};

/**
 * The port over a folder of the operating system, by paths: an id is the path below the folder. With it the contract of
 * the port can run on a mount, which another process must serve.
 */
export class HostFs implements FileSystem {
  readonly root: NodeId = '';
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  async lookup(folder: NodeId, name: string): Promise<Attr> {
    return await this.#run('lookup', name, async () => {
      checkName(name, 'lookup');
      return await this.#attr(join(folder, name));
    });
  }

  async getattr(node: NodeId): Promise<Attr> {
    return await this.#run('stat', node, () => this.#attr(node));
  }

  async setattr(node: NodeId, { mode, mtime, size }: AttrChanges): Promise<Attr> {
    return await this.#run('setattr', node, async () => {
      const path = this.#path(node);
      if (size !== undefined) await resize(path, size);
      if (mode !== undefined) await chmod(path, mode);
      if (mtime !== undefined) await utimes(path, mtime / 1000, mtime / 1000);
      return await this.#attr(node);
    });
  }

  async readdir(folder: NodeId, { after, limit }: PageRequest): Promise<Page> {
    return await this.#run('readdir', folder, async () => {
      if (!(limit >= 1)) throw new FsError('EINVAL', 'readdir');
      const names = (await readdir(this.#path(folder))).sort(compareUtf8);
      const rest = after === undefined ? names : names.filter((name) => compareUtf8(name, after) > 0);
      const entries = await Promise.all(rest.slice(0, limit).map((name) => this.#attr(join(folder, name))));
      return { entries, more: rest.length > limit };
    });
  }

  async readlink(node: NodeId): Promise<string> {
    return await this.#run('readlink', node, () => readlink(this.#path(node)));
  }

  async xattrs(): Promise<Xattrs> {
    throw new FsError('ENOTSUP', 'listxattr');
  }

  async mkdir(folder: NodeId, name: string, { mode = 0o755, mtime }: NewAttr): Promise<Attr> {
    return await this.#make('mkdir', folder, name, async (path, id) => {
      await mkdir(path, mode);
      return mtime === undefined ? await this.#attr(id) : await this.setattr(id, { mtime });
    });
  }

  async symlink(folder: NodeId, name: string, target: string): Promise<Attr> {
    return await this.#make('symlink', folder, name, async (path, id) => {
      await symlink(target, path);
      return await this.#attr(id);
    });
  }

  async create(folder: NodeId, name: string, { mode = 0o644, mtime }: NewAttr, how: OpenMode): Promise<FileHandle> {
    return await this.#make('create', folder, name, async (path, id) => {
      const handle = await open(path, flagsOf(how) | constants.O_CREAT | constants.O_EXCL, mode);
      if (mtime !== undefined) await handle.utimes(mtime / 1000, mtime / 1000);
      return new HostHandle(id, handle, how, (stat) => attrOf(id, stat));
    });
  }

  async open(node: NodeId, how: OpenMode): Promise<FileHandle> {
    return await this.#run('open', node, async () => {
      const handle = await open(this.#path(node), flagsOf(how) | constants.O_NOFOLLOW);
      if ((await handle.stat()).isDirectory()) {
        await handle.close();
        throw new FsError('EISDIR', 'open', { subject: node });
      }
      return new HostHandle(node, handle, how, (stat) => attrOf(node, stat));
    });
  }

  async draft(): Promise<Draft> {
    throw new FsError('ENOTSUP', 'draft');
  }

  async unlink(folder: NodeId, name: string): Promise<void> {
    await this.#make('unlink', folder, name, (path) => unlink(path));
  }

  async rmdir(folder: NodeId, name: string): Promise<void> {
    await this.#make('rmdir', folder, name, (path) => rmdir(path));
  }

  async removeTree(folder: NodeId, name: string): Promise<void> {
    await this.#make('removeTree', folder, name, async (path) => {
      await lstat(path);
      await rm(path, { recursive: true });
    });
  }

  async rename(from: Place, to: Place, flags: RenameFlags): Promise<Attr> {
    if (flags.noReplace || flags.exchange) throw new FsError('ENOTSUP', 'rename');
    checkName(from.name, 'rename');
    return await this.#make('rename', to.parent, to.name, async (path, id) => {
      await rename(this.#path(join(from.parent, from.name)), path);
      return await this.#attr(id);
    });
  }

  async copy(node: NodeId, to: Place, { replace }: CopyOptions): Promise<Attr> {
    return await this.#make('copy', to.parent, to.name, async (path, id) => {
      const { kind } = await this.#attr(node);
      const old = await this.#attr(id).catch(() => undefined);
      if (id === node) return await this.#attr(id);
      if (old !== undefined && !replace) throw new FsError('EEXIST', 'copy', { subject: to.name });
      if (old?.kind === 'folder') throw new FsError('EISDIR', 'copy', { subject: to.name });
      if (kind === 'folder') await mkdir(path);
      else await cp(this.#path(node), path, { verbatimSymlinks: true });
      return await this.#attr(id);
    });
  }

  async hold(node: NodeId): Promise<Hold> {
    await this.getattr(node);
    return { release: () => {} };
  }

  async statfs(): Promise<StatFs> {
    const { bsize, blocks, bfree, bavail, files } = await statfs(this.#dir);
    return { total: blocks * bsize, used: (blocks - bfree) * bsize, available: bavail * bsize, files };
  }

  watch(): () => void {
    return () => {};
  }

  #path(id: NodeId): string {
    return join(this.#dir, id);
  }

  async #attr(id: NodeId): Promise<Attr> {
    return attrOf(id, await lstat(this.#path(id), { bigint: true }));
  }

  async #make<T>(op: string, folder: NodeId, name: string, run: (path: string, id: NodeId) => Promise<T>): Promise<T> {
    return await this.#run(op, name, async () => {
      checkName(name, op);
      const id = join(folder, name);
      return await run(this.#path(id), id);
    });
  }

  async #run<T>(op: string, subject: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw asFsError(error, op, subject);
    }
  }
}

async function resize(path: string, size: number): Promise<void> {
  if (size < 0) throw new FsError('EINVAL', 'truncate');
  await truncate(path, size);
}

function flagsOf({ read, write, truncate = false, append = false }: OpenMode): number {
  const access = read ? (write ? constants.O_RDWR : constants.O_RDONLY) : constants.O_WRONLY;
  return access | (truncate ? constants.O_TRUNC : 0) | (append ? constants.O_APPEND : 0);
}

function attrOf(id: NodeId, stat: BigIntStats): Attr {
  const parent = dirname(id);
  return {
    id,
    parent: parent === '.' ? '' : parent,
    name: id.slice(id.lastIndexOf('/') + 1),
    kind: stat.isDirectory() ? 'folder' : stat.isSymbolicLink() ? 'symlink' : 'file',
    size: stat.isDirectory() ? 0 : Number(stat.size),
    mode: Number(stat.mode) & 0o7777,
    mtime: micros(stat.mtimeNs),
    ctime: micros(stat.ctimeNs),
    birthtime: micros(stat.birthtimeNs),
    version: `${stat.size}-${stat.mtimeNs}`,
  };
}

/** Compensates for `utimes` of Node, which takes seconds as a double and is off by some nanoseconds. */
function micros(ns: bigint): number {
  return Math.round(Number(ns) / 1000) / 1000;
}
