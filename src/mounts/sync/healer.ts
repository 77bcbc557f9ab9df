import type { ContentStore } from '../../cache/content/content.ts';
import type { Remote } from '../../cloud/remote.ts';
import { isFsError } from '../../vfs/fs-error.ts';
import type { SyncLog } from './sync-log.ts';

/** ms until the same number of damaged blocks is looked at again. */
const AGAIN = 60 * 60_000;

export interface HealerParts {
  readonly remote: Pick<Remote, 'damaged' | 'upload'>;
  readonly store: Pick<ContentStore, 'held'>;
  readonly log: SyncLog;
  /** ms since 1970 */
  readonly now: () => number;
}

/** Uploads again what the cloud has found damaged, as far as it is cached here. */
export class Healer {
  readonly #parts: HealerParts;
  readonly #stop = new AbortController();
  #damaged = 0;
  #looked = { count: 0, at: -Infinity };
  #running: Promise<void> | undefined;

  constructor(parts: HealerParts) {
    this.#parts = parts;
  }

  /** Damaged blocks of the account, as the cloud said last. */
  get damaged(): number {
    return this.#damaged;
  }

  /** How many damaged blocks of the account the cloud has. */
  found(count: number): void {
    this.#damaged = count;
    const { now } = this.#parts;
    const isKnown = count === this.#looked.count && Math.abs(now() - this.#looked.at) < AGAIN;
    if (count === 0 || isKnown || this.#running !== undefined) return;
    this.#looked = { count, at: now() };
    this.#running = this.#heal().finally(() => (this.#running = undefined));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #heal(): Promise<void> {
    const { remote, store, log } = this.#parts;
    const { signal } = this.#stop;
    try {
      const digests = new Set(await remote.damaged({ signal }));
      let healed = 0;
      for await (const block of store.held(digests, { signal })) {
        await remote.upload([block], { signal });
        healed += 1;
      }
      log.info({ damaged: digests.size, healed }, 'damaged content of the cloud was uploaded again');
    } catch (error) {
      this.#looked = { count: 0, at: -Infinity };
      if (!isFsError(error)) log.warn({ err: error }, 'damaged content of the cloud could not be uploaded again');
    }
  }
}
