import { PUSH_ALIVE } from '../http/wire.ts';
import type { Push } from '../records.ts';

export interface Listener {
  /** Must not throw and not block. */
  notify(event: Push): void;
  /** No further event follows, because the token was revoked or the service stops. */
  end(): void;
}

interface Subscription {
  readonly account: string;
  readonly device: string;
  readonly listener: Listener;
}

/**
 * Notifies connected devices of new revisions. Works within this process; several processes would need a channel
 * between them.
 */
export class PushHub {
  /** How often an idle connection shows that it is alive, ms. */
  readonly alive: number;
  readonly #subscriptions = new Set<Subscription>();

  constructor(alive = PUSH_ALIVE / 2) {
    this.alive = alive;
  }

  /** Returns a function that ends the subscription. */
  subscribe(account: string, device: string, listener: Listener): () => void {
    const subscription = { account, device, listener };
    this.#subscriptions.add(subscription);
    return () => void this.#subscriptions.delete(subscription);
  }

  publish(account: string, event: Push): void {
    for (const subscription of this.#subscriptions) {
      if (subscription.account === account) subscription.listener.notify(event);
    }
  }

  /** Ends the connections of one device, or all. */
  end(device?: string): void {
    for (const subscription of this.#subscriptions) {
      if (device !== undefined && subscription.device !== device) continue;
      this.#subscriptions.delete(subscription);
      subscription.listener.end();
    }
  }
}
