import { spawn } from 'node:child_process';
import PQueue from 'p-queue';
import type { Logger } from 'pino';

/**
 * - `failed`: a run ended with an error · `halted`: it waits for a person or a disk
 * - `incomplete`: some files could not be taken · `overdue`: it was not complete for longer than its schedule allows
 * - `damaged`: a verification has found damage
 */
export type BackupEventKind = 'failed' | 'halted' | 'incomplete' | 'overdue' | 'damaged';

/** What a hook is told. Times are ms since 1970. */
export interface BackupEvent {
  readonly event: BackupEventKind;
  readonly set: string;
  readonly folder: string;
  /** For a person. */
  readonly reason: string;
  /** Files and folders that could not be taken, or that are damaged. */
  readonly problems: number;
  readonly finished?: number;
}

export interface FailureHookOptions {
  /** Passed to the command as `FJORD_DATA_DIR`. */
  readonly dataFolder: string;
  readonly log: Pick<Logger, 'info' | 'warn'>;
  /** Longest run of a command, and longest wait for a server, ms. */
  readonly limits?: { readonly command: number; readonly webhook: number };
}

const LIMITS = { command: 60_000, webhook: 10_000 };
/** Characters of a command's output that are logged. */
const LOGGED = 2000;
/** Hooks that may wait; more would only say the same. */
const WAITING = 100;

/** Runs the command or calls the webhook that a person has chosen for failures, one at a time. What goes wrong with it is only logged. */
export class FailureHook {
  readonly #options: FailureHookOptions;
  readonly #queue = new PQueue({ concurrency: 1 });
  readonly #life = new AbortController();

  constructor(options: FailureHookOptions) {
    this.#options = options;
  }

  /** Never throws. @param hook a URL, or a command for the shell; nothing happens if empty */
  notify(hook: string, event: BackupEvent): void {
    if (hook === '' || this.#life.signal.aborted || this.#queue.size >= WAITING) return;
    void this.#queue.add(async () => this.#run(hook, event));
  }

  /** Ends what runs. */
  async close(): Promise<void> {
    this.#life.abort();
    await this.#queue.onIdle();
  }

  async #run(hook: string, event: BackupEvent): Promise<void> {
    const { log } = this.#options;
    const { set, event: kind } = event;
    try {
      if (this.#life.signal.aborted) return;
      const output = await (isWebhook(hook) ? this.#post(hook, event) : this.#execute(hook, event));
      log.info({ set, event: kind, output: output.slice(0, LOGGED) }, 'the hook for failures ran');
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      log.warn({ set, event: kind, reason: reason.slice(0, LOGGED) }, 'the hook for failures failed');
    }
  }

  async #post(url: string, event: BackupEvent): Promise<string> {
    const { webhook } = this.#options.limits ?? LIMITS;
    const limit = AbortSignal.timeout(webhook);
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'fjord' },
      body: JSON.stringify(event),
      signal: AbortSignal.any([limit, this.#life.signal]),
    }).catch((error: unknown) => {
      throw limit.aborted ? new Error(`the server did not respond within ${webhook / 1000} s`) : error;
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`the server responded with status ${response.status}`);
    return `status ${response.status}`;
  }

  /** What the event says comes in variables, so a file name is never part of the command. */
  async #execute(command: string, event: BackupEvent): Promise<string> {
    const env = { ...process.env, FJORD_DATA_DIR: this.#options.dataFolder, ...variablesOf(event) };
    const windows = process.platform === 'win32';
    // In a process group of its own, so that the end of the time limit ends what the shell has started, too.
    const child = spawn(command, { shell: true, env, stdio: ['ignore', 'pipe', 'pipe'], detached: !windows });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (output = (output + text).slice(0, LOGGED)));
    }
    const { command: limit } = this.#options.limits ?? LIMITS;
    let isLate = false;
    const end = (): void => killAll(child.pid);
    const timer = setTimeout(() => {
      isLate = true;
      end();
    }, limit);
    this.#life.signal.addEventListener('abort', end, { once: true });
    try {
      const how = await new Promise<number | string>((resolve, reject) => {
        child.once('error', reject).once('exit', (code, signal) => resolve(code ?? signal ?? ''));
      });
      if (isLate) throw new Error(`it took longer than ${limit / 1000} s and was ended: ${output}`);
      if (how !== 0) throw new Error(`it ended with ${how}: ${output}`);
      return output;
    } finally {
      clearTimeout(timer);
      this.#life.signal.removeEventListener('abort', end);
    }
  }
}

export function isWebhook(hook: string): boolean {
  return /^https?:\/\//i.test(hook);
}

function variablesOf({ event, set, folder, reason, problems, finished }: BackupEvent): Record<string, string> {
  return {
    FJORD_EVENT: event,
    FJORD_SET: set,
    FJORD_FOLDER: folder,
    // A NUL cannot be in a variable.
    FJORD_REASON: reason.replaceAll('\0', ''),
    FJORD_PROBLEMS: String(problems),
    FJORD_FINISHED: finished === undefined ? '' : new Date(finished).toISOString(),
  };
}

function killAll(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
