import type { Awaitable } from '../../../vfs/context.ts';

/** Lets the writes of a file run side by side, holds them back while it is frozen, and readers until they have ended. */
export class WriteGate {
  /** Writes whose bytes are being written, and what waits for their end. */
  #running = 0;
  #waiting: (() => void)[] = [];
  /** Writes that have begun, including those that are held back. */
  readonly #begun = new Set<Promise<unknown>>();
  #freezing: Promise<unknown> | undefined;

  /** True while bytes are being written. */
  get isWriting(): boolean {
    return this.#running > 0;
  }

  get isFrozen(): boolean {
    return this.#freezing !== undefined;
  }

  /** True while a write has begun and not finished, even if it is held back. */
  get hasBegun(): boolean {
    return this.#begun.size > 0;
  }

  /** Resolves when all writes that had begun before have finished, successfully or not. */
  async finished(): Promise<void> {
    await Promise.allSettled(this.#begun);
  }

  /** Resolves when no bytes are being written. */
  async drained(): Promise<void> {
    while (this.#running > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Resolves when the file is not frozen. */
  async thawed(): Promise<void> {
    while (this.#freezing !== undefined) await this.#freezing;
  }

  /** Counts a write as begun until it finishes. */
  track(write: Awaitable<void>): Awaitable<void> {
    if (!(write instanceof Promise)) return;
    this.#begun.add(write);
    const done = (): void => void this.#begun.delete(write);
    write.then(done, done);
    return write;
  }

  /** Bytes are being written from here to `leave`. Only while the file is not frozen. */
  enter(): void {
    this.#running++;
  }

  leave(): void {
    if (--this.#running === 0) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Runs `work` once the current writes are done; further ones wait for it, as does another `freeze`. */
  async freeze<T>(work: () => Promise<T>): Promise<T> {
    await this.thawed();
    const freezing = this.drained().then(work);
    this.#freezing = freezing.catch(() => undefined);
    try {
      return await freezing;
    } finally {
      this.#freezing = undefined;
    }
  }
}
