import t from 'tap';
import { background as context } from '../../../src/vfs/context.ts';
import { openPair } from '../../helpers/devices.ts';
import { Barrier } from '../../helpers/barrier.ts';

t.test(
  'an upload sees one consistent state of a file that goes on being written; the next state follows',
  async (t) => {
    const pair = await openPair(t);
    const { a, b, cloud, netA } = pair;
    for (const call of ['upload', 'commit']) {
      const path = `/Sync/log-${call}`;
      const barrier = new Barrier();
      cloud.disturb = (name, answer) => (name === call && !answer ? barrier.wait() : undefined);
      const folder = await a.stat('/Sync');
      const handle = await a.fs.create(folder.id, `log-${call}`, {}, { read: false, write: true }, context);
      await handle.write(Buffer.from('one one one'), 0, context);
      await handle.sync(context);
      await barrier.reached;
      await handle.write(Buffer.from('two'), 4, context);
      await handle.write(Buffer.from(' and more'), 11, context);
      await handle.close();
      cloud.disturb = () => undefined;
      barrier.open();
      await pair.converge();
      t.equal(await b.read(path), 'one two one and more');
      t.equal(await a.read(path), 'one two one and more');
      const versions = await netA.versions((await b.stat(path)).id, context);
      t.strictSame(
        versions.map(({ size }) => size),
        [20, 11],
        'two states, each whole',
      );
    }
    t.strictSame(await a.gateway.conflicts(), []);
  },
);
