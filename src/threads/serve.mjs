import { parentPort } from 'node:worker_threads';

/**
 * The thread's side of `WorkerThread`: calls `handle` for each request, in order, and sends back what it returns or throws. If
 * that is a promise, the next requests are handled meanwhile.
 * Plain JavaScript, so that a thread starts from the sources without a loader.
 *
 * @template Request, Response
 * @param {(request: Request) => Response | Promise<Response>} handle may block: nothing else runs on this thread
 * @param {(response: Response) => readonly ArrayBuffer[]} [transfer] memory of the response that is handed over, not copied
 */
export function serve(handle, transfer = () => []) {
  /** @param {{ id: number, request: Request }} message */
  async function respond({ id, request }) {
    try {
      const handled = handle(request);
      const response = handled instanceof Promise ? await handled : handled;
      parentPort?.postMessage({ id, response }, [...transfer(response)]);
    } catch (error) {
      const { code, message: text } = /** @type {NodeJS.ErrnoException} */ (
        error instanceof Error ? error : new Error(String(error))
      );
      parentPort?.postMessage({ id, failure: { code, message: text } }, []);
    }
  }
  parentPort?.on('message', (message) => {
    if (message === null) parentPort?.close();
    else void respond(message);
  });
}
