import type { Amount, Step } from './progress-line.ts';

/** Counts files and bytes of a transfer. */
export class Tally {
  readonly #startedAt = Date.now();
  #doneFiles = 0;
  #doneBytes = 0;
  #files = 0;
  #bytes = 0;

  /** Adds a file of this many bytes to the total. */
  expect(bytes: number): void {
    this.#files += 1;
    this.#bytes += bytes;
  }

  add(bytes: number): void {
    this.#doneBytes += bytes;
  }

  finish(): void {
    this.#doneFiles += 1;
  }

  get done(): Amount {
    return { files: this.#doneFiles, bytes: this.#doneBytes };
  }

  /** Milliseconds since this tally was created. */
  get elapsed(): number {
    return Date.now() - this.#startedAt;
  }

  step(current: string): Step {
    return { done: this.done, total: { files: this.#files, bytes: Math.max(this.#bytes, this.#doneBytes) }, current };
  }
}
