import { ApiError } from '../api.ts';
import { sendBlocks } from './blocks.ts';
import type { FromWorker, ToWorker } from './messages.ts';

/** Hashes and sends files on a thread of its own, so that the page stays fluid. */
function serve(): void {
  const running = new Map<string, AbortController>();
  const notify = (message: FromWorker) => postMessage(message);
  const send = async (id: string, file: File) => {
    const stop = new AbortController();
    running.set(id, stop);
    try {
      const content = await sendBlocks(file, stop.signal, {
        onProgress: (sent) => notify({ id, type: 'progress', sent }),
        onPause: (isPaused) => notify({ id, type: 'paused', isPaused }),
      });
      notify({ id, type: 'sent', content });
    } catch (error) {
      const code = error instanceof ApiError ? error.code : 'internal';
      notify({ id, type: 'failed', code, message: error instanceof Error ? error.message : String(error) });
    } finally {
      running.delete(id);
    }
  };
  addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
    if (data.type === 'send') void send(data.id, data.file);
    else running.get(data.id)?.abort();
  });
}

serve();
