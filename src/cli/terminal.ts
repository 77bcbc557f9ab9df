import type { Readable, Writable } from 'node:stream';
import { once } from 'node:events';

type Colour = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'blue';

const CODES: Readonly<Record<Colour, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
};

export interface TerminalStreams {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean; readonly columns?: number };
}

/** The terminal, pipe or file that a command writes to. */
export class Terminal {
  readonly stdin: TerminalStreams['stdin'];
  readonly stdout: TerminalStreams['stdout'];
  readonly stderr: TerminalStreams['stderr'];
  /** Whether progress can be drawn, because stderr is a terminal. */
  readonly live: boolean;
  readonly #colours: boolean;

  constructor(streams: TerminalStreams, env: Readonly<Record<string, string | undefined>>) {
    this.stdin = streams.stdin;
    this.stdout = streams.stdout;
    this.stderr = streams.stderr;
    const dumb = env['TERM'] === 'dumb';
    this.live = streams.stderr.isTTY === true && !dumb;
    this.#colours = streams.stdout.isTTY === true && !dumb && (env['NO_COLOR'] ?? '') === '';
  }

  get columns(): number {
    return this.stderr.columns ?? 80;
  }

  /** Writes a line to stdout. Waits while the reader is slow. */
  async print(line = ''): Promise<void> {
    await this.write(`${line}\n`);
  }

  async write(data: string | Uint8Array): Promise<void> {
    if (!this.stdout.write(data)) await once(this.stdout, 'drain');
  }

  /** Writes a line to stderr, for everything that is not a result. */
  note(line: string): void {
    this.stderr.write(`${line}\n`);
  }

  paint(colour: Colour, text: string): string {
    const [on, off] = CODES[colour];
    return this.#colours ? `\u001B[${on}m${text}\u001B[${off}m` : text;
  }
}
