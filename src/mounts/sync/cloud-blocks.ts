import type { BlockSource } from '../../cache/content/content.ts';
import type { Remote } from '../../cloud/remote.ts';
import type { Context } from '../../vfs/context.ts';
import type { Outage } from './outage.ts';

/** How long a call may take to begin its response while the cloud is known to be out of reach, ms. */
const PROBE_TIME = 2000;

type Requests = Parameters<BlockSource['blocks']>[0];
type Memory = Parameters<BlockSource['blocks']>[2];
type Blocks = ReturnType<BlockSource['blocks']>;

export interface CloudBlocksParts {
  readonly remote: Pick<Remote, 'manifest' | 'read'>;
  readonly outage: Outage;
  /** ms since 1970 */
  readonly now: () => number;
}

/**
 * Content of the cloud. While that is known to be out of reach, calls are made without retries and end within two seconds: a
 * program that reads on after an error would otherwise wait for each of its reads. After one that took long, others fail at once.
 */
export class CloudBlocks implements BlockSource {
  readonly #parts: CloudBlocksParts;

  constructor(parts: CloudBlocksParts) {
    this.#parts = parts;
  }

  async manifest(version: string, context: Context): Promise<Uint8Array> {
    const { remote } = this.#parts;
    const call = new Call(this.#parts, context);
    return await call.run(() => remote.manifest(version, call.context));
  }

  async *blocks(requests: Requests, context: Context, memory?: Memory): Blocks {
    const call = new Call(this.#parts, context);
    const blocks = this.#parts.remote.read(requests, call.context, memory)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const { done, value } = await call.run(() => blocks.next());
        if (done === true) return;
        yield value;
      }
    } finally {
      await blocks.return?.(undefined);
    }
  }
}

/** One call, aborted if it is a probe that takes too long. */
class Call {
  readonly context: Context;
  readonly #outage: Outage;
  readonly #began: number;
  readonly #isProbe: boolean;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #late = new AbortController();
  /** What it fails with if it is given up. */
  #failure: unknown;

  /** @throws the last failure if the call is not to be made */
  constructor({ outage, now }: CloudBlocksParts, { signal }: Context) {
    const isProbe = outage.enter() === 'probe';
    this.#isProbe = isProbe;
    this.#outage = outage;
    this.#began = now();
    this.context = isProbe ? { signal: AbortSignal.any([signal, this.#late.signal]), once: true } : { signal };
    if (isProbe) this.#timer = setTimeout(() => this.#giveUp(), PROBE_TIME);
  }

  /** The call, or a part of it. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await work();
      this.#outage.worked();
      return result;
    } catch (error) {
      const failure = this.#failure ?? error;
      this.#outage.failed(failure, this.#began);
      if (this.#isProbe) this.#outage.probeFailed(this.#began);
      throw failure;
    } finally {
      clearTimeout(this.#timer);
    }
  }

  /** The time of a probe is over: it goes on if another call has found that the cloud is back. */
  #giveUp(): void {
    this.#failure = this.#outage.error;
    if (this.#failure !== undefined) this.#late.abort();
  }
}
