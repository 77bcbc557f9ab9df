import { Client } from 'undici';
import { Problem } from '../problem.ts';

/** Delay before the first request and after each response, ms. Most commands end sooner. */
const PERIOD = 2000;
/** Longest time for a response, ms. */
const TIMEOUT = 10_000;

/** The gateway accepts connections but does not respond. */
export class GatewayHangs extends Problem {}

/**
 * Checks over a separate connection that the gateway responds, for as long as a command uses it. So a command ends if
 * the gateway hangs, while other long operations need no time limit.
 */
export class Heartbeat {
  readonly #client: Client;
  readonly #dir: string;
  readonly #lost = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(socketPath: string, dir: string) {
    this.#client = new Client('http://fjord', { socketPath, headersTimeout: TIMEOUT, bodyTimeout: TIMEOUT });
    this.#dir = dir;
  }

  /** Aborted with `GatewayHangs` if a response is late. */
  get signal(): AbortSignal {
    return this.#lost.signal;
  }

  /** Idempotent. */
  start(): void {
    this.#timer ??= setTimeout(() => void this.#ask(), PERIOD).unref();
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#client.destroy();
  }

  async #ask(): Promise<void> {
    const limit = AbortSignal.timeout(TIMEOUT);
    try {
      // Any response will do: an older gateway does not have this route.
      const { body } = await this.#client.request({ method: 'GET', path: '/alive', signal: limit });
      await body.dump();
    } catch {
      if (limit.aborted) return this.#lost.abort(hangs(this.#dir));
    }
    this.#timer = setTimeout(() => void this.#ask(), PERIOD).unref();
  }
}

function hangs(dir: string): GatewayHangs {
  return new GatewayHangs('unreachable', `Fjord is running for ${dir}, but does not respond; \`fjord down\` ends it`);
}
