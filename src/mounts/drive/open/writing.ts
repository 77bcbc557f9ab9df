import type { StagedFile } from '../../../cache/content/content.ts';
import { type Entry, nextCtime } from '../../../cache/tree/entry.ts';
import type { Op } from '../../../cache/db/group-writer.ts';
import { assign } from '../../../vfs/assign.ts';
import { isAttached } from '../attached.ts';
import type { DriveParts } from '../drive-parts.ts';
import { planContent, withBase } from '../../intents/plan.ts';
import { contentOf } from './source.ts';

export interface Writable {
  /** The existing content will be cut off. */
  readonly fresh: boolean;
  /** The current file itself should be used if possible, since a kernel has it open. */
  readonly inPlace: boolean;
}

/**
 * The staged file to write into: the pending one unless it is being sent; otherwise a new one with the same bytes, or
 * empty if `fresh`. `staged` is the entry's, if it is open. @throws ENOSPC
 */
export async function writableFile(
  { staging, journal }: DriveParts,
  entry: Entry,
  staged: StagedFile | undefined,
  { fresh, inPlace }: Writable,
): Promise<StagedFile> {
  if (entry.staged === undefined) {
    const content = contentOf(entry);
    const seized = inPlace && content !== undefined ? staging.seize(content) : undefined;
    return seized ?? staging.create(fresh ? null : (content ?? null));
  }
  const file = staged?.id === entry.staged ? staged : await staging.open(entry.staged);
  const put = journal.of(entry.id).find((intent) => intent.staged === entry.staged);
  const sent = put !== undefined && journal.isFixed(put.seq);
  if (!sent && !file.isSealed) return file;
  file.seal();
  return fresh ? staging.create(null) : staging.fork(file);
}

/**
 * A session begins: the entry names the staged file, and so does a put that is marked as `writing`. Scratch files and
 * removed files get no intent. Submit the ops in the same turn.
 */
export function journalWriting(
  { catalog, planner, now }: DriveParts,
  before: Entry,
  { file, version }: { readonly file: StagedFile; readonly version: string },
): { entry: Entry; ops: readonly Op[] } {
  const { hash: _hash, remote: _remote, ...rest } = before;
  const at = now();
  const times = { mtime: at, ctime: nextCtime(before, at) };
  const entry: Entry = assign(rest, { staged: file.id, version, size: file.size, ...times });
  if (catalog.get(before.id) === undefined || !isAttached(catalog, before)) return { entry, ops: [] };
  if (before.local === true) return { entry, ops: [catalog.update(entry)] };
  const based: Entry = assign(entry, { base: withBase(before).base ?? null });
  const plan = planContent(before, planner.waiting(before.id), { version, staged: file.id, writing: true });
  return { entry: based, ops: [...planner.ops(plan), catalog.update(based)] };
}

/** The session is over: its put is complete. */
export function finishWriting({ catalog, journal, now }: DriveParts, entry: Entry, file: StagedFile): readonly Op[] {
  const put = journal.of(entry.id).findLast(({ staged }) => staged === file.id);
  if (put === undefined) return [catalog.update(entry)];
  const { writing: _writing, ...finished } = put;
  return [catalog.update(entry), journal.put(assign(finished, { version: entry.version, at: now() }))];
}

/** Removes a staged file that is no longer used, unless it waits to be sent. */
export function discardUnused({ journal, staging }: DriveParts, staged: string): void {
  if (!journal.names(staged)) staging.discard(staged).catch(() => undefined);
}
