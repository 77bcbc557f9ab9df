import t from 'tap';
import { background as context } from '../../../src/vfs/context.ts';
import { openHttpPair } from '../../helpers/http-devices.ts';

t.setTimeout(500_000);

t.test('a file that is kept open is uploaded after 30 s without a write, or after an fsync', async (t) => {
  let skipped = 0;
  const pair = await openHttpPair(t, { now: () => Date.now() + skipped });
  const { a, b } = pair;
  const folder = await a.stat('/Sync');
  const handle = await a.fs.create(folder.id, 'table.ods', {}, { read: false, write: true }, context);
  await handle.write(Buffer.from('row 1\n'), 0, context);
  t.equal(a.gateway.status().queued, 1);
  t.equal(a.gateway.status().inFlight, 0, 'nothing is sent while it is being written');

  skipped += 31_000;
  a.gateway.stack.uploader.reachable();
  await until(async () => (await b.exists('/Sync/table.ods')) && (await b.read('/Sync/table.ods')) === 'row 1\n');

  await handle.write(Buffer.from('row 2\n'), 6, context);
  await handle.sync(context);
  await until(async () => (await b.read('/Sync/table.ods')) === 'row 1\nrow 2\n');

  await handle.write(Buffer.from('row 3\n'), 12, context);
  await handle.close();
  await pair.converge();
  t.equal(await b.read('/Sync/table.ods'), 'row 1\nrow 2\nrow 3\n');
  t.strictSame(await a.gateway.conflicts(), []);
});

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 10));
}
