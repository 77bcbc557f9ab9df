import type { Awaitable } from '../vfs/context.ts';

/** Receives a streamed body. Waiting for each `write` before the next one gives back-pressure. */
export interface Sink {
  /**
   * `sent` is called when the chunk's memory may be reused. A few such chunks may be in flight at the same time.
   * @throws EINTR if the client has disconnected
   */
  write(chunk: string | Uint8Array, sent?: () => void): Awaitable<void>;
}

/** A complete body, or a function that streams it after the head has been sent. */
export type Body = string | Uint8Array | ((sink: Sink) => Promise<void>);

/** The response that a verb returns. The dispatcher sends and logs it. */
export interface Outcome {
  readonly status: number;
  /** Flat list of names and values. `Content-Length` is added for complete bodies unless it is listed. */
  readonly headers?: readonly string[];
  readonly body?: Body;
  /** Called once when the response has ended, sent or not, to free what a streamed body holds. */
  readonly release?: () => Promise<void>;
}

export const XML_TYPE = 'application/xml; charset=utf-8';

export function empty(status: number, headers: readonly string[] = []): Outcome {
  return { status, headers };
}

export function xml(status: number, body: string, headers: readonly string[] = []): Outcome {
  return { status, headers: ['Content-Type', XML_TYPE, ...headers], body };
}
