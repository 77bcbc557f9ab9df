import { setTimeout as timer } from 'node:timers/promises';
import type { Context } from '../../vfs/context.ts';
import { classify } from './errors.ts';

/** How often and how long to try. Times in milliseconds. */
export interface RetryOptions {
  /** Tries in all, the first included. */
  readonly tries: number;
  /** The pause before the second try; it doubles from try to try, up to `longest`. */
  readonly pause: number;
  readonly longest: number;
  /** A service that asks to wait longer than this is taken at its word by the caller, not by us. */
  readonly patience: number;
  /** 0 to 1. */
  readonly random: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

export const retryDefaults: RetryOptions = {
  tries: 4,
  pause: 250,
  longest: 5000,
  patience: 30_000,
  random: Math.random,
  sleep: async (ms, signal) => timer(ms, undefined, { signal }),
};

/** What a call is about, for its errors. */
export interface Subject {
  readonly op: string;
  readonly subject?: string | undefined;
}

/**
 * The tries of one call. Everything that the client asks can be asked twice: intents are executed once by their id,
 * blocks are named by their digest, the rest reads.
 */
export class Tries {
  readonly #options: RetryOptions;
  readonly #about: Subject;
  readonly #signal: AbortSignal;
  #failed = 0;

  constructor(options: RetryOptions, about: Subject, { signal }: Context) {
    this.#options = options;
    this.#about = about;
    this.#signal = signal;
  }

  /** To be called when a part of a long answer has arrived: from here on all tries are open again. */
  progress(): void {
    this.#failed = 0;
  }

  /** Waits for the moment of the next try. @throws FsError when there is none: the failure, in its final form */
  async next(thrown: unknown): Promise<void> {
    const { error, temporary, after = 0 } = classify(thrown, this.#about.op, this.#about.subject, this.#signal);
    this.#failed += 1;
    const { tries, patience, sleep } = this.#options;
    if (!temporary || this.#failed >= tries || after > patience) throw error;
    await sleep(Math.max(after, this.#pause()), this.#signal).catch((cause: unknown) => {
      throw classify(cause, this.#about.op, this.#about.subject, this.#signal).error;
    });
  }

  /** Half fixed, half random: clients that failed together do not come back together. */
  #pause(): number {
    const { pause, longest, random } = this.#options;
    return Math.min(pause * 2 ** (this.#failed - 1), longest) * (0.5 + random() / 2);
  }
}
