import { setTimeout as timer } from 'node:timers/promises';
import type { Context } from '../../vfs/context.ts';
import { classify } from './errors.ts';

/** How often and how long to retry. Times are in milliseconds. */
export interface RetryOptions {
  /** Number of attempts, including the first. */
  readonly tries: number;
  /** Pause before the second attempt. It doubles with each further attempt, up to `longest`. */
  readonly pause: number;
  readonly longest: number;
  /**
   * Longest wait that the service can request. A longer one is not waited for; the call fails, and the caller decides.
   */
  readonly longestWait: number;
  /** 0 to 1. */
  readonly random: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export const retryDefaults: RetryOptions = {
  tries: 4,
  pause: 250,
  longest: 5000,
  longestWait: 30_000,
  random: Math.random,
  sleep: async (ms, signal) => timer(ms, undefined, { signal }),
};

/** The operation and subject of a call, for its errors. */
export interface Subject {
  readonly op: string;
  readonly subject?: string | undefined;
}

/**
 * The attempts of a call. Every request can safely be repeated: intents are executed once by their id, blocks are
 * identified by their digest, and other requests only read.
 */
export class Tries {
  readonly #options: RetryOptions;
  readonly #about: Subject;
  readonly #signal: AbortSignal;
  /** No retries, until a part of the response has arrived. */
  #once: boolean;
  #failed = 0;

  constructor(options: RetryOptions, about: Subject, { signal, once = false }: Context) {
    this.#options = options;
    this.#about = about;
    this.#signal = signal;
    this.#once = once;
  }

  /** To be called when a part of a long response has arrived. Resets the number of attempts. */
  progress(): void {
    this.#failed = 0;
    this.#once = false;
  }

  /** Waits until the next attempt. @throws FsError, the final error, if no attempt is left */
  async next(thrown: unknown): Promise<void> {
    const { error, temporary, after = 0 } = classify(thrown, this.#about.op, this.#about.subject, this.#signal);
    this.#failed += 1;
    const { tries, longestWait, sleep } = this.#options;
    if (!temporary || this.#once || this.#failed >= tries || after > longestWait) throw error;
    await sleep(Math.max(after, this.#pause()), this.#signal).catch((cause: unknown) => {
      throw classify(cause, this.#about.op, this.#about.subject, this.#signal).error;
    });
  }

  /** Half fixed, half random, so that clients that failed together do not retry together. */
  #pause(): number {
    const { pause, longest, random } = this.#options;
    return Math.min(pause * 2 ** (this.#failed - 1), longest) * (0.5 + random() / 2);
  }
}
