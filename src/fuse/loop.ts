import { setImmediate } from 'node:timers/promises';
import type { Buffers } from './buffers.ts';
import type { Device } from './device.ts';
import type { Session } from './session.ts';

export interface Pace {
  /** How long to poll for another request before sleeping, ms. The programs that ask need the core, too. */
  readonly spin: number;
  /** How often to sleep for a millisecond in this thread, where any event ends it, before sleeping in libuv's pool. */
  readonly naps: number;
  /** Time after which the event loop gets a turn, ms. */
  readonly turn: number;
}

export const PACE: Pace = { spin: 0.02, naps: 3, turn: 2 };

/** Longest sleep in the serving thread, ms. */
const NAP = 1;

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
    for (let idle = 0; this.#end === undefined;) {
      idle = (await this.#serve()) ? 0 : idle + 1;
      // What is ready runs before the thread sleeps.
      await setImmediate();
      if (idle <= this.#pace.naps && this.#device.nap(NAP)) continue;
      if (idle > 0) await this.#device.wait();
    }
    return this.#end;
  }

  /** Serves for one turn, or until no request has arrived for a while. @returns whether there was a request */
  async #serve(): Promise<boolean> {
    const start = performance.now();
    let any = false;
    for (let last = start, now = start; now - start < this.#pace.turn; now = performance.now()) {
      const received = this.#device.receive(this.#frame);
      if (received.what === 'end') {
        this.#end = received.errno;
        break;
      }
      if (received.what === 'request') {
        any = true;
        await this.#take(received.length);
        last = performance.now();
      } else if (now - last > this.#pace.spin) break;
      // A pending request may become ready before the next one arrives.
      else if (this.#session.pending > 0) await setImmediate();
    }
    return any;
  }

  async #take(length: number): Promise<void> {
    const session = this.#session;
    const frame = this.#frame;
    const { pending } = session;
    if (session.take(frame, length, () => this.#frames.give(frame))) this.#frame = this.#frames.take();
    for (let i = 0; i < STEPS && session.pending > pending; i++) await undefined;
  }
}
