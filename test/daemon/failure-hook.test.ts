import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { FailureHook, type BackupEvent } from '../../src/daemon/failure-hook.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(60_000);

const event: BackupEvent = { event: 'failed', set: 'papers', folder: '/papers', reason: 'a test', problems: 0 };

/** A hook with short limits, and what it has logged. */
function hookOf(t: Test, limits: { command: number; webhook: number }) {
  const logged: { readonly level: 'info' | 'warn'; readonly reason: string }[] = [];
  const add = (level: 'info' | 'warn') => (details: object) =>
    void logged.push({ level, reason: 'reason' in details ? String(details.reason) : '' });
  const log = { info: add('info'), warn: add('warn') };
  const folder = temporary(t);
  const hook = new FailureHook({ dataFolder: folder, log, limits });
  t.teardown(async () => hook.close());
  const comes = async (count: number): Promise<void> => {
    while (logged.length < count) await sleep(20);
  };
  return { hook, logged, folder, comes };
}

function isAlive(pid: number): boolean {
  try {
    // A zombie that init has not collected yet is dead.
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

t.test('a command that does not end is killed with all that it has started, and the next one runs', async (t) => {
  const { hook, logged, folder, comes } = hookOf(t, { command: 1000, webhook: 1000 });
  const pids = join(folder, 'pids');
  hook.notify(`trap '' TERM; sleep 1000 & echo $$ $! > ${pids}.new; mv ${pids}.new ${pids}; wait; wait`, event);
  hook.notify(`touch ${join(folder, 'second')}`, event);
  while (!existsSync(pids)) await sleep(20);
  const [shell = 0, child = 0] = readFileSync(pids, 'utf8').trim().split(' ').map(Number);
  t.ok(isAlive(shell) && isAlive(child));
  await comes(2);
  t.match(logged, [{ level: 'warn', reason: /took longer than 1 s/ }, { level: 'info' }]);
  t.ok(existsSync(join(folder, 'second')));
  while (isAlive(shell) || isAlive(child)) await sleep(20);
});

t.test('a server that accepts the call and says nothing, or never ends, is left', async (t) => {
  const server = createServer((request, response) => {
    if (request.url === '/endless') response.writeHead(200).write('x');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close() && server.closeAllConnections());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { hook, logged, comes } = hookOf(t, { command: 1000, webhook: 500 });
  hook.notify(`${url}/silent`, event);
  hook.notify(`${url}/endless`, event);
  await comes(2);
  t.match(logged, [{ level: 'warn', reason: /did not respond within 0\.5 s/ }, { level: 'info' }]);
});

t.test('the end of the program ends a command at once, and begins none', async (t) => {
  const { hook, logged, folder, comes } = hookOf(t, { command: 60_000, webhook: 1000 });
  const pid = join(folder, 'pid');
  hook.notify(`echo $$ > ${pid}.new; mv ${pid}.new ${pid}; sleep 1000`, event);
  hook.notify(`touch ${join(folder, 'second')}`, event);
  while (!existsSync(pid)) await sleep(20);
  await hook.close();
  await comes(1);
  t.match(logged, [{ level: 'warn' }]);
  while (isAlive(Number(readFileSync(pid, 'utf8')))) await sleep(20);
  t.notOk(existsSync(join(folder, 'second')));
});
