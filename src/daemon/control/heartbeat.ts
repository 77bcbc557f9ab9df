import { Client } from 'undici';
import { Problem } from '../problem.ts';

/** Ms until the first question, and between an answer and the next one: most commands are done sooner. */
const PERIOD = 2000;
/** Ms that an answer may take. */
const PATIENCE = 10_000;

/** The gateway takes connections, but does not answer. */
export class GatewayHangs extends Problem {}

/**
 * Asks the gateway over a connection of its own whether it lives, for as long as a command works with it. So a command
 * ends with a gateway that hangs, and work that takes long for other reasons may take as long as it does.
 */
export class Heartbeat {
  readonly #client: Client;
  readonly #dir: string;
  readonly #lost = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(socketPath: string, dir: string) {
    this.#client = new Client('http://fjord', { socketPath, headersTimeout: PATIENCE, bodyTimeout: PATIENCE });
    this.#dir = dir;
  }

  /** Aborted with `GatewayHangs` when an answer did not come in time. */
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
    const limit = AbortSignal.timeout(PATIENCE);
    try {
      // Whatever it says: an older gateway does not know the question.
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
