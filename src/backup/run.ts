import type { Remote } from '../cloud/remote.ts';
import { BLOCK_SIZE } from '../vfs/block.ts';
import { MAX_BATCH_BYTES } from '../cloud/limits.ts';
import type { SpaceRecord } from '../cloud/records.ts';
import { asFsError, FsError } from '../vfs/fs-error.ts';
import { BackupIndex } from './backup-index.ts';
import { Pass } from './pass.ts';
import { refresh } from './refresh.ts';
import type { SegmentLimits } from './segment-reader.ts';
import type { Look, SourceResponse, SourceRequest } from './source-thread.ts';
import type { BackupStore } from './store.ts';
import { Tally, type BackupProgress, type BackupSummary } from './tally.ts';
import { WorkerThread } from '../threads/worker-thread.ts';

export interface BackupOptions {
  /** The source, an absolute path. */
  readonly folder: string;
  /** As `Remote.openBackup` answered it just now. */
  readonly space: SpaceRecord;
  readonly remote: Remote;
  /** Of this set alone. */
  readonly store: BackupStore;
  readonly signal: AbortSignal;
  /** Lets a run go on where one has paused. */
  readonly confirm?: boolean;
  /** Called a few times a second. */
  readonly onProgress?: (progress: BackupProgress) => void;
}

const PROGRESS_EVERY = 200;
/** After a surprise the index is made again from the cloud, and the source compared once more. */
const PASSES = 2;

/**
 * Mirrors a folder into a backup space: one pass. It can be ended at any point; the next one goes on from there.
 * Entries that cannot be read are reported and the others go on.
 * @throws as `Remote` when the cloud fails or refuses (EAGAIN, EDQUOT, EACCES), EINTR when aborted
 */
export async function runBackup(options: BackupOptions): Promise<BackupSummary> {
  const tally = new Tally();
  const timer = setInterval(() => options.onProgress?.(tally.progress()), PROGRESS_EVERY);
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const threads = { scanner: sourceThread(), reader: sourceThread() };
  const end = () => void Promise.all([threads.scanner.terminate(), threads.reader.terminate()]);
  signal.addEventListener('abort', end, { once: true });
  try {
    options.signal.throwIfAborted();
    return tally.summary(await mirror(options, { ...threads, signal, tally }));
  } catch (error) {
    throw options.signal.aborted
      ? new FsError('EINTR', 'backup', { subject: options.folder })
      : asFsError(error, 'backup');
  } finally {
    clearInterval(timer);
    stop.abort();
    options.onProgress?.(tally.progress());
  }
}

interface Tools {
  readonly scanner: WorkerThread<SourceRequest, SourceResponse>;
  readonly reader: WorkerThread<SourceRequest, SourceResponse>;
  readonly signal: AbortSignal;
  readonly tally: Tally;
}

/** Answers why it paused, if it did. */
async function mirror(options: BackupOptions, tools: Tools): Promise<string | undefined> {
  const { folder, space, remote, store, confirm = false } = options;
  const context = { signal: tools.signal };
  const index = new BackupIndex(store);
  const source = await look(tools, folder);
  if (!source?.isFolder) return 'the folder is not there: is its disk mounted?';
  const known = index.state?.space === space.id ? index.state.source : undefined;
  if (!confirm && known && known.disk !== source.disk && known.inode !== source.inode) {
    return 'another folder, on another disk, is where the folder was: is its disk mounted?';
  }
  for (let left = PASSES, whole = false; ; whole = true) {
    tools.tally.phase = 'refresh';
    await refresh(index, remote, space, context, whole);
    const fresh = await index.isEmpty();
    const pass = new Pass({ ...tools, folder, source, index, remote, space, context, confirm, fresh });
    if (!confirm && (await pass.isEmptied())) return 'the folder is empty, but its mirror is not: is its disk mounted?';
    await pass.compare();
    left -= 1;
    if (pass.surprised && left > 0) continue;
    const paused = await pass.remove();
    if (paused === undefined) await pass.remember();
    return paused;
  }
}

async function look({ scanner }: Tools, path: string): Promise<Look> {
  return scanner.request<Look>({ ask: 'look', path });
}

function sourceThread(): WorkerThread<SourceRequest, SourceResponse> {
  const limits: SegmentLimits = { block: BLOCK_SIZE, segment: MAX_BATCH_BYTES };
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new WorkerThread(new URL(`./source-thread.${extension}`, import.meta.url), { name: 'source', data: limits });
}
