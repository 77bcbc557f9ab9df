import type { Awaitable } from '../vfs/context.ts';

/** Where a streamed body goes. Wait for `write` before the next one: that is the back-pressure. */
export interface Sink {
  /**
   * `sent` is called when the chunk is not needed any more and its memory may be used again. Of such chunks a few may be on
   * their way at a time.
   * @throws EINTR when the client has gone
   */
  write(chunk: string | Uint8Array, sent?: () => void): Awaitable<void>;
}

/** A body in one piece, or a function that streams it once the head has been sent. */
export type Body = string | Uint8Array | ((sink: Sink) => Promise<void>);

/** What a verb answers with. Sending and logging it happens in one place. */
export interface Outcome {
  readonly status: number;
  /** Flat list of names and values. `Content-Length` is added for bodies in one piece unless it is here. */
  readonly headers?: readonly string[];
  readonly body?: Body;
  /** Called once when the answer is over, sent or not: frees what a streamed body holds. */
  readonly release?: () => Promise<void>;
}

export const XML_TYPE = 'application/xml; charset=utf-8';

export function empty(status: number, headers: readonly string[] = []): Outcome {
  return { status, headers };
}

export function xml(status: number, body: string, headers: readonly string[] = []): Outcome {
  return { status, headers: ['Content-Type', XML_TYPE, ...headers], body };
}
