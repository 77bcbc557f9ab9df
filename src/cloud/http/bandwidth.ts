import { systemTimers, TokenBucket, type Allowance, type Lane, type Timers } from './token-bucket.ts';

/** The line to the cloud, as all connections of a program share it. */
export class Bandwidth {
  readonly up: TokenBucket;
  readonly down: TokenBucket;
  /** Bytes of requests and responses so far, without their heads. */
  readonly passed = { up: 0, down: 0 };

  constructor(timers: Timers = systemTimers) {
    this.up = new TokenBucket(timers);
    this.down = new TokenBucket(timers);
  }
}

/** How the bytes of a response may come. */
export interface Pace {
  readonly allowance: Allowance;
  readonly passed: Bandwidth['passed'];
  readonly lane: Lane;
  readonly signal: AbortSignal;
}

type Sink = (chunk: Uint8Array) => Promise<void> | undefined;

/** Hands a chunk on at once; what it returns resolves when the next one may come. */
export function admitted(sink: Sink, { allowance, passed, lane, signal }: Pace): Sink {
  return (chunk) => {
    const { length } = chunk;
    passed.down += length;
    const taken = sink(chunk);
    const pause = allowance.take(length, lane, signal);
    if (pause === undefined) return taken;
    return taken === undefined ? pause : Promise.all([taken, pause]).then(() => undefined);
  };
}

/** The chunks of a response, each passed on when its bytes may have come. */
export async function* paced(
  body: AsyncIterable<Buffer>,
  { allowance, passed, lane, signal }: Pace,
): AsyncGenerator<Buffer> {
  for await (const chunk of body) {
    passed.down += chunk.length;
    await allowance.take(chunk.length, lane, signal);
    yield chunk;
  }
}

/** The slices of a request, each sent when its bytes may go. */
export async function* slices(
  body: Uint8Array,
  { up, passed }: Bandwidth,
  lane: Lane,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const turn = up.turn();
  for (let at = 0; at < body.length;) {
    const slice = body.subarray(at, at + up.slice);
    await up.take(slice.length, lane, signal, turn);
    passed.up += slice.length;
    at += slice.length;
    yield slice;
  }
}
