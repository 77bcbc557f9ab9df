import { setImmediate } from 'node:timers/promises';
import type { Buffers } from './buffers.ts';
import type { Device } from './device.ts';
import type { Session } from './session.ts';

export interface Pace {
  /** How long to poll for another request before sleeping, ms. A wake-up costs about as much. */
  readonly spin: number;
  /** Time after which the event loop gets a turn, ms. */
  readonly turn: number;
}

export const PACE: Pace = { spin: 0.08, turn: 2 };

/** Number of microtask turns between two requests: enough to finish a request that waits for nothing. */
const STEPS = 40;

/**
 * Takes requests from the device as fast as they arrive, and sleeps when there are none. Requests in a burst need no
 * wake-up.
 */
export class Loop {
  readonly #device: Device;
  readonly #session: Session;
  readonly #frames: Buffers;
  readonly #pace: Pace;
  #frame: Buffer;
  #end: number | undefined;

  constructor(device: Device, session: Session, frames: Buffers, pace: Pace) {
    this.#device = device;
    this.#session = session;
    this.#frames = frames;
    this.#pace = pace;
    this.#frame = frames.take();
  }

  /** Runs until the connection ends. @returns the errno with which it ended */
  async run(): Promise<number> {
    while (this.#end === undefined) if (!(await this.#serve()) && this.#end === undefined) await this.#device.wait();
    return this.#end;
  }

  /** Serves for one turn. @returns false if no request has arrived for a while */
  async #serve(): Promise<boolean> {
    const start = performance.now();
    for (let last = start, now = start; now - start < this.#pace.turn; now = performance.now()) {
      const received = this.#device.receive(this.#frame);
      if (received.what === 'end') {
        this.#end = received.errno;
        return false;
      }
      if (received.what === 'request') {
        await this.#take(received.length);
        last = performance.now();
      } else if (now - last > this.#pace.spin) return false;
      // A pending request may become ready before the next one arrives.
      else if (this.#session.pending > 0) await setImmediate();
    }
    await setImmediate();
    return true;
  }

  async #take(length: number): Promise<void> {
    const session = this.#session;
    const frame = this.#frame;
    const { pending } = session;
    if (session.take(frame, length, () => this.#frames.give(frame))) this.#frame = this.#frames.take();
    for (let i = 0; i < STEPS && session.pending > pending; i++) await undefined;
  }
}
