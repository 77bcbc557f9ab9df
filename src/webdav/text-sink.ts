import type { Sink } from './outcome.ts';
import { PIECE, type TextMemory } from './text-memory.ts';

/** Takes text bit by bit. */
export interface TextOut {
  put(text: string): void;
}

interface Full {
  readonly bytes: Buffer;
  /** What they are in, unless it is their own. */
  readonly piece?: Buffer;
}

/** Bytes of UTF-8 that a unit of UTF-16 can take. */
const WIDEST = 3;

/**
 * Text on its way into an answer. It is written into pieces of memory at once, so that the many bits of a long listing
 * become no strings that somebody has to collect. Send what is full now and then, and `flush` in the end.
 */
export class TextSink implements TextOut {
  readonly #sink: Sink;
  readonly #memory: TextMemory;
  #full: Full[] = [];
  #piece: Buffer | undefined;
  #length = 0;

  constructor(sink: Sink, memory: TextMemory) {
    this.#sink = sink;
    this.#memory = memory;
  }

  put(text: string): void {
    const most = text.length * WIDEST;
    if (this.#length + most > PIECE) this.#turn();
    if (most > PIECE) this.#full.push({ bytes: Buffer.from(text) });
    else this.#length += (this.#piece ??= this.#memory.take()).write(text, this.#length);
  }

  /** There is something worth sending. */
  get isFull(): boolean {
    return this.#full.length > 0;
  }

  /** Sends what is full. @throws EINTR when the client has gone */
  async send(): Promise<void> {
    const all = this.#full;
    this.#full = [];
    for (const { bytes, piece } of all) {
      const waiting = this.#sink.write(bytes, () => {
        if (piece !== undefined) this.#memory.giveBack(piece);
      });
      if (waiting instanceof Promise) await waiting;
    }
  }

  /** Sends everything. @throws EINTR when the client has gone */
  async flush(): Promise<void> {
    this.#turn();
    await this.send();
  }

  #turn(): void {
    const piece = this.#piece;
    if (piece !== undefined) this.#full.push({ bytes: piece.subarray(0, this.#length), piece });
    this.#piece = undefined;
    this.#length = 0;
  }
}

/** Text that is needed as a string. */
export class TextString implements TextOut {
  text = '';

  put(text: string): void {
    this.text += text;
  }
}
