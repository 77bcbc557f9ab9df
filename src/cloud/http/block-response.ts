import { hash } from 'node:crypto';
import type { Context } from '../../vfs/context.ts';
import type { BlockMemory } from '../remote.ts';
import { BrokenResponse } from './errors.ts';
import { FrameReader, type OwnFrame } from './frames.ts';
import type { Call, Http } from './http-client.ts';

/** Blocks that wait for the caller; no more are received meanwhile. */
const WAITING = 2;

export interface Receiver {
  readonly http: Http;
  /** Where the blocks go; fresh memory if absent. */
  readonly memory: BlockMemory | undefined;
}

/**
 * One try of a request for blocks: those of its response, at most `most`, each verified on this thread.
 * @throws what `classify` understands
 */
export async function* receive(
  { http, memory }: Receiver,
  call: Call,
  most: number,
  { signal }: Context,
): AsyncGenerator<OwnFrame> {
  const reader = new FrameReader(memory);
  const waiting: OwnFrame[] = [];
  let count = 0;
  let arrived = (): void => {};
  let taken = (): void => {};
  let over: { readonly error?: unknown } | undefined;
  const sink = (chunk: Uint8Array): Promise<void> | undefined => {
    const frames = reader.push(chunk);
    if (frames.length === 0) return undefined;
    count += frames.length;
    if (count > most) throw new BrokenResponse('more blocks than were asked for');
    for (const frame of frames) waiting.push(verified(frame));
    arrived();
    return waiting.length < WAITING ? undefined : new Promise((resolve) => (taken = resolve));
  };
  const stop = new AbortController();
  http.pour(call, sink, { signal: AbortSignal.any([signal, stop.signal]) }).then(
    () => {
      over = {};
      arrived();
    },
    (error: unknown) => {
      over = { error };
      arrived();
    },
  );
  try {
    for (;;) {
      for (let frame = waiting.shift(); frame !== undefined; frame = waiting.shift()) {
        taken();
        yield frame;
      }
      if (over !== undefined) break;
      await new Promise<void>((resolve) => (arrived = resolve));
    }
    if ('error' in over) throw over.error;
    reader.end();
    if (count === 0) throw new BrokenResponse('a response without blocks', { temporary: true });
  } finally {
    stop.abort();
  }
}

/** The frame, if its bytes are those that its digest names. */
function verified(frame: OwnFrame): OwnFrame {
  if (hash('sha256', frame.data, 'hex') === frame.digest) return frame;
  throw new BrokenResponse('the bytes of a block do not match its digest', { temporary: true });
}
