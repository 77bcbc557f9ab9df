import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { WriteGate } from '../../../../src/mounts/drive/open/write-gate.ts';

t.test('a freeze waits for the writes that run, and one freeze for another', async (t) => {
  const gate = new WriteGate();
  const seen: string[] = [];
  gate.enter();
  gate.enter();
  const first = gate.freeze(async () => {
    seen.push('first');
    await turn();
    seen.push('first ends');
  });
  await turn();
  const second = gate.freeze(async () => void seen.push('second'));
  t.ok(gate.isFrozen);
  gate.leave();
  await turn();
  t.same(seen, [], 'one still runs');
  gate.leave();
  await Promise.all([first, second]);
  t.same(seen, ['first', 'first ends', 'second']);
  t.notOk(gate.isFrozen);
});

t.test('a freeze that fails thaws the file', async (t) => {
  const gate = new WriteGate();
  const failing = gate.freeze(() => Promise.reject(new Error('no room')));
  const thawed = gate.thawed();
  await t.rejects(failing, { message: 'no room' });
  await thawed;
  t.notOk(gate.isFrozen);
});

t.test('a reader waits for what has begun, even if it fails, and not for what begins later', async (t) => {
  const gate = new WriteGate();
  let end = (): void => undefined;
  const held = new Promise<void>((resolve) => (end = resolve));
  gate.track(undefined);
  t.notOk(gate.hasBegun, 'a write that has finished at once');
  const write = gate.track(held);
  const failed = t.rejects(Promise.resolve(gate.track(Promise.reject(new Error('no')))));
  t.ok(gate.hasBegun);
  const finished = gate.finished();
  gate.track(new Promise(() => undefined));
  end();
  await Promise.all([write, failed, finished]);
});
