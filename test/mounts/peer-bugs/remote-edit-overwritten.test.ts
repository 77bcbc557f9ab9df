import t from 'tap';
import { isConflictName } from '../../../src/mounts/sync/conflict/conflict.ts';
import { background as context } from '../../../src/vfs/context.ts';
import { openHttpPair } from '../../helpers/http-devices.ts';

t.setTimeout(500_000);

t.test('writing back an older state does not overwrite what another device has saved in the meantime', async (t) => {
  const pair = await openHttpPair(t);
  const { a, b, netB } = pair;
  await a.write('/Sync/report', 'the first draft');
  await pair.converge();

  await netB.stop();
  const { id } = await b.stat('/Sync/report');
  await a.write('/Sync/report', 'what the colleague has written');
  await a.sync();
  const handle = await b.fs.open(id, { read: false, write: true, truncate: true }, context);
  await handle.write(Buffer.from('mine'), 0, context);
  await handle.close();
  await netB.start();
  await pair.converge();

  const shown = await b.tree();
  t.equal(shown['/Sync/report'], 'what the colleague has written');
  const copy = Object.keys(shown).find((path) => isConflictName(path.split('/').at(-1) ?? ''));
  t.equal(shown[copy ?? ''], 'mine');
  t.strictSame(await a.tree(), shown);
});
