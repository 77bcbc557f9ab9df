import t from 'tap';
import { Barrier } from '../../helpers/barrier.ts';
import { openHttpPair } from '../../helpers/http-devices.ts';

t.setTimeout(500_000);

t.test('a download is renamed to its final name while it is being uploaded', async (t) => {
  const pair = await openHttpPair(t);
  const { a, b, netA } = pair;
  await a.write('/Sync/film.mkv', 'an older one');
  await pair.converge();
  for (const [during, call] of Object.entries({ upload: '/v1/blocks', commit: '/v1/intents' })) {
    const barrier = new Barrier();
    netA.before = ({ path }) => (path === call ? barrier.wait() : undefined);
    await a.write('/Sync/film.mkv.crdownload', `the film, renamed during ${during}`);
    await barrier.reached;
    await a.rename('/Sync/film.mkv.crdownload', '/Sync/film.mkv');
    netA.before = () => undefined;
    barrier.open();
    await pair.converge();
    t.strictSame(await b.tree(), { '/Sync/film.mkv': `the film, renamed during ${during}` });
    t.strictSame(await a.tree(), await b.tree());
  }
});
