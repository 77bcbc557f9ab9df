import { setImmediate } from 'node:timers/promises';
import type { Buffers } from './buffers.ts';
import type { Device } from './device.ts';
import type { Session } from './session.ts';
import { Opcode } from './wire/opcode.ts';

export interface Pace {
  /** How long to poll for another request before sleeping, ms, while programs only read and each request comes within this time of the last. */
  readonly spin: number;
  /** How long otherwise, ms. The programs that ask need the core, too. */
  readonly glance: number;
  /** How often to sleep for a millisecond in this thread, where any event ends it, before sleeping in libuv's pool. */
  readonly naps: number;
  /** Time after which the event loop gets a turn, ms. */
  readonly turn: number;
}

/** Requests that leave no work to other threads, which need the core after any other. */
const READING: ReadonlySet<number> = new Set([
  Opcode.LOOKUP,
  Opcode.GETATTR,
  Opcode.READLINK,
  Opcode.OPEN,
  Opcode.READ,
  Opcode.RELEASE,
  Opcode.OPENDIR,
  Opcode.READDIR,
  Opcode.READDIRPLUS,
  Opcode.RELEASEDIR,
]);
/** For how long other threads may have work after a change, ms. */
const AFTERMATH = 10;

export const PACE: Pace = { spin: 0.08, glance: 0.02, naps: 3, turn: 2 };

/** Where a frame has its opcode (`struct fuse_in_header`), bytes. */
const OPCODE = 4;

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
  /** When the last request was served, ms. */
  #last = 0;
  /** When something else than reading was requested last, ms. */
  #changed = 0;
  #spin: number;
  #end: number | undefined;

  constructor(device: Device, session: Session, frames: Buffers, pace: Pace) {
    this.#device = device;
    this.#session = session;
    this.#frames = frames;
    this.#pace = pace;
    this.#frame = frames.take();
    this.#spin = pace.glance;
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
    const { spin, glance, turn } = this.#pace;
    let any = false;
    for (let since = start, now = start; now - start < turn; now = performance.now()) {
      const received = this.#device.receive(this.#frame);
      if (received.what === 'end') {
        this.#end = received.errno;
        break;
      }
      if (received.what === 'request') {
        any = true;
        if (!READING.has(this.#frame.readUInt32LE(OPCODE))) this.#changed = now;
        // A wake-up takes as long as serving such a request.
        this.#spin = now - this.#last <= spin && now - this.#changed > AFTERMATH ? spin : glance;
        await this.#take(received.length);
        since = this.#last = performance.now();
      } else if (now - since > this.#spin) break;
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
