import { signal } from '@preact/signals';
import type { SearchRecord } from '../cloud/records.ts';
import type { Api } from './api.ts';

/** How long nothing has to be typed before a search begins, and how soon one is repeated whose names were not all indexed; ms. */
const PAUSE = 200;
const AGAIN = 1000;

/** The results of what is typed: only those of the newest query show. */
export class NameSearch {
  readonly results = signal<SearchRecord | undefined>(undefined);
  readonly state = signal<'idle' | 'searching' | 'failed'>('idle');
  readonly #api: Api;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stop = new AbortController();

  constructor(api: Api) {
    this.#api = api;
  }

  /** An empty query shows nothing. */
  start(query: string, pause = PAUSE): void {
    this.close();
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    if (query.trim() === '') [this.results.value, this.state.value] = [undefined, 'idle'];
    else this.#timer = setTimeout(() => void this.#find(query, signal), pause);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#stop.abort();
  }

  /** Never rejects. */
  async #find(query: string, signal: AbortSignal): Promise<void> {
    this.state.value = 'searching';
    try {
      const found = await this.#api.json<SearchRecord>('GET', `/v1/search?q=${encodeURIComponent(query)}`, { signal });
      if (signal.aborted) return;
      [this.results.value, this.state.value] = [found, 'idle'];
      if (!found.complete) this.#timer = setTimeout(() => void this.#find(query, signal), AGAIN);
    } catch {
      if (!signal.aborted) this.state.value = 'failed';
    }
  }
}
