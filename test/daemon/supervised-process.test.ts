import { once, EventEmitter } from 'node:events';
import t, { type Test } from 'tap';
import { SupervisedProcess } from '../../src/daemon/supervised-process.ts';
import { isAlive } from '../helpers/gateway-process.ts';

/** A child that serves, and ends itself when requested or when its parent is gone, and reports that. */
const good = `
  process.on('message', ({ type, drain }) => {
    process.send({ type: 'say', text: type + ' ' + drain }, () => process.disconnect());
  });
  process.on('disconnect', () => process.exit(0));
  process.send({ type: 'ready', port: 7 });
`;

interface Watched {
  readonly process: SupervisedProcess;
  readonly events: EventEmitter;
}

function supervise(t: Test, scripts: readonly string[]): Watched {
  const events = new EventEmitter();
  let starts = 0;
  const process_ = new SupervisedProcess({
    name: 'child',
    command: () => [process.execPath, '-e', scripts[starts++] ?? scripts.at(-1) ?? ''],
    onReady: (pid, port) => events.emit('ready', pid, port),
    onMessage: (message) => events.emit('message', message),
    onDeath: (how, delay) => events.emit('death', how, delay),
    backOff: [10, 40],
  });
  t.teardown(() => process_.kill());
  return { process: process_, events };
}

t.test('a killed process is restarted, and ends when requested', async (t) => {
  const { process: child, events } = supervise(t, [good]);
  const first = once(events, 'ready');
  child.start();
  const [pid, port] = (await first) as [number, number];
  t.equal(port, 7);

  const death = once(events, 'death');
  const second = once(events, 'ready');
  process.kill(pid, 'SIGKILL');
  t.same(await death, ['was killed by SIGKILL', 10]);
  const [next] = (await second) as [number];
  t.not(next, pid);

  const said = once(events, 'message');
  events.once('death', () => t.fail('it was restarted'));
  await child.stop(true);
  t.same(await said, [{ type: 'say', text: 'stop true' }]);
  t.notOk(isAlive(next));
});

t.test('a process that cannot start is restarted after growing delays, and its last line is reported', async (t) => {
  const { process: child, events } = supervise(t, [`console.error('no\\nport is taken'); process.exit(3)`]);
  const deaths: unknown[][] = [];
  const enough = new Promise<void>((resolve) => {
    events.on('death', (...args: unknown[]) => deaths.push(args) === 4 && resolve());
  });
  child.start();
  await enough;
  child.kill();
  t.same(
    deaths.map(([, delay]) => delay),
    [10, 20, 40, 40],
  );
  t.equal(deaths[0]?.[0], 'ended with code 3: port is taken');
});

t.test('a program that does not exist counts as a death, too', async (t) => {
  const events = new EventEmitter();
  const child = new SupervisedProcess({
    name: 'child',
    command: () => ['/no/such/program'],
    onReady: () => t.fail('it serves'),
    onMessage: () => undefined,
    onDeath: (how) => events.emit('death', how),
    backOff: [60_000, 60_000],
  });
  const death = once(events, 'death');
  child.start();
  t.match(String((await death)[0]), /ENOENT/);
  await child.stop(false);
});
