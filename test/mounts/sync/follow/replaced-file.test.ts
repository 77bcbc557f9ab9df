import t from 'tap';
import { openPair } from '../../../helpers/devices.ts';

t.test('a file that was replaced by renaming another over it is no issue elsewhere', async (t) => {
  const { a, b, converge } = await openPair(t);
  for (let round = 0; round < 3; round++) {
    await a.write('/Sync/f', `first ${round}`);
    await converge();
    await a.write('/Sync/other', `second ${round}`);
    await a.rename('/Sync/other', '/Sync/f');
    await a.sync();
    await b.sync();
    t.equal(await b.read('/Sync/f'), `second ${round}`);
    t.same((await b.gateway.issues()).first, []);
  }
});
