import type { Test } from 'tap';
import { background } from '../../../src/vfs/context.ts';
import type { Awaitable } from '../../../src/vfs/context.ts';
import type { FileHandle, FileSystem, OpenMode } from '../../../src/vfs/file-system.ts';
import { isFsError, type Code } from '../../../src/vfs/fs-error.ts';
import type { Attr, NodeId } from '../../../src/vfs/node.ts';

/** The result of a factory for the contract. */
export interface Rig {
  readonly fs: FileSystem;
  /** An empty folder to work in. */
  readonly folder: NodeId;
  teardown?(): Awaitable<void>;
}

/**
 * The capabilities of an implementation. Weaker ones are described here as data; the gateway itself has all of them.
 */
export interface Traits {
  /**
   * `exact`: errors have the documented code; `some`: any error will do, as an HTTP status stands for several codes.
   */
  readonly errors: 'exact' | 'some';
  /** `Attr.id` survives renames, and handles refer to the node and not to the name. */
  readonly stableIds: boolean;
  /** Handles write in place at any position, visible at once. Otherwise only whole files, visible after `close`. */
  readonly randomWrites: boolean;
  /** Open handles work after `unlink` and when the name is replaced. */
  readonly openUnlinked: boolean;
  /** They also work after the folder around the file is removed. */
  readonly openRemovedTree: boolean;
  /** Offsets beyond 4 GiB, and holes that take no space. */
  readonly sparse: boolean;
  readonly symlinks: boolean;
  readonly modes: boolean;
  readonly xattrs: boolean;
  readonly noReplace: boolean;
  readonly exchange: boolean;
  readonly copyFolders: boolean;
  /** Drafts, with `expected` in their commit. */
  readonly drafts: boolean;
  /** `Attr.version` changes exactly with the content. */
  readonly versions: boolean;
  readonly watch: boolean;
  readonly statfs: boolean;
  readonly birthtime: boolean;
  /** Precision of an mtime, ms. */
  readonly timePrecision: number;
  /** Control characters in names. */
  readonly controlNames: boolean;
  /** Names that differ only in Unicode normal form are different. */
  readonly normalForms: boolean;
  /** Number of random programs in the model test. */
  readonly runs: number;
}

export const FULL: Traits = {
  errors: 'exact',
  stableIds: true,
  randomWrites: true,
  openUnlinked: true,
  openRemovedTree: true,
  sparse: true,
  symlinks: true,
  modes: true,
  xattrs: true,
  noReplace: true,
  exchange: true,
  copyFolders: true,
  drafts: true,
  versions: true,
  watch: true,
  statfs: true,
  birthtime: true,
  timePrecision: 1,
  controlNames: true,
  normalForms: true,
  runs: 60,
};

type Ability = { [K in keyof Traits]: Traits[K] extends boolean ? K : never }[keyof Traits];

/** The environment of a case: `folder` is empty and used by no other case. */
export interface Case {
  readonly t: Test;
  readonly fs: FileSystem;
  readonly folder: NodeId;
  readonly traits: Traits;
}

export type Add = (name: string, body: (c: Case) => Promise<void>, ...needs: Ability[]) => void;

/** Adds a case, which is skipped if a trait that it needs is missing. */
export function adder(t: Test, part: string, rig: () => Rig, traits: Traits): Add {
  let count = 0;
  return (name, body, ...needs) => {
    const missing = needs.filter((need) => !traits[need]);
    const skip = missing.length > 0 && `without ${missing.join(', ')}`;
    t.test(name, { skip }, async (t) => {
      const { fs, folder } = rig();
      const own = await fs.mkdir(folder, `${part}-${String(++count).padStart(2, '0')}`, {}, background);
      await body({ t, fs, folder: own.id, traits });
    });
  };
}

export const readWrite: OpenMode = { read: true, write: true };
export const readOnly: OpenMode = { read: true, write: false };
export const writeOnly: OpenMode = { read: false, write: true };

/** Creates a file with content. */
export async function put(
  { fs }: Pick<Case, 'fs'>,
  folder: NodeId,
  name: string,
  data: Uint8Array | string = '',
): Promise<Attr> {
  const handle = await fs.create(folder, name, {}, writeOnly, background);
  try {
    await handle.write(Buffer.from(data), 0, background);
  } finally {
    await handle.close();
  }
  return await fs.lookup(folder, name, background);
}

/** All bytes of a file, in reads of odd lengths. */
export async function get({ fs }: Pick<Case, 'fs'>, file: NodeId): Promise<Buffer> {
  const handle = await fs.open(file, readOnly, background);
  try {
    return await drain(handle);
  } finally {
    await handle.close();
  }
}

export async function text(c: Pick<Case, 'fs'>, file: NodeId): Promise<string> {
  return (await get(c, file)).toString();
}

/** Reads an open file from start to end. */
export async function drain(handle: FileHandle): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let position = 0; ;) {
    const part = Buffer.alloc(100_003);
    const count = await handle.read(part, position, background);
    parts.push(part.subarray(0, count));
    position += count;
    if (count < part.length) return Buffer.concat(parts);
  }
}

/** All names of a folder in the order that `readdir` gives. */
export async function names({ fs }: Pick<Case, 'fs'>, folder: NodeId, limit = 1000): Promise<string[]> {
  const found: string[] = [];
  for (let after: string | undefined; ;) {
    const page = await fs.readdir(folder, after === undefined ? { limit } : { after, limit }, background);
    found.push(...page.entries.map((entry) => entry.name));
    if (!page.more) return found;
    after = found.at(-1);
  }
}

/** Expects an `FsError`, with one of the codes if the implementation is exact. */
export async function refused({ t, traits }: Case, codes: Code | readonly Code[], run: () => unknown): Promise<void> {
  const wanted = [codes].flat();
  try {
    await run();
  } catch (error) {
    if (!isFsError(error)) throw error;
    if (traits.errors === 'exact')
      t.ok(wanted.includes(error.code), `${error.message} (wanted ${wanted.join(' or ')})`);
    else t.pass(error.message);
    return;
  }
  t.fail(`not refused with ${wanted.join(' or ')}`);
}

/** Bytes that compress badly and repeat with no short period. */
export function bytes(length: number, seed = 1): Buffer {
  const data = Buffer.alloc(length);
  let state = seed * 2_654_435_761 || 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    data[i] = state >>> 24;
  }
  return data;
}

/** Waits until `condition` holds, for at most a minute, which is more than any machine needs. */
export async function until(condition: () => Awaitable<boolean>, what: string): Promise<void> {
  for (const end = Date.now() + 60_000; !(await condition());) {
    if (Date.now() > end) throw new Error(`still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
