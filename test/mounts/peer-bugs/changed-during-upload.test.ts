import t from 'tap';
import { background as context } from '../../../src/vfs/context.ts';
import { Barrier } from '../../helpers/barrier.ts';
import { openHttpPair } from '../../helpers/http-devices.ts';

t.setTimeout(500_000);

t.test(
  'an upload has one consistent state of a file that is still being written; the next state follows',
  async (t) => {
    const pair = await openHttpPair(t);
    const { a, b, netA, remoteA } = pair;
    for (const [during, call] of Object.entries({ upload: '/v1/blocks', commit: '/v1/intents' })) {
      const path = `/Sync/log-${during}`;
      const barrier = new Barrier();
      netA.before = (request) => (request.path === call ? barrier.wait() : undefined);
      const folder = await a.stat('/Sync');
      const handle = await a.fs.create(folder.id, `log-${during}`, {}, { read: false, write: true }, context);
      await handle.write(Buffer.from('one one one'), 0, context);
      await handle.sync(context);
      await barrier.reached;
      await handle.write(Buffer.from('two'), 4, context);
      await handle.write(Buffer.from(' and more'), 11, context);
      await handle.close();
      netA.before = () => undefined;
      barrier.open();
      await pair.converge();
      t.equal(await b.read(path), 'one two one and more');
      t.equal(await a.read(path), 'one two one and more');
      const versions = await remoteA.versions((await b.stat(path)).id, context);
      t.strictSame(
        versions.map(({ size }) => size),
        [20, 11],
        'two states, each whole',
      );
    }
    t.strictSame(await a.gateway.conflicts(), []);
  },
);
