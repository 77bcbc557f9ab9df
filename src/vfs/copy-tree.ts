import type { Context } from './context.ts';
import type { FileSystem, Place } from './file-system.ts';
import { asFsError, isGone } from './fs-error.ts';
import type { FsError } from './fs-error.ts';
import type { Attr } from './node.ts';
import { pages } from './walk.ts';

/** A member that could not be copied. */
export interface MemberFailure {
  /** Path of the missing copy. */
  readonly names: readonly string[];
  readonly folder: boolean;
  readonly error: FsError;
}

export interface CopyTreeOptions {
  /** Whether to copy everything below a folder. */
  readonly deep: boolean;
  /** Whether the destination is a file whose content is replaced by that of the source, which is a file, too. */
  readonly replace: boolean;
  /** Path of the destination. */
  readonly names: readonly string[];
}

export interface CopyTreeResult {
  readonly attr: Attr;
  readonly failures: readonly MemberFailure[];
  /** Number of copied nodes. */
  readonly copied: number;
}

/** Copies at the same time. Those recorded in one turn of the event loop share a wait for the disk. */
const AT_ONCE = 8;
/** Copying stops after this number of failures, since the rest would fail, too. */
const MAX_FAILURES = 1000;

/**
 * Copies a node. Resolves to the members that failed; the others are still copied. @throws what copying the node itself
 * throws
 */
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

/**
 * Copies the members of a folder to another, and resolves to the number of copied nodes. Failures are added to `failures`;
 * members removed in the meantime are skipped.
 */
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

/** Whether the member was removed. If it still exists, an ENOENT was about the destination. */
async function isRemoved(fs: FileSystem, { id }: Attr, context: Context): Promise<boolean> {
  try {
    await fs.getattr(id, context);
    return false;
  } catch (error) {
    return isGone(error);
  }
}

/** Runs `work` for all items, a few at a time, and waits for all of them. @throws what the first failing one throws */
async function atOnce<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const lane = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, lane));
  for (const outcome of ended) if (outcome.status === 'rejected') throw outcome.reason;
}
