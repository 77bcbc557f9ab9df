import { type IncomingHttpHeaders, request } from 'node:http';
import type { Test } from 'tap';

/** The three kinds of folder in which a conversation is played. */
export type Mount = 'Sync' | 'Backup' | 'Archive';

/** A request of a recorded client, and the expected response. */
export interface Step {
  readonly method: string;
  /** Path below the work folder, escaped as by the client; from the server's root if it begins with `/`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Whether the body is sent in chunks, without a length. */
  readonly chunked?: boolean;
  /** Statuses that the client accepts, by folder. */
  readonly status: number | Readonly<Record<Mount, number>>;
  /** Headers that the response must have. */
  readonly has?: Readonly<Record<string, RegExp>>;
  /** Pattern that the body must match. */
  readonly says?: RegExp;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Server {
  /** Ends in `/`. */
  readonly url: string;
  readonly authorization: string;
}

/**
 * Plays the steps one after another. `{token}` in a header stands for the lock token of the last LOCK that gave one,
 * `{etag}` for the last ETag, `{folder}` for the absolute URL of the work folder.
 */
export async function converse(
  t: Test,
  server: Server,
  folder: string,
  mount: Mount,
  steps: readonly Step[],
): Promise<void> {
  const known = { token: 'none', etag: '"none"', folder: server.url + folder };
  for (const [i, step] of steps.entries()) {
    const answer = await send(server, folder, fill(step, known));
    const expected = typeof step.status === 'number' ? step.status : step.status[mount];
    const label = `${i + 1}. ${step.method} ${step.path} in ${mount}`;
    t.equal(answer.status, expected, `${label}: ${answer.text.slice(0, 200)}`);
    if (answer.status === 403) t.match(answer.text, /\w+ \w+ \w+/, `${label} says why`);
    if (answer.status < 300) {
      for (const [name, pattern] of Object.entries(step.has ?? {}))
        t.match(answer.headers[name], pattern, `${label}: ${name}`);
      if (step.says !== undefined) t.match(answer.text, step.says, label);
    }
    known.token = /<(.+)>/.exec(String(answer.headers['lock-token'] ?? ''))?.[1] ?? known.token;
    known.etag = answer.headers.etag ?? known.etag;
  }
}

export function send(server: Server, folder: string, step: Step): Promise<Answer> {
  const path = step.path.startsWith('/') ? step.path : new URL(server.url + folder).pathname + step.path;
  const { hostname, port } = new URL(server.url);
  const body = Buffer.from(step.body ?? '');
  const sized = body.length > 0 || step.method === 'PUT' ? { 'content-length': String(body.length) } : {};
  const length = step.chunked === true ? { 'transfer-encoding': 'chunked' } : sized;
  return new Promise((resolve, reject) => {
    const headers = { authorization: server.authorization, ...length, ...step.headers };
    const call = request({ hostname, port, path, method: step.method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }));
    });
    call.on('error', reject).end(body);
  });
}

function fill(step: Step, known: Readonly<Record<string, string>>): Step {
  if (step.headers === undefined) return step;
  const headers = Object.entries(step.headers).map(([name, value]) => [
    name,
    value.replaceAll(/\{(\w+)\}/g, (all, key: string) => known[key] ?? all),
  ]);
  return { ...step, headers: Object.fromEntries(headers) as Record<string, string> };
}
