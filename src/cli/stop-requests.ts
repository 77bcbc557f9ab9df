import type { ParentChannel } from '../daemon/child-messages.ts';
import type { Cli } from './cli.ts';

export interface StopRequest {
  /** Whether to upload what is queued first. */
  readonly drain: boolean;
}

/** Who has waited this long, ms, for a process whose parent is gone waits no longer. */
const ORPHAN = 5000;

/**
 * Everything that can ask a long-running command to end, as one wait: signals, the parent's word, the parent's death,
 * and the control socket through `request`.
 */
export class StopRequests {
  readonly first: Promise<StopRequest>;
  #ask: (request: StopRequest) => void = () => undefined;
  #asked = false;
  readonly #again: () => void;

  /** `again` is called when a person asks a second time: they do not want to wait. */
  constructor(cli: Cli, parent: ParentChannel | undefined, again: () => void) {
    this.first = new Promise((resolve) => (this.#ask = resolve));
    this.#again = again;
    // Ctrl-C reaches every process of the terminal; those with a parent leave it to the parent to end them in order.
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
