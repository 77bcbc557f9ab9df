import type { ParentChannel } from '../daemon/child-messages.ts';
import type { Cli } from './cli.ts';

export interface StopRequest {
  /** Whether to upload what is queued first. */
  readonly drain: boolean;
}

/** How long a process may still run after its parent has died, ms. */
const ORPHAN = 5000;

/**
 * All requests to stop a long-running command, joined in one promise: signals, a message from the parent, the parent's
 * death, and the control socket through `request`.
 */
export class StopRequests {
  readonly first: Promise<StopRequest>;
  #ask: (request: StopRequest) => void = () => undefined;
  #asked = false;
  readonly #again: () => void;

  /** `again` is called for each further request: the user does not want to wait. */
  constructor(cli: Cli, parent: ParentChannel | undefined, again: () => void) {
    this.first = new Promise((resolve) => (this.#ask = resolve));
    this.#again = again;
    // Ctrl-C reaches every process of the terminal. A process with a parent ignores it, as the parent stops all in
    // order.
    cli.ownSignals((signal) => {
      if (parent === undefined) this.request({ drain: true });
      else if (signal === 'SIGTERM') this.request({ drain: false });
    });
    parent?.onStop((drain) => this.request({ drain }));
    parent?.onLost(() => {
      setTimeout(() => process.exit(1), ORPHAN).unref();
      this.request({ drain: false });
    });
  }

  request(request: StopRequest): void {
    if (this.#asked) return this.#again();
    this.#asked = true;
    this.#ask(request);
  }
}
