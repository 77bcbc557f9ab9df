import type { Failure } from '../../daemon/control/failure.ts';

/** `gone`: the gateway does not respond; `signed-out`: the page has to be opened by `fjord open` again. */
export type CallProblem = 'gone' | 'signed-out' | 'refused';

/** A call that failed, with a message for people. */
export class CallError extends Error {
  override readonly name = 'CallError';
  readonly problem: CallProblem;

  constructor(problem: CallProblem, message: string) {
    super(message);
    this.problem = problem;
  }
}

/** The calls of the gateway that has sent this page. Safe to call concurrently. */
export class StatusApi {
  /** @throws CallError */
  async get<T>(path: string): Promise<T> {
    return (await (await this.#call('GET', path)).json()) as T;
  }

  /** @throws CallError */
  async send<T>(path: string, body: object): Promise<T> {
    return (await (await this.#call('POST', path, body)).json()) as T;
  }

  /** Resolves when the whole response has been received. @throws CallError */
  async post(path: string, body: object = {}): Promise<void> {
    const response = await this.#call('POST', path, body);
    await response.text().catch(() => '');
  }

  /** The values of an NDJSON response as they come (`src/daemon/control/lines.ts`). @throws CallError, also if it is cut off */
  async *lines<T>(path: string, body: object): AsyncGenerator<T> {
    const response = await this.#call('POST', path, body);
    let rest = '';
    const stream = response.body?.pipeThrough(new TextDecoderStream()) ?? [];
    for await (const text of stream as AsyncIterable<string>) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const value = JSON.parse(line) as T | { readonly failure: Partial<Failure> } | { readonly end: true };
        if (typeof value === 'object' && value !== null) {
          if ('end' in value) return;
          if ('failure' in value) throw new CallError('refused', wordsOf(value.failure));
        }
        yield value;
      }
    }
    throw new CallError('gone', 'the gateway ended before it was done');
  }

  async #call(method: string, path: string, body?: object): Promise<Response> {
    const init: RequestInit = { method, cache: 'no-store' };
    if (body !== undefined) {
      init.headers = { 'content-type': 'application/json' };
      init.body = JSON.stringify(body);
    }
    let response: Response;
    try {
      response = await fetch(`/api${path}`, init);
    } catch (error) {
      throw new CallError('gone', String(error));
    }
    if (response.ok) return response;
    const failure = (await response.json().catch(() => ({}))) as Partial<Failure>;
    const { code, subject } = failure;
    throw new CallError(code === 'EPERM' && subject === undefined ? 'signed-out' : 'refused', wordsOf(failure));
  }
}

function wordsOf({ code, subject, reason }: Partial<Failure>): string {
  return [subject, reason ?? code].filter(Boolean).join(': ');
}
