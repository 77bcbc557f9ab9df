import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFromChild, type FromChild, type FromParent } from './child-messages.ts';
import { lifeOf } from './process-life.ts';
import { PROCESS_ENVIRONMENT } from './process-environment.ts';

export interface SupervisedOptions {
  /** Its name in messages: "cloud" or "gateway". */
  readonly name: string;
  /** Program and arguments, called for each start; a restart may need other arguments. */
  command(): readonly string[];
  readonly env?: NodeJS.ProcessEnv | undefined;
  /** Called each time the process has started to serve. */
  onReady(pid: number, port: number): void;
  /** Called with all other messages of the process. */
  onMessage(message: FromChild): void;
  /** Called when the process has died; it is started again after `delay` ms. */
  onDeath(how: string, delay: number): void;
  /** Called every second while a killed process cannot end, because one of its threads waits in the kernel. */
  onRemains?(): void;
  /** How long the process may be silent before it is killed, ms. */
  readonly timeout?: number;
  /** First and longest delay before a restart, ms. */
  readonly backOff?: readonly [first: number, longest: number];
}

/** How often a process is checked, ms. */
const PERIOD = 1000;
const TIMEOUT = 15_000;
/** Periods after which the rest of a killed process is left to the kernel. */
const REMAINS = 5;

/**
 * A child process that is restarted whenever it dies, until it is stopped: soon if it has served, otherwise after
 * growing delays. It ends itself when the channel to this process is lost, so it never outlives its parent.
 */
export class SupervisedProcess {
  readonly #options: SupervisedOptions;
  readonly #first: number;
  readonly #longest: number;
  #child: ChildProcess | undefined;
  #delay: number;
  #timer: NodeJS.Timeout | undefined;
  /** Time of its last sign of life, by `performance.now()`. */
  #lastMessageAt = 0;
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
    child.on('message', (message) => this.#handleMessage(child, message));
    child.once('error', (error) => this.#ended(child, error.message));
    child.once('close', (code, signal) => this.#ended(child, describeEnd(code, signal, this.#lastWords)));
  }

  /** Asks the process to end, and waits until it has. It is not restarted. */
  async stop(drain: boolean): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child === undefined) return;
    const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
    const message: FromParent = { type: 'stop', drain };
    if (child.connected) child.send(message, () => undefined);
    this.#lastMessageAt = performance.now();
    const asking = setInterval(() => this.#ask(child), PERIOD);
    await Promise.race([ended, this.#remains(child)]);
    clearInterval(asking);
  }

  /**
   * Resolves when a killed process has not ended for a while: one of its threads waits in the kernel for a disk, and may do so for
   * good. It does not keep this process alive then.
   */
  async #remains(child: ChildProcess): Promise<void> {
    for (let seconds = 0; seconds < REMAINS;) {
      await sleep(PERIOD);
      if (this.#child !== child || child.pid === undefined) return;
      seconds = (await lifeOf(child.pid)) === 'over' ? seconds + 1 : 0;
    }
    if (child.connected) child.disconnect();
    child.stderr?.destroy();
    child.unref();
  }

  /** Kills the process. */
  kill(): void {
    this.#stopping = true;
    clearTimeout(this.#timer);
    this.#child?.kill('SIGKILL');
  }

  /** Sends a ping, and kills the process if it has been silent for too long. */
  #ask(child: ChildProcess): void {
    if (performance.now() - this.#lastMessageAt > (this.#options.timeout ?? TIMEOUT)) child.kill('SIGKILL');
    else if (child.connected) child.send({ type: 'ping' } satisfies FromParent, () => undefined);
  }

  /**
   * Checks whether the process was killed but cannot end. `exit` and `close` are only emitted once all of its threads
   * have ended.
   */
  #look(child: ChildProcess): void {
    const timer = setInterval(() => {
      if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return clearInterval(timer);
      void lifeOf(child.pid).then((life) => life === 'over' && this.#options.onRemains?.());
    }, PERIOD);
    timer.unref();
  }

  #handleMessage(child: ChildProcess, message: unknown): void {
    if (!isFromChild(message)) return;
    this.#lastMessageAt = performance.now();
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
  const how = signal === null ? `ended with code ${code ?? '?'}` : `was killed by ${signal}`;
  const last = words
    .split('\n')
    .map((line) => line.trim())
    .findLast((line) => line !== '');
  return last === undefined ? how : `${how}: ${last}`;
}
