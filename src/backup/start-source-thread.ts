import { MAX_BATCH_BYTES } from '../cloud/limits.ts';
import { WorkerThread } from '../threads/worker-thread.ts';
import { BLOCK_SIZE } from '../vfs/block.ts';
import type { Priority, SourceRequest, SourceResponse, SourceThreadData } from './source-thread.ts';

/** A thread for the calls of the system that a source folder needs: a disk that hangs holds up this thread and nothing else. */
export type SourceThread = WorkerThread<SourceRequest, SourceResponse>;

/** @param folder the source, an absolute path */
export function startSourceThread(folder: string, priority: Priority): SourceThread {
  const data: SourceThreadData = { limits: { block: BLOCK_SIZE, segment: MAX_BATCH_BYTES }, folder, priority };
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return new WorkerThread(new URL(`./source-thread.${extension}`, import.meta.url), { name: 'source', data });
}

/** What one thread says to one question. It is ended then, or when the question is given up. @throws as the thread; EINTR */
export async function askSource<R extends SourceResponse>(
  folder: string,
  request: SourceRequest,
  signal: AbortSignal,
): Promise<R> {
  const thread = startSourceThread(folder, 'normal');
  // A thread that waits for its disk ends when that answers.
  const end = (): void => void thread.terminate();
  signal.addEventListener('abort', end, { once: true });
  try {
    signal.throwIfAborted();
    return await thread.request<R>(request);
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}
