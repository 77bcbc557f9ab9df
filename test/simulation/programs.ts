import { background as context } from '../../src/vfs/context.ts';
import type { FileHandle, FileSystem } from '../../src/vfs/file-system.ts';
import { FsError } from '../../src/vfs/fs-error.ts';
import type { Attr } from '../../src/vfs/node.ts';
import { find, splitPath, walk } from '../../src/vfs/walk.ts';

/** The context of a program's operation on a drive. */
export interface Work {
  readonly fs: FileSystem;
  /** Open files of programs, by their names in the script. */
  readonly handles: Map<string, FileHandle>;
  /**
   * To be called with a node whose content has just changed, before anything else happens; `text` is the content if
   * it is not staged.
   */
  readonly changed: (node: string, text?: string) => void;
}

/** A kind of step by a program. */
export interface Program {
  /** Paths whose contents are overwritten or removed. */
  readonly overwrites?: (args: readonly string[]) => readonly string[];
  /** The path whose content is acknowledged when the step is done. */
  readonly run: (work: Work, ...args: string[]) => Promise<unknown>;
}

const readWrite = { read: true, write: true };
const first = ([path = '']: readonly string[]): string[] => [path];
const second = ([, path = '']: readonly string[]): string[] => [path];

/** All operations of programs on a drive, through the port that doors use. */
export const PROGRAMS: Readonly<Record<string, Program>> = {
  /** Creates or replaces a file in one step, as a PUT does. */
  write: {
    overwrites: first,
    run: async ({ fs, changed }, path = '', content = '') => {
      const [folder, name] = await place(fs, path);
      const draft = await fs.draft(folder.id, name, {}, context);
      try {
        await draft.append(Buffer.from(content), context);
        changed((await draft.commit({}, context)).id);
      } finally {
        await draft.discard();
      }
    },
  },
  /** Copies to a new name, like `cp`. */
  create: {
    run: async ({ fs, changed }, path = '', content = '') => {
      const [folder, name] = await place(fs, path);
      const handle = await fs.create(folder.id, name, {}, readWrite, context);
      await closing(handle, async () => {
        await handle.write(Buffer.from(content), 0, context);
        changed(handle.node);
      });
    },
  },
  /** Overwrites the middle of a file. */
  patch: {
    overwrites: first,
    run: ({ fs, changed }, path = '', content = '') =>
      onFile(fs, path, async (handle) => {
        const { size } = await handle.attr(context);
        await handle.write(Buffer.from(content), Math.floor(size / 2), context);
        changed(handle.node);
      }),
  },
  append: {
    overwrites: first,
    run: ({ fs, changed }, path = '', content = '') =>
      onFile(fs, path, async (handle) => {
        const { size } = await handle.attr(context);
        await handle.write(Buffer.from(content), size, context);
        changed(handle.node);
      }),
  },
  /** Truncates and writes, like a shell's `>`. */
  rewrite: {
    overwrites: first,
    run: ({ fs, changed }, path = '', content = '') =>
      onFile(
        fs,
        path,
        async (handle) => {
          await handle.write(Buffer.from(content), 0, context);
          changed(handle.node);
        },
        true,
      ),
  },
  truncate: {
    overwrites: first,
    run: async ({ fs, changed }, path = '', size = '0') => {
      const { id } = await at(fs, path);
      const before = await read(fs, path);
      await fs.setattr(id, { size: Number(size) }, context);
      changed(id, before.slice(0, Number(size)).padEnd(Number(size), '\0'));
    },
  },
  /** Saves as editors do: writes a new file, and renames it over the old one. */
  save: {
    overwrites: ([path = '']) => [path, `${path}.new`],
    run: async (work, path = '', content = '') => {
      await program('write').run(work, `${path}.new`, content);
      await program('mv').run(work, `${path}.new`, path);
    },
  },
  /** Saves as other editors do: moves the old file aside, creates a new one, and removes the old one. */
  backup: {
    overwrites: ([path = '']) => [path, `${path}~`],
    run: async (work, path = '', content = '') => {
      await program('mv').run(work, path, `${path}~`);
      await program('create').run(work, path, content);
      await program('rm').run(work, `${path}~`);
    },
  },
  /** Opens a file, creating it if necessary, and keeps it open. */
  open: {
    run: async ({ fs, handles }, name = '', path = '') => {
      if (handles.has(name)) throw new FsError('EBUSY', 'open');
      const [folder, last] = await place(fs, path);
      const file = await find(fs, folder.id, last, context);
      const handle =
        file === undefined
          ? await fs.create(folder.id, last, {}, readWrite, context)
          : await fs.open(file.id, readWrite, context);
      handles.set(name, handle);
    },
  },
  /** Writes at the end of an open file. */
  add: {
    run: async ({ handles, changed }, name = '', content = '') => {
      const handle = handles.get(name);
      if (handle === undefined) throw new FsError('EBADF', 'write');
      const { size } = await handle.attr(context);
      await handle.write(Buffer.from(content), size, context);
      changed(handle.node);
    },
  },
  empty: {
    run: async ({ handles, changed }, name = '') => {
      const handle = handles.get(name);
      if (handle === undefined) throw new FsError('EBADF', 'truncate');
      await handle.truncate(0, context);
      changed(handle.node);
    },
  },
  fsync: {
    run: async ({ handles }, name = '') => {
      await handles.get(name)?.sync(context);
    },
  },
  close: {
    run: async ({ handles }, name = '') => {
      const handle = handles.get(name);
      handles.delete(name);
      await handle?.close();
    },
  },
  mkdir: {
    run: async ({ fs }, path = '') => {
      const [folder, name] = await place(fs, path);
      await fs.mkdir(folder.id, name, {}, context);
    },
  },
  ln: {
    run: async ({ fs }, path = '', target = '') => {
      const [folder, name] = await place(fs, path);
      await fs.symlink(folder.id, name, target, context);
    },
  },
  mv: { overwrites: second, run: ({ fs }, from = '', to = '') => rename(fs, from, to, {}) },
  mvnew: { run: ({ fs }, from = '', to = '') => rename(fs, from, to, { noReplace: true }) },
  swap: { run: ({ fs }, from = '', to = '') => rename(fs, from, to, { exchange: true }) },
  cp: {
    overwrites: second,
    run: async ({ fs }, from = '', to = '') => {
      const { id } = await at(fs, from);
      const [folder, name] = await place(fs, to);
      await fs.copy(id, { parent: folder.id, name }, { replace: true }, context);
    },
  },
  cpnew: {
    run: async ({ fs }, from = '', to = '') => {
      const { id } = await at(fs, from);
      const [folder, name] = await place(fs, to);
      await fs.copy(id, { parent: folder.id, name }, { replace: false }, context);
    },
  },
  rm: {
    overwrites: first,
    run: async ({ fs }, path = '') => {
      const [folder, name] = await place(fs, path);
      await fs.unlink(folder.id, name, context);
    },
  },
  rmdir: {
    run: async ({ fs }, path = '') => {
      const [folder, name] = await place(fs, path);
      await fs.rmdir(folder.id, name, context);
    },
  },
  rmtree: {
    overwrites: first,
    run: async ({ fs }, path = '') => {
      const [folder, name] = await place(fs, path);
      await fs.removeTree(folder.id, name, context);
    },
  },
  chmod: {
    run: async ({ fs }, path = '', mode = '') => {
      await fs.setattr((await at(fs, path)).id, { mode: Number.parseInt(mode, 8) }, context);
    },
  },
  touch: {
    run: async ({ fs }, path = '', mtime = '') => {
      await fs.setattr((await at(fs, path)).id, { mtime: Number(mtime) }, context);
    },
  },
  xattr: {
    run: async ({ fs }, path = '', name = '', value = '') => {
      const xattrs = { [name]: value === '-' ? null : Buffer.from(value).toString('base64') };
      await fs.setattr((await at(fs, path)).id, { xattrs }, context);
    },
  },
  read: {
    run: ({ fs }, path = '') => read(fs, path),
  },
  sync: { run: async ({ fs }) => await fs.sync?.(context) },
};

export function program(verb: string): Program {
  const found = PROGRAMS[verb];
  if (found === undefined) throw new Error(`no program ${verb}`);
  return found;
}

/** The whole content of a file. */
export async function read(fs: FileSystem, path: string): Promise<string> {
  const { id, size } = await at(fs, path);
  const handle = await fs.open(id, { read: true, write: false }, context);
  return await closing(handle, async () => {
    const into = Buffer.alloc(size + 1);
    return into.toString('utf8', 0, await handle.read(into, 0, context));
  });
}

async function rename(fs: FileSystem, from: string, to: string, flags: object): Promise<void> {
  const [source, name] = await place(fs, from);
  const [target, other] = await place(fs, to);
  await fs.rename({ parent: source.id, name }, { parent: target.id, name: other }, flags, context);
}

async function onFile(
  fs: FileSystem,
  path: string,
  work: (handle: FileHandle) => Promise<void>,
  truncate = false,
): Promise<void> {
  const { id } = await at(fs, path);
  const handle = await fs.open(id, { ...readWrite, truncate }, context);
  await closing(handle, () => work(handle));
}

async function closing<T>(handle: FileHandle, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await handle.close();
  }
}

function at(fs: FileSystem, path: string): Promise<Attr> {
  return walk(fs, splitPath(path, 'test'), context);
}

async function place(fs: FileSystem, path: string): Promise<[Attr, string]> {
  const names = splitPath(path, 'test');
  const name = names.pop() ?? '';
  return [await walk(fs, names, context), name];
}
