import { setTimeout as sleep } from 'node:timers/promises';
import type { Remote } from '../cloud/remote.ts';
import type { SpaceRecord } from '../cloud/records.ts';
import { asFsError, FsError, isFsError } from '../vfs/fs-error.ts';
import { wordsOf } from '../vfs/words-of.ts';
import { BackupIndex } from './backup-index.ts';
import { Exclusions } from './exclusions.ts';
import { EMPTIED, OTHER_FOLDER, OTHER_VOLUME, type Halt } from './halt.ts';
import { isSameFolder } from './listing.ts';
import { MassGuard } from './mass-guard.ts';
import { Pass } from './pass.ts';
import { ProblemLog } from './problem-log.ts';
import { Silence } from './silence.ts';
import type { VolumeId } from './volume.ts';
import { refresh } from './refresh.ts';
import type { Look, Priority } from './source-thread.ts';
import { startSourceThread, type SourceThread } from './start-source-thread.ts';
import type { BackupStore } from './store.ts';
import { Tally, type BackupProgress, type BackupSummary } from './tally.ts';
import type { ChangedNames } from '../watch/quiet-paths.ts';

export interface BackupOptions {
  /** The source, an absolute path. */
  readonly folder: string;
  /** The current result of `Remote.openBackup`. */
  readonly space: SpaceRecord;
  readonly remote: Remote;
  /** The store of this set. */
  readonly store: BackupStore;
  readonly signal: AbortSignal;
  /** Continues a run that paused. */
  readonly confirm?: boolean;
  /** Puts right everything that was changed in the cloud. */
  readonly repair?: boolean;
  /** Names to compare; everything if absent. */
  readonly scope?: ChangedNames | undefined;
  /** Patterns of what is left out. */
  readonly exclude?: readonly string[] | undefined;
  readonly oneFileSystem?: boolean | undefined;
  /** The volume that the source has to be on. */
  readonly volume?: VolumeId | undefined;
  /** Files of the mirror that were replaced or removed a short while ago. */
  readonly recentlyLost?: number | undefined;
  /** A run before has asked a person, who has not decided. */
  readonly asked?: boolean | undefined;
  /** `low`: the threads that read the source give way to programs for CPU and disk. */
  readonly priority?: Priority | undefined;
  /** ms since 1970 */
  readonly now?: () => number;
  /** Called a few times a second. */
  readonly onProgress?: (progress: BackupProgress) => void;
}

const PROGRESS_EVERY = 200;
/** Ms that the end waits for the threads. */
const LEAVE = 1000;
/**
 * Most passes: if a refusal shows that the mirror differs from the index, everything is compared once more with what the
 * cloud says then, and at last with an index that is rebuilt from the cloud.
 */
const PASSES = 3;

/**
 * Mirrors a folder into a backup space. A run can be aborted at any point; the next one continues from there. Entries
 * that cannot be read are reported, and the others are still mirrored.
 * @throws as `Remote` if the cloud fails or refuses (EAGAIN, EDQUOT, EACCES); EINTR when aborted
 */
export async function runBackup(options: BackupOptions): Promise<BackupSummary> {
  const problems = new ProblemLog(options.store, (options.now ?? Date.now)());
  const tally = new Tally((problem) => problems.add(problem));
  const stop = new AbortController();
  const signal = AbortSignal.any([options.signal, stop.signal]);
  const thread = () => startSourceThread(options.folder, options.priority ?? 'low');
  const threads = { scanner: thread(), reader: thread() };
  const silence = new Silence([threads.scanner, threads.reader], PROGRESS_EVERY);
  const timer = setInterval(() => {
    tally.silent = silence.look();
    options.onProgress?.(tally.progress());
  }, PROGRESS_EVERY);
  let ended: Promise<unknown> | undefined;
  const end = () => void (ended = Promise.all([threads.scanner.terminate(), threads.reader.terminate()]));
  signal.addEventListener('abort', end, { once: true });
  try {
    options.signal.throwIfAborted();
    const paused = await mirror(options, { ...threads, signal, tally }).catch(unreadable);
    if (paused === undefined) await problems.finish(options.scope);
    return tally.summary(paused);
  } catch (error) {
    throw options.signal.aborted
      ? new FsError('EINTR', 'backup', { subject: options.folder })
      : asFsError(error, 'backup');
  } finally {
    clearInterval(timer);
    stop.abort();
    // The disk can be unmounted once they have closed the folder; one that hangs is not waited for.
    await Promise.race([ended, sleep(LEAVE, undefined, { ref: false })]);
    options.onProgress?.(tally.progress());
  }
}

interface Tools {
  readonly scanner: SourceThread;
  readonly reader: SourceThread;
  readonly signal: AbortSignal;
  readonly tally: Tally;
}

/** @returns why it paused, if it did */
async function mirror(options: BackupOptions, tools: Tools): Promise<Halt | undefined> {
  const { space, remote, store, confirm = false, repair = false, scope, oneFileSystem = false } = options;
  const context = { signal: tools.signal, bulk: true };
  const exclusions = new Exclusions(options.exclude ?? []);
  const index = new BackupIndex(store);
  const [source, same] = await Promise.all(
    [tools.scanner, tools.reader].map(async (thread) => thread.request<Look>({ ask: 'hold' })),
  );
  const known = index.state?.space === space.id ? index.state.source : undefined;
  // From here on both threads read that folder, whatever is mounted in its place.
  const check = async (volume: VolumeId | undefined) =>
    tools.scanner.request<Halt | undefined>({ ask: 'check', volume });
  if (!source?.isFolder) return (await check(options.volume)) ?? OTHER_FOLDER;
  const other = same && isSameFolder(source, same) ? await check(options.volume) : OTHER_FOLDER;
  if (other !== undefined && (other.kind === 'vanished' || !confirm)) return other;
  const differs = known && known.disk !== source.disk && known.inode !== source.inode;
  // Without a name of the volume this is all that can be known.
  if (options.volume === undefined && differs && !confirm) return OTHER_VOLUME;
  for (let left = PASSES, whole = repair; ; whole = true) {
    tools.tally.phase = 'refresh';
    left -= 1;
    await refresh(index, remote, space, context, left === 0 || (repair && left === PASSES - 1));
    const fresh = await index.isEmpty();
    const guard = await guardOf(options, index);
    // A person may have said that this volume, too, is the right one.
    const still = async () => check(confirm ? undefined : options.volume);
    const rules = { confirm, guard, exclusions, oneFileSystem, check: still };
    const part = whole ? undefined : scope;
    const pass = new Pass({ ...tools, ...rules, source, index, remote, space, context, fresh, scope: part });
    if (!confirm && (await pass.isEmptied())) return EMPTIED;
    await pass.compare();
    if (pass.surprised && left > 0) continue;
    const paused = await pass.remove();
    if (paused === undefined) {
      await pass.describeRoot();
      await pass.remember();
    }
    return paused;
  }
}

/** Errors of the cloud are `FsError`s; others are about the source folder itself: about entries in it, there are problems. */
function unreadable(error: unknown): Halt {
  const { code } = error as NodeJS.ErrnoException;
  if (isFsError(error) || code === undefined) throw error;
  return { kind: 'vanished', reason: `the folder cannot be read: ${wordsOf(error)}` };
}

async function guardOf(options: BackupOptions, index: BackupIndex): Promise<MassGuard> {
  const { confirm = false, asked = false, recentlyLost = 0 } = options;
  const { state } = index;
  const files = state?.files ?? (await index.countFiles(state?.root ?? ''));
  return new MassGuard({ files, recent: recentlyLost, confirmed: confirm, asked });
}
