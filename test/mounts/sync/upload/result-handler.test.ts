import t from 'tap';
import type { WireCode } from '../../../../src/cloud/wire-code.ts';
import { openPair } from '../../../helpers/devices.ts';

t.test('a file that was moved into a new folder and removed with it, before the folder was sent', async (t) => {
  const { a, b, netA, converge } = await openPair(t);
  await a.write('/Sync/letter', 'written');
  await converge();

  netA.offline = true;
  await a.mkdir('/Sync/letters');
  await a.rename('/Sync/letter', '/Sync/letters/letter');
  await a.unlink('/Sync/letters/letter');
  await a.removeTree('/Sync/letters');
  await a.write('/Sync/next', 'goes on');
  netA.offline = false;
  await converge();

  t.match(a.gateway.status(), { queued: 0, parked: 0 });
  t.strictSame(await b.tree(), { '/Sync/next': 'goes on' });
});

t.test('a change with an invalid response is parked, and does not block others', async (t) => {
  const { a, netA } = await openPair(t);
  const commit = netA.commit.bind(netA);
  netA.commit = async (intents, context) => {
    const results = await commit(intents, context);
    const later = { status: 'refused', code: 'of a later cloud' as WireCode, message: 'no' } as const;
    return results.map((result, i) =>
      'name' in intents[i]! && intents[i].name === 'odd' ? { ...result, ...later } : result,
    );
  };
  netA.offline = true;
  await a.write('/Sync/odd', 'x');
  await a.write('/Sync/even', 'y');
  netA.offline = false;
  await t.rejects(a.sync(), { code: 'EIO' });
  t.match(a.gateway.status(), { queued: 1, parked: 1 });
});
