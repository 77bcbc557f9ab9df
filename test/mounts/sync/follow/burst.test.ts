import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Push } from '../../../../src/cloud/records.ts';
import { background as context } from '../../../../src/vfs/context.ts';
import { openHttpPair } from '../../../helpers/http-devices.ts';

t.setTimeout(240_000);

const CHANGES = 10_000;

t.test('a burst of changes is sent, announced and received in batches', async (t) => {
  const { a, b, netA, netB, remoteB } = await openHttpPair(t);
  const notices: Push[] = [];
  const listening = (async (): Promise<void> => {
    for await (const event of remoteB.push(context)) if (event.type === 'space') notices.push(event);
  })().catch(() => undefined);
  const { id: folder } = await a.mkdir('/Sync/many');
  await a.sync();
  while (!(await b.exists('/Sync/many'))) await sleep(10);
  for (const net of [netA, netB]) net.reset();
  notices.length = 0;
  for (let i = 0; i < CHANGES; i++) await a.fs.mkdir(folder, `${i}`, {}, context);
  await a.gateway.flush();
  await b.gateway.pull(context);
  const shown = new Set<string>();
  for await (const { name } of b.gateway.stack.catalog.children(folder)) shown.add(name);
  t.equal(shown.size, CHANGES);
  const counts = {
    sent: netA.count(/^POST/),
    announced: notices.length,
    fetched: netB.count(/^GET .*\/feed/),
    requests: netB.count(),
  };
  t.comment(JSON.stringify(counts));
  // Twenty batches of five hundred; a slow machine sends smaller ones first.
  for (const [what, count] of Object.entries(counts)) t.ok(count > 0 && count < 200, `${what}: ${count}`);
  await remoteB.close();
  await listening;
});
