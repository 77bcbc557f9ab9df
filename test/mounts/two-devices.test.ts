import t from 'tap';
import { openPair } from '../helpers/devices.ts';

t.setTimeout(500_000);

t.test('changes on one device appear on the other', async (t) => {
  const { a, b, converge } = await openPair(t);
  await a.mkdir('/Sync/docs');
  await a.write('/Sync/docs/one.txt', 'one');
  await a.write('/Sync/two.txt', 'two');
  await converge();
  t.strictSame(await b.tree(), { '/Sync/docs/': '', '/Sync/docs/one.txt': 'one', '/Sync/two.txt': 'two' });

  await b.write('/Sync/two.txt', 'two, changed');
  await b.rename('/Sync/docs/one.txt', '/Sync/1.txt');
  await converge();
  t.strictSame(await a.tree(), { '/Sync/docs/': '', '/Sync/1.txt': 'one', '/Sync/two.txt': 'two, changed' });

  await a.removeTree('/Sync/docs');
  await a.unlink('/Sync/1.txt');
  await converge();
  t.strictSame(await b.tree(), { '/Sync/two.txt': 'two, changed' });
  t.strictSame(await a.gateway.conflicts(), []);
});

t.test('every change reaches the other device by push alone', async (t) => {
  const { a, b } = await openPair(t);
  while (b.gateway.status().push === 'down') await new Promise((resolve) => setTimeout(resolve, 5));
  for (let i = 0; i < 60; i++) {
    const seen = new Promise<void>((resolve) => {
      const stop = b.fs.watch((change) => {
        if (change.what !== 'entry' || change.name !== `f${i}`) return;
        stop();
        resolve();
      });
    });
    await a.write(`/Sync/f${i}`, `${i}`);
    await seen;
  }
  t.equal(Object.keys(await b.tree()).length, 60);
});
