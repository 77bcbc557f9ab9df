import { setImmediate as turn } from 'node:timers/promises';
import type { StagedFile, Staging } from '../../cache/content/content.ts';
import type { Entry } from '../../cache/tree/entry.ts';
import type { Op } from '../../cache/db/group-writer.ts';
import type { Journal, PendingIntent } from '../../cache/tree/journal.ts';
import { isFsError } from '../../vfs/fs-error.ts';
import type { GroupWriter } from '../../cache/db/group-writer.ts';
import type { Catalog } from '../../cache/tree/catalog.ts';
import type { Changes } from '../drive/changes.ts';
import { newId } from '../../vfs/ids.ts';

export interface RecoveryParts {
  readonly catalog: Catalog;
  readonly journal: Journal;
  readonly writer: GroupWriter;
  readonly staging: Staging;
  readonly changes: Changes;
  /** ms since 1970 */
  readonly now: () => number;
}

/**
 * Finishes what the process before was writing when it ended: the entry gets the size that the staged file has and the time of its
 * last write, the put becomes ready. Before anything is served or sent.
 */
export async function recoverWriting(parts: RecoveryParts): Promise<void> {
  const writing = [...parts.journal.all()].filter((intent) => intent.writing === true);
  for (const intent of writing) await parts.writer.write(await recover(parts, intent));
}

async function recover(parts: RecoveryParts, { writing: _writing, ...put }: PendingIntent): Promise<Op[]> {
  const { catalog, journal, staging, now } = parts;
  const entry = catalog.get(put.node);
  // Opening the file may cut it off, which changes the time.
  const written = put.staged === undefined ? undefined : await staging.modified(put.staged);
  const own = entry?.staged === put.staged ? await ownFile(staging, put.staged) : undefined;
  if (own !== undefined && entry !== undefined) {
    const version = newId(now());
    const { size, id: staged } = own;
    const ops = [catalog.update({ ...entry, staged, size, ...timesOf(entry, size, written), version })];
    return [journal.put({ ...put, staged, version }), ...ops];
  }
  const size = await sizeOf(staging, put.staged);
  if (size === undefined || entry === undefined) return [journal.put(put)];
  // The bytes of the old version may have been overwritten since.
  const version = newId(now());
  const finished = journal.put({ ...put, version });
  if (entry.staged !== put.staged) return [finished];
  return [finished, catalog.update({ ...entry, size, ...timesOf(entry, size, written), version })];
}

/**
 * The times after a last write. One before the last recorded change, such as an explicitly set time, is in the entry, and a file that
 * was and is empty was not written.
 */
function timesOf(entry: Entry, size: number, written = -Infinity): Pick<Entry, 'mtime' | 'ctime'> {
  const { mtime, ctime } = entry;
  const isWritten = written > ctime && (size > 0 || entry.size > 0);
  return isWritten ? { mtime: written, ctime: written } : { mtime, ctime };
}

/**
 * A copy of a staged file that a program is still writing to through a dead mount: the kernel passes its writes on
 * without this process, so the file would change after it was sent. Later writes are lost. `undefined` if it is not
 * being written.
 */
async function ownFile(staging: Staging, id: string | undefined): Promise<StagedFile | undefined> {
  // Only root gets backing files.
  if (id === undefined || process.platform !== 'linux' || process.getuid?.() !== 0) return undefined;
  try {
    const file = await staging.open(id);
    const backing = file.openBacking(false);
    if (backing === undefined) return undefined;
    const { FileLease } = await import('../../libc/file-lease.ts');
    const isShared = new FileLease().isShared(backing.fd);
    backing.release();
    return isShared ? await staging.copy(file) : undefined;
  } catch {
    return undefined;
  }
}

async function sizeOf(staging: Staging, id: string | undefined): Promise<number | undefined> {
  if (id === undefined) return undefined;
  try {
    const file = await staging.open(id);
    const { size } = file;
    file.close();
    return size;
  } catch (error) {
    // A file that cannot be opened fails its upload with a reason that the user sees.
    if (isFsError(error)) return undefined;
    throw error;
  }
}

/**
 * Removes the staged files that an earlier process left and nothing refers to: uncommitted drafts, files that were
 * removed while they were open. Scans the whole catalog for files that stay on this computer, so it runs in the
 * background; `ids` are those that existed before anything was served.
 */
export async function sweepStaging(parts: RecoveryParts, ids: readonly string[], signal: AbortSignal): Promise<void> {
  const { journal, staging, changes } = parts;
  const loose = new Set(ids.filter((id) => !journal.names(id)));
  if (loose.size === 0) return;
  // A file that is moved during the walk could be missed by it.
  const stop = changes.watch((change) => {
    if (change.what === 'entry') loose.delete(parts.catalog.child(change.folder, change.name)?.staged ?? '');
  });
  try {
    await keepNamed(parts.catalog, loose, signal);
    if (signal.aborted) return;
    for (const id of loose) if (!journal.names(id)) await staging.discard(id);
  } finally {
    stop();
  }
}

async function keepNamed(catalog: Catalog, loose: Set<string>, signal: AbortSignal): Promise<void> {
  let count = 0;
  const see = ({ staged }: Entry): void => {
    if (staged !== undefined) loose.delete(staged);
  };
  for await (const entry of catalog.everything()) {
    see(entry);
    if (signal.aborted || loose.size === 0) return;
    if (++count % 1000 === 0) await turn();
  }
}
