import type { Sink } from './outcome.ts';
import { PIECE, type TextMemory } from './text-memory.ts';

/** Receives text in small parts. */
export interface TextOut {
  put(text: string): void;
}

interface Full {
  readonly bytes: Buffer;
  /** The pooled buffer that contains them, if any. */
  readonly piece?: Buffer;
}

/** Most bytes of UTF-8 for one unit of UTF-16. */
const WIDEST = 3;

/**
 * Encodes the text of a response directly into pooled buffers, so that the many parts of a long listing do not become
 * strings, which would have to be garbage-collected. Callers `send` full buffers now and then, and `flush` at the end.
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

  /** Whether a buffer is full and can be sent. */
  get isFull(): boolean {
    return this.#full.length > 0;
  }

  /** Sends the full buffers. @throws EINTR if the client has disconnected */
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

  /** Sends everything. @throws EINTR if the client has disconnected */
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

/** Collects text that is needed as a string. */
export class TextString implements TextOut {
  text = '';

  put(text: string): void {
    this.text += text;
  }
}
