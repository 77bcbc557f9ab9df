import type { Wait } from '../daemon/control/wire.ts';
import { count, shown, size, span } from './format.ts';
import type { Terminal } from './terminal.ts';

export interface Amount {
  readonly files: number;
  readonly bytes: number;
}

export interface Step {
  readonly done: Amount;
  /** All that is known so far; grows while more is found. */
  readonly total: Amount;
  /** Path of the file being transferred. */
  readonly current?: string | undefined;
  /** Reasons for waiting. */
  readonly waits?: readonly Wait[] | undefined;
}

/** Least time between two drawings, ms; faster ones would only flicker. */
const REDRAW = 100;
const BAR = 24;
/** From when on, ms, the past says something about the rest. */
const FORESEEN = 3000;

/** One line on the terminal that says how far something is. Draws nothing where the output is not a terminal. */
export class ProgressLine {
  readonly #terminal: Terminal;
  readonly #verb: string;
  readonly #now: () => number;
  readonly #startedAt: number;
  #drawnAt = 0;
  #waits = '';
  #drawn = false;

  constructor(terminal: Terminal, verb: string, now: () => number = Date.now) {
    this.#terminal = terminal;
    this.#verb = verb;
    this.#now = now;
    this.#startedAt = now();
  }

  update(step: Step): void {
    const now = this.#now();
    // A change of the reasons for waiting is drawn at once: no other report may follow for a long time.
    const waits = JSON.stringify(step.waits ?? []);
    if (!this.#terminal.live || (now - this.#drawnAt < REDRAW && waits === this.#waits)) return;
    this.#waits = waits;
    this.#drawnAt = now;
    this.#drawn = true;
    const line = progressLine(this.#verb, step, now - this.#startedAt);
    this.#terminal.stderr.write(`\r${line.slice(0, this.#terminal.columns - 1)}\u001B[K`);
  }

  /** Erases the line. */
  clear(): void {
    if (this.#drawn) this.#terminal.stderr.write('\r\u001B[K');
    this.#drawn = false;
  }
}

/** `Uploading [#####-----]  50%  1.0 MiB of 2.0 MiB, 3 of 4 files, 1.0 MiB/s  name` */
export function progressLine(verb: string, { done, total, current, waits = [] }: Step, elapsed: number): string {
  const share = total.bytes > 0 ? done.bytes / total.bytes : total.files > 0 ? done.files / total.files : 1;
  const part = Math.min(1, Math.max(0, share));
  const bar = '#'.repeat(Math.floor(part * BAR)).padEnd(BAR, '-');
  const percent = `${Math.floor(part * 100)}%`.padStart(4);
  const speed = elapsed > 1000 ? `, ${size((done.bytes / elapsed) * 1000)}/s` : '';
  const left = elapsed > FORESEEN && part > 0 && part < 1 ? `, ${span((elapsed * (1 - part)) / part)} left` : '';
  const files = `${done.files.toLocaleString('en')} of ${count(total.files, 'file')}`;
  const name = current === undefined ? '' : `  ${shown(current)}`;
  // The reasons come first, as the line may be cut and they are what the user can act on.
  if (waits.length > 0) return `${verb}${percent}, ${files}: ${waits.map(waitWords).join('; ')}`;
  return `${verb} [${bar}]${percent}  ${size(done.bytes)} of ${size(total.bytes)}, ${files}${speed}${left}${name}`;
}

/** A reason for waiting in words: `waits for the cloud`, for example. */
export function waitWords({ why, count: changes, path = '', reason = '' }: Wait): string {
  const others = changes > 1 ? ` and ${count(changes - 1, 'other')}` : '';
  if (why === 'offline') return 'waits for the cloud, which cannot be reached';
  if (why === 'busy') return `waits until ${shown(path)}${others} is closed and unlocked`;
  return `cannot be sent: ${shown(path)}${others} (${reason})`;
}

/** `3 files, 2.0 MiB in 4 s` */
export function summary({ files, bytes }: Amount, elapsed: number): string {
  return `${count(files, 'file')}, ${size(bytes)} in ${span(elapsed)}`;
}
