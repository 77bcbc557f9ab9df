import { signal } from '@preact/signals';
import type { Push } from '../cloud/records.ts';

/** ms until a connection that the server has refused is tried again. */
const AGAIN = 5000;

/** The push channel: says what has moved in the cloud. */
export class Live {
  /** False while nothing is heard from the cloud. */
  readonly connected = signal(true);
  readonly #listeners = new Set<(event: Push) => void>();
  #source: EventSource | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;

  open(): void {
    this.close();
    const source = new EventSource('/v1/push');
    this.#source = source;
    // Anything may have happened before it connected.
    source.addEventListener('open', () => {
      this.connected.value = true;
      this.#publish({ type: 'spaces' });
    });
    source.addEventListener('message', ({ data }) => this.#publish(JSON.parse(String(data)) as Push));
    source.addEventListener('error', () => {
      this.connected.value = false;
      if (source.readyState === EventSource.CLOSED) this.#timer = setTimeout(() => this.open(), AGAIN);
    });
  }

  close(): void {
    this.#source?.close();
    clearTimeout(this.#timer);
  }

  /** @param listener is also called with `spaces` after an interruption. Returns the way to stop. */
  subscribe(listener: (event: Push) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #publish(event: Push): void {
    if (event.type !== 'alive') for (const listener of this.#listeners) listener(event);
  }
}
