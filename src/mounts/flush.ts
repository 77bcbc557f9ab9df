import type { Journal, PendingIntent } from '../cache/tree/journal.ts';
import type { Context } from '../vfs/context.ts';
import { CODES, FsError, isFsError } from '../vfs/fs-error.ts';
import type { NodeId } from '../vfs/node.ts';
import { WaitCount, type FlushWait, type WaitParts } from './flush-waits.ts';
import { isCreation } from './intents/plan.ts';
import { pathOf } from './sync-status.ts';
import type { Obstacle, Uploader } from './sync/upload/uploader.ts';

export interface FlushParts extends WaitParts {
  readonly journal: Journal;
  readonly uploader: Pick<Uploader, 'hurry' | 'watch' | 'obstacle' | 'reachable' | 'status'>;
}

export interface FlushProgress {
  /** Changes that are in the cloud now, of those that the flush is about. */
  readonly done: number;
  readonly total: number;
  /** Bytes of content that still wait. */
  readonly bytes: number;
  /** Since when the cloud has been unreachable, ms. */
  readonly offlineSince: number | undefined;
  /** What delays it, besides the sending itself. */
  readonly waits: readonly FlushWait[];
}

/**
 * Resolves when every change below `scope` (a node, or all) that was journaled before the call is in the cloud. Does
 * not wait for files to settle, but does wait for handles that still write into files that are sealed then. While the
 * cloud cannot be reached it waits; `signal` ends that.
 * @throws FsError with the code and reason of a change that cannot be sent, once all others are; EACCES if the cloud
 * refuses this computer, as after its token was revoked: waiting would not help, and queued changes stay queued
 */
export async function flush(
  parts: FlushParts,
  scope: NodeId | undefined,
  onProgress: (progress: FlushProgress) => void,
  { signal }: Context,
): Promise<void> {
  const { journal, uploader } = parts;
  const task = new FlushTask(parts, scope);
  const release = uploader.hurry((intent) => task.concerns(intent));
  const before = uploader.status.error;
  uploader.reachable();
  try {
    await new Promise<void>((resolve, reject) => {
      const check = (): void => {
        try {
          onProgress(task.progress());
          if (task.isDone()) resolve();
          else checkAccess(uploader.status.error, before);
        } catch (error) {
          reject(error);
        }
      };
      const stops = [uploader.watch(check), journal.watch(later(check))];
      const abort = (): void =>
        reject(new FsError('EINTR', 'flush', { reason: 'interrupted; queued changes stay queued' }));
      signal.addEventListener('abort', abort, { once: true });
      task.onEnd = () => {
        for (const stop of stops) stop();
        signal.removeEventListener('abort', abort);
      };
      if (signal.aborted) abort();
      else check();
    });
  } finally {
    task.onEnd();
    release();
  }
}

/** @throws FsError EACCES if the cloud has refused a call since the failure `before` */
function checkAccess(error: unknown, before: unknown): void {
  if (error === before || !isFsError(error, 'EACCES')) return;
  const reason = `${error.reason ?? 'the cloud refuses this computer'}; queued changes stay queued`;
  throw new FsError('EACCES', 'flush', { reason, cause: error });
}

/** Calls a check once for many changes. */
function later(check: () => void): () => void {
  let planned = false;
  return () => {
    if (planned) return;
    planned = true;
    setTimeout(() => {
      planned = false;
      check();
    }, 20);
  };
}

class FlushTask {
  readonly #parts: FlushParts;
  readonly #scope: NodeId | undefined;
  /** Intents up to this one are waited for. */
  readonly #last: number;
  readonly #nodes = new Set<NodeId>();
  readonly #total: number;
  onEnd: () => void = () => undefined;

  constructor(parts: FlushParts, scope: NodeId | undefined) {
    this.#parts = parts;
    this.#scope = scope;
    let last = 0;
    let total = 0;
    for (const intent of parts.journal.all()) {
      if (!this.#isInScope(intent)) continue;
      last = Math.max(last, intent.seq);
      this.#nodes.add(intent.node);
      total++;
    }
    this.#last = last;
    this.#total = total;
  }

  /** A creation may have moved to a later position since, if the file was renamed before it was sent. */
  concerns(intent: PendingIntent): boolean {
    if ((intent.since ?? intent.seq) <= this.#last) return this.#nodes.has(intent.node) || this.#isInScope(intent);
    return this.#nodes.has(this.#parts.catalog.get(intent.node)?.id ?? intent.node) && isCreation(intent);
  }

  progress(): FlushProgress {
    const { catalog, uploader } = this.#parts;
    let left = 0;
    let bytes = 0;
    const count = new WaitCount(this.#parts);
    for (const intent of this.#left()) {
      left++;
      count.see(intent);
      if (intent.op === 'put' && intent.staged !== undefined) bytes += catalog.get(intent.node)?.size ?? 0;
    }
    const done = Math.max(0, this.#total - left);
    const { offlineSince } = uploader.status;
    const waits = count.waits(left, offlineSince !== undefined);
    return { done, total: Math.max(this.#total, left), bytes, offlineSince, waits };
  }

  /** @throws FsError when only changes that cannot be sent are left */
  isDone(): boolean {
    const left = [...this.#left()];
    if (left.length === 0) return true;
    const obstacle = this.#parts.uploader.obstacle(left);
    if (obstacle === undefined) return false;
    const { code, reason } = this.#explain(obstacle);
    const others = left.length === 1 ? '' : ` (and ${left.length - 1} more)`;
    throw new FsError(CODES.find((known) => known === code) ?? 'EIO', 'flush', {
      subject: pathOf(this.#parts.catalog, obstacle.intent),
      reason: `${reason}${others}; see \`fjord status\`, then \`fjord retry\``,
    });
  }

  #explain({ intent, holder }: Obstacle): { readonly code: string; readonly reason: string } {
    const { code, reason } = holder?.parked ?? {
      code: 'EIO',
      reason: 'it is not being sent, for no known reason; restart Fjord and please report this',
    };
    if (holder === undefined || holder.seq === intent.seq) return { code, reason };
    return { code, reason: `it waits for ${pathOf(this.#parts.catalog, holder)}, which is parked: ${reason}` };
  }

  *#left(): Generator<PendingIntent> {
    for (const intent of this.#parts.journal.all()) if (this.concerns(intent)) yield intent;
  }

  #isInScope(intent: PendingIntent): boolean {
    const scope = this.#scope;
    if (scope === undefined || intent.node === scope || intent.parent === scope) return true;
    const { catalog } = this.#parts;
    const start = catalog.get(intent.node) ?? catalog.get(intent.parent);
    if (start === undefined) return false;
    if (start.id === scope) return true;
    for (const { id } of catalog.ancestors(start)) if (id === scope) return true;
    return false;
  }
}
