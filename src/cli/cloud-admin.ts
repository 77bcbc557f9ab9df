import fastify, { type FastifyInstance } from 'fastify';
import { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { Client } from 'undici';
import { Problem, type ProblemKind } from '../daemon/problem.ts';
import { isListening, listenAlone } from '../daemon/singleton-socket.ts';
import type { ScrubReport } from '../cloud/server/scrub.ts';
import type { Cloud } from '../cloud/server/service.ts';
import { Refusal } from '../cloud/server/refusal.ts';

export type ClockState = Cloud['clock']['state'];
export interface Clock {
  state(): Promise<ClockState>;
  confirm(): Promise<void>;
}

export type Verify = (repair: boolean, signal: AbortSignal) => AsyncGenerator<ScrubReport>;

/** The administrative operations of a cloud. */
export interface Administered {
  readonly accounts: Accounts;
  readonly clock: Clock;
  readonly verify: Verify;
}

export type Accounts = Pick<Cloud['accounts'], 'add' | 'list' | 'setPassword' | 'removeSecondFactor'>;
export type Account = Awaited<ReturnType<Accounts['add']>>;

interface NewAccount {
  readonly email: string;
  readonly password: string;
  readonly quota?: number;
}

interface NewPassword {
  readonly email: string;
  readonly password: string;
}

/** Serves administrative commands for a running cloud, on a local socket that only its owner can open. */
export async function openAdmin(
  socketPath: string,
  { accounts, clock, verify }: Pick<Cloud, 'accounts' | 'clock' | 'verify'>,
): Promise<FastifyInstance> {
  const app = fastify({ forceCloseConnections: true });
  app.setErrorHandler((error, _request, reply) => reply.code(400).send(explain(error)));
  app.get('/accounts', () => accounts.list());
  app.post<{ Body: NewAccount }>('/accounts', ({ body }) => accounts.add(body.email, body.password, body.quota));
  app.post<{ Body: NewPassword }>('/password', async ({ body }) => {
    await accounts.setPassword(body.email, body.password);
    return {};
  });
  app.post<{ Body: { readonly email: string } }>('/second-factor/remove', async ({ body }) => {
    await accounts.removeSecondFactor(body.email);
    return {};
  });
  app.post<{ Body: { readonly repair: boolean } }>('/verify', ({ body }, reply) => {
    const stop = new AbortController();
    reply.raw.on('close', () => stop.abort());
    return reply.type('application/x-ndjson').send(Readable.from(lines(verify({ ...body, signal: stop.signal }))));
  });
  app.get('/clock', async () => clock.state);
  app.post('/clock', async () => {
    await clock.confirm();
    return {};
  });
  await app.ready();
  await listenAlone(
    socketPath,
    'a cloud is already running on this data folder; stop it first',
    async () => void (await app.listen({ path: socketPath })),
  );
  return app;
}

async function* lines(values: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const value of values) yield `${JSON.stringify(value)}\n`;
}

/** Has a running cloud verify its blocks, and yields its reports. */
async function* verifyRunning(socketPath: string, repair: boolean, signal: AbortSignal): AsyncGenerator<ScrubReport> {
  const client = new Client('http://fjord', { socketPath, bodyTimeout: 0 });
  try {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ repair });
    const response = await client.request({ method: 'POST', path: '/verify', body, headers, signal });
    for await (const line of createInterface({ input: response.body })) yield JSON.parse(line) as ScrubReport;
  } finally {
    await client.destroy();
  }
}

type Call = (method: 'GET' | 'POST', path: string, json?: object) => Promise<unknown>;

/** The administrative operations of the cloud that runs on this data, or undefined if none runs. */
export async function runningCloud(socketPath: string): Promise<Administered | undefined> {
  if (!(await isListening(socketPath))) return undefined;
  const call: Call = async (method, path, json) => {
    const client = new Client('http://fjord', { socketPath });
    try {
      const body = json === undefined ? null : JSON.stringify(json);
      const headers = json === undefined ? {} : { 'content-type': 'application/json' };
      const response = await client.request({ method, path, body, headers });
      const value: unknown = await response.body.json();
      if (response.statusCode < 300) return value;
      const { kind, message } = value as { kind: ProblemKind; message: string };
      throw new Problem(kind, message);
    } finally {
      await client.close();
    }
  };
  return {
    verify: (repair, signal) => verifyRunning(socketPath, repair, signal),
    accounts: {
      list: async () => (await call('GET', '/accounts')) as Account[],
      add: async (email, password, quota) => (await call('POST', '/accounts', { email, password, quota })) as Account,
      setPassword: async (email, password) => void (await call('POST', '/password', { email, password })),
      removeSecondFactor: async (email) => void (await call('POST', '/second-factor/remove', { email })),
    },
    clock: {
      state: async () => (await call('GET', '/clock')) as ClockState,
      confirm: async () => void (await call('POST', '/clock')),
    },
  };
}

const KINDS: Readonly<Partial<Record<Refusal['code'], ProblemKind>>> = {
  bad_request: 'usage',
  exists: 'conflict',
  not_found: 'not-found',
  unauthorized: 'refused',
};

/** Converts a refusal of the service to a problem of the command. */
export function explain(error: unknown): { readonly kind: ProblemKind; readonly message: string } {
  const kind = (error instanceof Refusal ? KINDS[error.code] : undefined) ?? 'failure';
  return { kind, message: error instanceof Error ? error.message : String(error) };
}
