import type { ServerResponse } from 'node:http';
import { FsError } from '../vfs/fs-error.ts';
import type { Outbox } from './outbox.ts';
import type { Outcome, Sink } from './outcome.ts';

/** Bytes that may be queued for the socket while more are read, so that the socket is never idle. */
const QUEUE = 512 * 1024;

export interface Sending {
  /** Whether to omit the body, for `HEAD`. */
  readonly head: boolean;
  /** Whether to close the connection, as it cannot carry another request. */
  readonly close: boolean;
  /** A response of which the client reads nothing for this long is aborted, ms. */
  readonly idle: number;
  /** For complete bodies. */
  readonly outbox: Outbox;
  /**
   * Runs between the last byte and the end of the response, so that the client can read it before the connection
   * closes.
   */
  readonly linger?: () => Promise<void>;
}

/** Sends an outcome. Rejects only when a streamed body fails; the head may have been sent then. */
export async function respond(res: ServerResponse, outcome: Outcome, sending: Sending): Promise<void> {
  const { status, body } = outcome;
  const headers = outcome.headers === undefined ? [] : outcome.headers.slice();
  if (sending.close) headers.push('Connection', 'close');
  if (typeof body === 'function') return stream(res, outcome, body, headers, sending);
  const length = body === undefined ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  if (!hasLength(headers) && status !== 204 && status !== 304) headers.push('Content-Length', String(length));
  res.writeHead(status, headers);
  if (sending.linger !== undefined) return linger(res, sending.head ? undefined : body, sending.linger);
  if (sending.head || body === undefined || length === 0) sending.outbox.add(() => res.end());
  else sending.outbox.add(() => res.end(body));
}

async function stream(
  res: ServerResponse,
  outcome: Outcome,
  body: (sink: Sink) => Promise<void>,
  headers: string[],
  { head, idle }: Sending,
): Promise<void> {
  res.writeHead(outcome.status, headers);
  if (!head) await body(new ResponseSink(res, idle));
  res.end();
}

/**
 * Ending a response while the request's body is still arriving resets the connection, and the client may lose the
 * response.
 */
async function linger(
  res: ServerResponse,
  body: string | Uint8Array | undefined,
  wait: () => Promise<void>,
): Promise<void> {
  if (body === undefined || body.length === 0) res.flushHeaders();
  else res.write(body);
  await wait();
  res.end();
}

function hasLength(headers: readonly string[]): boolean {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === 'Content-Length') return true;
  return false;
}

class ResponseSink implements Sink {
  readonly #res: ServerResponse;
  readonly #idle: number;
  #waiting: (() => void) | undefined;

  constructor(res: ServerResponse, idle: number) {
    this.#res = res;
    this.#idle = idle;
  }

  write(chunk: string | Uint8Array, sent?: () => void): Promise<void> | void {
    const res = this.#res;
    if (res.destroyed || res.writableEnded) throw gone();
    const limit = sent === undefined ? 0 : QUEUE;
    const isFull = !res.write(chunk, () => {
      sent?.();
      if (res.writableLength <= limit) this.#waiting?.();
    });
    if (isFull && res.writableLength > limit) return this.#room();
  }

  #room(): Promise<void> {
    const res = this.#res;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => res.destroy(), this.#idle);
      const settle = (finish: () => void): void => {
        clearTimeout(timer);
        res.off('close', onClose);
        this.#waiting = undefined;
        finish();
      };
      const onClose = (): void => settle(() => reject(gone()));
      this.#waiting = () => settle(res.destroyed ? () => reject(gone()) : resolve);
      res.on('close', onClose);
    });
  }
}

function gone(): FsError {
  return new FsError('EINTR', 'write', { reason: 'the client has disconnected' });
}
