import type { Context } from './context.ts';
import type { FileSystem, Place } from './file-system.ts';
import { asFsError, isGone } from './fs-error.ts';
import type { FsError } from './fs-error.ts';
import type { Attr } from './node.ts';
import { pages } from './walk.ts';

/** A member that could not be copied. */
export interface MemberFailure {
  /** Path of the copy that is not there. */
  readonly names: readonly string[];
  readonly folder: boolean;
  readonly error: FsError;
}

export interface CopyTreeOptions {
  /** Copy what is below a folder, too. */
  readonly deep: boolean;
  /** The destination is a file that the source, a file, becomes the content of. */
  readonly replace: boolean;
  /** Path of the destination. */
  readonly names: readonly string[];
}

export interface CopyTreeResult {
  readonly attr: Attr;
  readonly failures: readonly MemberFailure[];
  /** Nodes that were copied. */
  readonly copied: number;
}

/** Copies under way: those that are promised in one turn wait for the disk together. */
const AT_ONCE = 8;
/** After so many failures the rest would fail as well. */
const MAX_FAILURES = 1000;

/** Copies a node; members that fail are reported and the others still copied. @throws what copying the node itself throws */
export async function copyTree(
  fs: FileSystem,
  source: Attr,
  to: Place,
  { deep, replace, names }: CopyTreeOptions,
  context: Context,
): Promise<CopyTreeResult> {
  const attr = await fs.copy(source.id, to, { replace }, context);
  const failures: MemberFailure[] = [];
  const below = deep && source.kind === 'folder' ? await copyMembers(fs, source, attr, names, failures, context) : 0;
  return { attr, failures, copied: 1 + below };
}

/** Copies what is in one folder to another; what fails is added to `failures`, what is removed meanwhile is left out. Returns how many were copied. */
export async function copyMembers(
  fs: FileSystem,
  from: Attr,
  to: Attr,
  names: readonly string[],
  failures: MemberFailure[],
  context: Context,
): Promise<number> {
  let copied = 0;
  for await (const { entries } of pages(fs, from.id, context)) {
    const folders: [member: Attr, made: Attr][] = [];
    await atOnce(entries, async (member) => {
      try {
        context.signal.throwIfAborted();
        const place = { parent: to.id, name: member.name };
        const made = await fs.copy(member.id, place, { replace: false, member: true }, context);
        copied++;
        if (member.kind === 'folder') folders.push([member, made]);
      } catch (thrown) {
        if (isGone(thrown) && (await isRemoved(fs, member, context))) return;
        const error = asFsError(thrown, 'copy', member.name);
        if (error.code === 'EINTR' || failures.length >= MAX_FAILURES) throw error;
        failures.push({ names: [...names, member.name], folder: member.kind === 'folder', error });
      }
    });
    for (const [member, made] of folders) {
      try {
        copied += await copyMembers(fs, member, made, [...names, member.name], failures, context);
      } catch (error) {
        if (!isGone(error) || !(await isRemoved(fs, member, context))) throw error;
      }
    }
  }
  return copied;
}

/** Tells a member that was removed from a destination that was. */
async function isRemoved(fs: FileSystem, { id }: Attr, context: Context): Promise<boolean> {
  try {
    await fs.getattr(id, context);
    return false;
  } catch (error) {
    return isGone(error);
  }
}

/** Works on some items at a time, and is done when all have ended. @throws what the first that fails throws */
async function atOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const lane = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, lane));
  for (const outcome of ended) if (outcome.status === 'rejected') throw outcome.reason;
}
