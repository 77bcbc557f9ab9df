import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Test } from 'tap';
import { WebSocket } from 'undici';
import { temporary } from './temporary.ts';

const PROGRAM = '/usr/bin/firefox-esr';

/** Why there is no Firefox to test with; false if there is one. */
export const missingFirefox = existsSync(PROGRAM) ? false : 'needs firefox-esr';

interface Answer {
  readonly id?: number;
  readonly type: string;
  readonly result?: unknown;
  readonly message?: string;
}

/** A window of Debian's Firefox, by WebDriver BiDi (W3C), which stock Firefox speaks by itself. It ends with the test. */
export class FirefoxPage {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #context = '';
  #last = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => {
      const answer = JSON.parse(String(data)) as Answer;
      if (answer.id !== undefined) this.#waiting.get(answer.id)?.(answer);
    });
  }

  static async open(t: Test): Promise<FirefoxPage> {
    const args = ['--headless', '--no-remote', '--profile', temporary(t), '--remote-debugging-port', '0'];
    const child = spawn(PROGRAM, args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, HOME: temporary(t) },
    });
    const exit = new Promise((resolve) => child.once('exit', resolve));
    t.teardown(async () => {
      child.kill('SIGKILL');
      await exit;
    });
    let address: string | undefined;
    for await (const line of createInterface({ input: child.stderr })) {
      address = /WebDriver BiDi listening on (\S+)/.exec(line)?.[1];
      if (address !== undefined) break;
    }
    const socket = new WebSocket(`${address}/session`);
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve);
      socket.addEventListener('error', reject);
    });
    const page = new FirefoxPage(socket);
    await page.#send('session.new', { capabilities: {} });
    const { contexts } = (await page.#send('browsingContext.getTree', {})) as { contexts: { context: string }[] };
    page.#context = contexts[0]?.context ?? '';
    return page;
  }

  async goto(url: string): Promise<void> {
    await this.#send('browsingContext.navigate', { context: this.#context, url, wait: 'complete' });
  }

  /** The value, a string, of an expression in the page, or of the promise that it is. @throws what the expression throws */
  async evaluate(expression: string): Promise<string> {
    const target = { context: this.#context };
    const answer = (await this.#send('script.evaluate', { expression, target, awaitPromise: true })) as {
      readonly type: string;
      readonly result?: { readonly value?: unknown };
      readonly exceptionDetails?: { readonly text: string };
    };
    if (answer.type === 'exception') throw new Error(answer.exceptionDetails?.text);
    return String(answer.result?.value);
  }

  /** Resolves when an expression is true. */
  async until(expression: string): Promise<void> {
    const wait = `new Promise((resolve) => {
      const look = () => ((${expression}) ? resolve('') : setTimeout(look, 50));
      look();
    })`;
    await this.evaluate(wait);
  }

  async #send(method: string, params: object): Promise<unknown> {
    const id = ++this.#last;
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, method, params }));
    const answer = await answered;
    if (answer.type === 'error') throw new Error(`${method}: ${answer.message}`);
    return answer.result;
  }
}
