import type { WireCode } from '../cloud/wire-code.ts';
import { Pace } from './pace.ts';
import type { Intent, IntentResult, NodeRecord } from '../cloud/records.ts';

/** `offline`: there was no response. */
export type ApiCode = WireCode | 'offline';

/** A call that failed. The message is the service's, in English, and is shown where the code says too little. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ApiCode;
  /** What is there now, for `exists`, `conflict` and `gone`. */
  readonly current: NodeRecord | undefined;

  constructor(code: ApiCode, message: string, current?: NodeRecord) {
    super(message);
    this.code = code;
    this.current = current;
  }
}

interface CallOptions {
  readonly body?: object;
  readonly range?: string;
  readonly signal?: AbortSignal;
}

/** The calls of the cloud (`docs/api.md`) in the session of this browser. Safe to call concurrently. */
export class Api {
  /** Called when a call has found the session at its end. */
  onSignedOut: () => void = () => undefined;

  /** @throws ApiError */
  async json<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
    const response = await this.#call(method, path, options);
    return (response.status === 204 ? undefined : await response.json()) as T;
  }

  /** The values of an NDJSON response, in chunks as they arrive. @throws ApiError */
  async *lines<T>(path: string, signal?: AbortSignal): AsyncGenerator<T[]> {
    yield* linesOf<T>(await this.#call('GET', path, signal === undefined ? {} : { signal }));
  }

  /** What is in a folder, in chunks as they arrive, and the revision after which changes are in the feed. @throws ApiError */
  async children(id: string, signal: AbortSignal): Promise<{ rev: number; chunks: AsyncGenerator<NodeRecord[]> }> {
    const response = await this.#call('GET', `/v1/nodes/${id}/children`, { signal });
    return { rev: Number(response.headers.get('fjord-revision')), chunks: linesOf<NodeRecord>(response) };
  }

  /** The first bytes of a file's content, at most `limit`. @throws ApiError */
  async start(path: string, limit: number, signal: AbortSignal): Promise<Uint8Array> {
    const response = await this.#call('GET', path, { range: `bytes=0-${limit - 1}`, signal });
    return new Uint8Array(await response.arrayBuffer());
  }

  /** The node that one change has made or changed. @throws ApiError */
  async commit(intent: Intent): Promise<NodeRecord> {
    const body = { intents: [intent] };
    const { results } = await this.json<{ results: IntentResult[] }>('POST', '/v1/intents', { body });
    const [result] = results;
    if (result?.status === 'done') return result.node;
    if (result === undefined) throw new ApiError('internal', 'no result');
    throw new ApiError(result.code, result.message, result.current);
  }

  async #call(method: string, path: string, { body, range, signal }: CallOptions): Promise<Response> {
    const init: RequestInit = { method, cache: 'no-store', ...(signal === undefined ? {} : { signal }) };
    if (body !== undefined) {
      init.headers = { 'content-type': 'application/json' };
      init.body = JSON.stringify(body);
    }
    if (range !== undefined) init.headers = { range };
    let response: Response;
    try {
      response = await fetch(path, init);
    } catch (error) {
      throw new ApiError('offline', String(error));
    }
    if (response.ok) return response;
    const error = await failure(response);
    if (error.code === 'unauthorized' && path !== '/v1/session') void this.#checkSession();
    throw error;
  }

  /** A password that was wrong has the same code as a session that has ended. Never rejects. */
  async #checkSession(): Promise<void> {
    const response = await fetch('/v1/session', { cache: 'no-store' }).catch(() => undefined);
    if (response?.status === 401) this.onSignedOut();
  }
}

async function* linesOf<T>({ body }: Response): AsyncGenerator<T[]> {
  if (body === null) return;
  const pace = new Pace();
  let rest = '';
  try {
    for await (const text of body.pipeThrough(new TextDecoderStream())) {
      const end = text.lastIndexOf('\n');
      if (end === -1) rest += text;
      else {
        // All at once is twice as fast as one after the other.
        yield JSON.parse(`[${(rest + text.slice(0, end)).replaceAll('\n', ',')}]`) as T[];
        rest = text.slice(end + 1);
        await pace.step();
      }
    }
  } catch (error) {
    throw error instanceof ApiError ? error : new ApiError('offline', String(error));
  }
}

export async function failure(response: Response): Promise<ApiError> {
  try {
    const { code, message } = (await response.json()) as { code: WireCode; message: string };
    return new ApiError(code, message);
  } catch {
    return new ApiError(response.status >= 500 ? 'unavailable' : 'internal', `HTTP ${response.status}`);
  }
}
