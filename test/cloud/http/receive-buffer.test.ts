import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { Http } from '../../../src/cloud/http/http-client.ts';

const MiB = 1024 ** 2;
const LENGTH = 32 * MiB;
/** Bytes that may come at once. */
const FIRST = 12 * MiB;

/** Bytes that the kernel has received for the client of a connection, and that it has not read. */
function unread(port: number): number {
  const lines = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1);
  const hex = port.toString(16).toUpperCase().padStart(4, '0');
  const queues = lines.map((line) => line.trim().split(/\s+/));
  const mine = queues.find(([, , remote, state]) => state === '01' && remote?.endsWith(`:${hex}`));
  return Number.parseInt(mine?.[4]?.split(':')[1] ?? '0', 16);
}

/** What has arrived of a response while its reader waits for its allowance: its most in a while in which it does not grow. */
async function arrivedAt(t: Test, rate: number | undefined): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${LENGTH}\r\n\r\n`);
      socket.write(Buffer.alloc(LENGTH));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  // The system gives a connection more room while it is read fast.
  let read = 0;
  const never = new Promise<void>(() => undefined);
  const down = { rate, take: (bytes: number) => ((read += bytes) < FIRST ? undefined : never) };
  const http = new Http({ url: `http://127.0.0.1:${port}`, down });
  t.teardown(async () => {
    await http.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const call = { op: 'read', method: 'GET', path: '/', subject: undefined } as const;
  const waiting = http.pour(call, () => undefined, { signal: new AbortController().signal });
  waiting.catch(() => undefined);
  for (let [most, same] = [0, 0]; ; await sleep(50)) {
    const now = unread(port);
    if (read >= FIRST && now > 0 && now === most && (same += 1) === 10) return most;
    if (now !== most) [most, same] = [now, 0];
  }
}

t.test('of a limited line little arrives ahead of what may', { skip: process.platform !== 'linux' }, async (t) => {
  const limited = await arrivedAt(t, 2 * MiB);
  t.ok(limited <= 256 * 1024, `${limited} bytes`);
  const free = await arrivedAt(t, undefined);
  t.ok(free > limited, `${free} bytes without a limit`);
});
