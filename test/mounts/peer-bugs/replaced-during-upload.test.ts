import t from 'tap';
import { openPair } from '../../helpers/devices.ts';
import { Barrier } from '../../helpers/barrier.ts';

t.test('a download is renamed to its final name while it is being uploaded', async (t) => {
  const pair = await openPair(t);
  const { a, b, cloud } = pair;
  await a.write('/Sync/film.mkv', 'an older one');
  await pair.converge();
  for (const call of ['upload', 'commit']) {
    const barrier = new Barrier();
    cloud.disturb = (name, answer) => (name === call && !answer ? barrier.wait() : undefined);
    await a.write('/Sync/film.mkv.crdownload', `the film, renamed during ${call}`);
    await barrier.reached;
    await a.rename('/Sync/film.mkv.crdownload', '/Sync/film.mkv');
    cloud.disturb = () => undefined;
    barrier.open();
    await pair.converge();
    t.strictSame(await b.tree(), { '/Sync/film.mkv': `the film, renamed during ${call}` });
    t.strictSame(await a.tree(), await b.tree());
  }
});
