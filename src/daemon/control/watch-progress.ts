import type { OnProgress } from './controls.ts';
import type { Progress } from './wire.ts';

/**
 * The reports of a long call as a stream. A slow reader gets only the newest report; the last one is always delivered.
 */
export async function* watchProgress(run: (report: OnProgress) => Promise<void>): AsyncGenerator<Progress> {
  const reports = new Newest<Progress>();
  const running = run((progress) => reports.put(progress)).finally(() => reports.end());
  // A consumer that stops reading does not observe the failure, so it must not count as unhandled.
  running.catch(() => undefined);
  for await (const report of reports) yield report;
  await running;
}

/** A stream of which a slow reader gets only the newest value. */
class Newest<T> implements AsyncIterable<T> {
  #value: T | undefined;
  #ended = false;
  #wake: () => void = () => undefined;

  put(value: T): void {
    this.#value = value;
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const value = this.#value;
      this.#value = undefined;
      if (value !== undefined) yield value;
      else if (this.#ended) return;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}
