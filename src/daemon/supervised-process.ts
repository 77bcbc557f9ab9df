import { spawn, type ChildProcess } from 'node:child_process';
import { isFromChild, type FromChild, type FromParent } from './child-messages.ts';
import { lifeOf } from './running.ts';
import { PROCESS_ENVIRONMENT } from './process-environment.ts';

export interface SupervisedOptions {
  /** How it is called in messages: "cloud", "gateway". */
  readonly name: string;
  /** Program and arguments of each start; a later one may differ. */
  command(): readonly string[];
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Called each time it serves. */
  onReady(pid: number, port: number): void;
  /** Everything else it says. */
  onMessage(message: FromChild): void;
  /** It died and comes back after `delay` ms. */
  onDeath(how: string, delay: number): void;
  /** It was killed but cannot end, because a thread of it waits in the kernel; called each second until it has ended. */
  onRemains?(): void;
  /** How long it may be silent when it is to end before it is killed, ms. */
  readonly patience?: number;
  /** First and longest wait before a new start, ms. */
  readonly backOff?: readonly [first: number, longest: number];
}

/** Ms between two looks at a process. */
const PERIOD = 1000;
const PATIENCE = 15_000;

/**
 * A process that is started again whenever it dies, until it is stopped: soon if it has served, after ever longer waits
 * if it has not. It has a channel to this one and ends itself
 * when the channel is lost, so that it never outlives its parent.
 */
export class SupervisedProcess {
  readonly #options: SupervisedOptions;
  readonly #first: number;
  readonly #longest: number;
  #child: ChildProcess | undefined;
  #delay: number;
  #timer: NodeJS.Timeout | undefined;
  /** When it was last known to live, by `performance.now()`. */
  #heardAt = 0;
  #stopping = false;
  #lastWords = '';

  constructor(options: SupervisedOptions) {
    this.#options = options;
    [this.#first, this.#longest] = options.backOff ?? [200, 15_000];
    this.#delay = this.#first;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    const [program = '', ...args] = this.#options.command();
    const stdio = ['ignore', 'inherit', 'pipe', 'ipc'] as const;
    const env = { ...PROCESS_ENVIRONMENT, ...(this.#options.env ?? process.env) };
    const child = spawn(program, args, { stdio: [...stdio], env, windowsHide: true });
    this.#child = child;
    this.#lastWords = '';
    this.#look(child);
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#lastWords = (this.#lastWords + text).slice(-2000);
    });
    child.on('message', (message) => this.#heard(child, message));
    child.once('error', (error) => this.#ended(child, error.message));
    child.once('close', (code, signal) => this.#ended(child, describeEnd(code, signal, this.#lastWords)));
  }

  /** Asks the process to end and waits until it has. Does not start it again. */
  async stop(drain: boolean): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const message: FromParent = { type: 'stop', drain };
    if (child.connected) child.send(message, () => undefined);
    this.#heardAt = performance.now();
    const asking = setInterval(() => this.#ask(child), PERIOD);
    await ended;
    clearInterval(asking);
  }

  /** Ends the process at once. */
  kill(): void {
    this.#stopping = true;
    clearTimeout(this.#timer);
    this.#child?.kill('SIGKILL');
  }

  /** What hangs ends, too. */
  #ask(child: ChildProcess): void {
    if (performance.now() - this.#heardAt > (this.#options.patience ?? PATIENCE)) child.kill('SIGKILL');
    else if (child.connected) child.send({ type: 'ping' } satisfies FromParent, () => undefined);
  }

  /** Neither `exit` nor `close` is emitted before all threads of a process have ended. */
  #look(child: ChildProcess): void {
    const timer = setInterval(() => {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return clearInterval(timer);
      void lifeOf(child.pid).then((life) => life === 'over' && this.#options.onRemains?.());
    }, PERIOD);
    timer.unref();
  }

  #heard(child: ChildProcess, message: unknown): void {
    if (!isFromChild(message)) return;
    this.#heardAt = performance.now();
    if (message.type === 'pong') return;
    if (message.type !== 'ready') return this.#options.onMessage(message);
    this.#delay = this.#first;
    this.#options.onReady(child.pid ?? 0, message.port);
  }

  #ended(child: ChildProcess, how: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    if (this.#stopping) return;
    const delay = this.#delay;
    this.#delay = Math.min(delay * 2, this.#longest);
    this.#options.onDeath(how, delay);
    this.#timer = setTimeout(() => this.start(), delay);
  }
}

function describeEnd(code: number | null, signal: NodeJS.Signals | null, words: string): string {
  const how = signal === null ? `ended with code ${code ?? '?'}` : `was ended by ${signal}`;
  const last = words
    .split('\n')
    .map((line) => line.trim())
    .findLast((line) => line !== '');
  return last === undefined ? how : `${how}: ${last}`;
}
