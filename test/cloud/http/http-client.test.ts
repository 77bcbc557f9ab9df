import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { Type } from 'typebox';
import { compile } from '../../../src/cloud/http/compile.ts';
import { Http, type Call, type HttpOptions } from '../../../src/cloud/http/http-client.ts';
import { background } from '../../../src/vfs/context.ts';
import { isFsError } from '../../../src/vfs/fs-error.ts';
import { startFaultyProxy } from '../../helpers/faulty-proxy.ts';

t.setTimeout(500_000);

const shape = compile(Type.Object({ greeting: Type.String(), padding: Type.String() }));
const call: Call = { op: 'greet', subject: 'you', method: 'GET', path: '/v1/greeting' };
const greeting = { greeting: 'hello', padding: 'x'.repeat(10_000) };

const greet: RequestListener = (request, response) => {
  request.resume();
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ ...greeting, token: request.headers.authorization }));
};

/** A client, a proxy and a server that greets. Pauses between attempts are recorded, and not slept. */
async function setup(t: Test, options: Partial<HttpOptions> = {}, listener = greet) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy = await startFaultyProxy(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const slept: number[] = [];
  const sleep = async (ms: number) => void slept.push(ms);
  const http = new Http({ url: proxy.url, token: 'secret', retry: { random: () => 1, sleep }, ...options });
  t.teardown(async () => {
    await http.close();
    await proxy.stop();
    server.closeAllConnections();
    server.close();
  });
  return { proxy, http, slept };
}

t.test('the token is sent with every call', async (t) => {
  const { http } = await setup(t);
  t.match(await http.json(call, shape, background), { greeting: 'hello', token: 'Bearer secret' });
});

t.test('a call that is to be made once is not retried', async (t) => {
  const { http, proxy, slept } = await setup(t);
  proxy.next({ kind: 'reset' });
  await t.rejects(http.json(call, shape, { ...background, once: true }), { code: 'EAGAIN' });
  t.same(slept, []);
  t.match(await http.json(call, shape, { ...background, once: true }), greeting);
});

t.test('temporary failures are retried after growing pauses', async (t) => {
  const { http, proxy, slept } = await setup(t);
  const faults = [
    { kind: 'reset' },
    { kind: 'reset', executed: true },
    { kind: 'half' },
    { kind: 'refuse', status: 500 },
    { kind: 'refuse', status: 503, code: 'unavailable' },
    { kind: 'refuse', status: 429, code: 'too_many_requests' },
  ] as const;
  for (const fault of faults) {
    proxy.next(fault, fault, fault);
    t.match(await http.json(call, shape, background), greeting, JSON.stringify(fault));
    t.same(slept.splice(0), [250, 500, 1000]);
  }
});

t.test('it gives up after a few tries, with EAGAIN', async (t) => {
  const { http, proxy } = await setup(t);
  for (const mode of [{ kind: 'reset' }, { kind: 'half' }, { kind: 'refuse', status: 502 }] as const) {
    proxy.reset();
    proxy.mode = mode;
    await t.rejects(http.json(call, shape, background), { code: 'EAGAIN', op: 'greet', subject: 'you' }, mode.kind);
    t.equal(proxy.count(), 4);
  }
});

t.test('a permanent refusal is not retried', async (t) => {
  const { http, proxy } = await setup(t);
  const refusals = [
    [404, 'not_found', 'ENOENT'],
    [401, 'unauthorized', 'EACCES'],
    [507, 'quota_exceeded', 'EDQUOT'],
    [409, 'exists', 'EEXIST'],
  ] as const;
  for (const [status, code, expected] of refusals) {
    proxy.reset();
    proxy.next({ kind: 'refuse', status, code });
    await t.rejects(http.json(call, shape, background), { code: expected, reason: 'by the proxy' });
    t.equal(proxy.count(), 1);
  }
});

t.test('a 404 that does not come from the service is not ENOENT', async (t) => {
  const { http, proxy } = await setup(t);
  proxy.next({ kind: 'refuse', status: 404 });
  await t.rejects(http.json(call, shape, background), { code: 'EIO', reason: /address of a cloud/ });
});

t.test('Retry-After is honoured, as seconds and as a date, up to a limit', async (t) => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  const { http, proxy, slept } = await setup(t, { now: () => now });
  proxy.next({ kind: 'refuse', status: 429, retryAfter: '7' });
  proxy.next({ kind: 'refuse', status: 503, retryAfter: 'Thu, 01 Jan 2026 00:00:09 GMT' });
  await http.json(call, shape, background);
  t.same(slept.splice(0), [7000, 9000]);

  proxy.next({ kind: 'refuse', status: 503, retryAfter: '3600' });
  await t.rejects(http.json(call, shape, background), { code: 'EAGAIN' });
  t.same(slept, []);
});

t.test('an abort ends a call and its pauses with EINTR', async (t) => {
  const { proxy, http } = await setup(t, { retry: { pause: 60_000, longest: 60_000 } });
  for (const mode of [{ kind: 'hang' }, { kind: 'reset' }] as const) {
    proxy.reset();
    proxy.mode = mode;
    const stop = new AbortController();
    const failed = http.json(call, shape, { signal: stop.signal });
    const seen = setInterval(() => proxy.count() > 0 && stop.abort(), 5);
    await t.rejects(failed, { code: 'EINTR' }, mode.kind);
    clearInterval(seen);
  }
  await t.rejects(http.json(call, shape, { signal: AbortSignal.abort() }), { code: 'EINTR' }, 'before it began');
});

t.test('silence is detected, before the response and within it', async (t) => {
  const { proxy, http } = await setup(t, { timeouts: { headers: 300, body: 300 } });
  for (const fault of [{ kind: 'hang' }, { kind: 'stall' }] as const) {
    proxy.next(fault);
    t.match(await http.json(call, shape, background), greeting, fault.kind);
  }
});

t.test('an invalid response is EIO with a reason', async (t) => {
  const answers = ['[]', 'null', '{"greeting": 5, "padding": ""}', '{}'];
  for (const text of answers) {
    const { http } = await setup(t, {}, (_, response) => response.end(text));
    const error = await http.json(call, shape, background).catch((error: unknown) => error);
    t.ok(isFsError(error, 'EIO'), text);
    t.match(error, { reason: /^the cloud's response/ });
  }
});

t.test('a response that is not JSON did not come from the cloud: it is retried, then EAGAIN', async (t) => {
  const { http, proxy } = await setup(t);
  proxy.next({ kind: 'truncate' }, { kind: 'garbage' });
  t.match(await http.json(call, shape, background), greeting);
  t.equal(proxy.count(), 3);
  proxy.mode = { kind: 'garbage' };
  await t.rejects(http.json(call, shape, background), { code: 'EAGAIN', reason: /is not JSON/ });
  for (const text of ['', '[']) {
    const broken = await setup(t, {}, (_, response) => response.end(text));
    const error = await broken.http.json(call, shape, background).catch((error: unknown) => error);
    t.ok(isFsError(error, 'EAGAIN'), text);
    t.match(error, { reason: /^the cloud's response/ });
  }
});

t.test('a response that is not HTTP is EIO', async (t) => {
  const { http } = await setup(t, {}, (request) => request.socket.end('SSH-2.0-OpenSSH_9.2\r\n\r\n'));
  const error = await http.json(call, shape, background).catch((error: unknown) => error);
  t.ok(isFsError(error, 'EIO') || isFsError(error, 'EAGAIN'));
});

t.test('an absent server is EAGAIN, and calls work again when it is back', async (t) => {
  const { http, proxy } = await setup(t);
  await proxy.stop();
  await t.rejects(http.json(call, shape, background), { code: 'EAGAIN', reason: /cannot be reached/ });
  await proxy.start();
  t.match(await http.json(call, shape, background), greeting);
});

t.test('calls on replaced connections are retried on new ones', async (t) => {
  const { http, proxy } = await setup(t);
  proxy.next({ kind: 'hang' });
  const answer = http.json(call, shape, background);
  const seen = setInterval(() => {
    if (proxy.count() === 0) return;
    clearInterval(seen);
    http.renew();
  }, 5);
  t.match(await answer, greeting);
});

t.test('an address to which secrets would be sent unencrypted is refused', async (t) => {
  const refused = [
    'http://example.com',
    'ftp://localhost',
    'nonsense',
    'https://me:secret@example.com',
    'http://127.0.0.1.evil.org',
  ];
  for (const url of refused) t.throws(() => new Http({ url }), { code: 'EINVAL' }, url);
  const accepted = ['https://example.com', 'http://localhost:1', 'http://127.0.0.1:1', 'http://[::1]:1'];
  for (const url of accepted) await new Http({ url }).close();
  await new Http({ url: 'http://nas.local', allowPlain: true }).close();
});
