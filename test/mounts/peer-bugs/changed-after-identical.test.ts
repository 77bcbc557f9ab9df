import t from 'tap';
import { setImmediate as turn } from 'node:timers/promises';
import { background as context } from '../../../src/vfs/context.ts';
import { REMEMBERED } from '../../../src/mounts/sync/upload/pace.ts';
import { openHttpPair } from '../../helpers/http-devices.ts';

t.setTimeout(500_000);

t.test('a change right after identical bytes, while those are being compared, is no conflict', async (t) => {
  const clock = { now: Date.now() };
  const { a, b, converge } = await openHttpPair(t, { now: () => clock.now });
  await a.write('/Sync/f', 'x'.repeat(300_000));
  await converge();
  const { id } = await a.stat('/Sync/f');
  const { journal } = a.gateway.stack;
  let caught = 0;
  for (let i = 0; i < 20; i++) {
    // Uploads of what changes all the time are spaced; here each is to be the first.
    clock.now += REMEMBERED;
    const first = (await a.read('/Sync/f')).slice(0, 10);
    const handle = await a.fs.open(id, { read: true, write: true }, context);
    await handle.write(Buffer.from(first), 0, context);
    await handle.sync(context);
    // The put of the same bytes is being processed, and is about to be dropped as unnecessary.
    while (journal.of(id).length > 0 && !journal.of(id).some(({ seq }) => journal.isClaimed(seq))) await turn();
    await handle.write(Buffer.from(`change ${i}`.padEnd(10)), 0, context);
    if (journal.of(id).length > 1) caught++;
    await handle.close();
    await converge();
    t.equal((await b.read('/Sync/f')).slice(0, 10), `change ${i}`.padEnd(10));
    t.equal((await a.read('/Sync/f')).slice(0, 10), `change ${i}`.padEnd(10));
  }
  t.ok(caught > 0, `${caught} changes happened at that moment`);
  t.strictSame(await a.gateway.conflicts(), []);
});
