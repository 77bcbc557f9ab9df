import t from 'tap';
import { background as context } from '../../../src/vfs/context.ts';
import { outOfOrder } from '../../../src/mounts/intents/plan.ts';
import { openPair, type TestDevice } from '../../helpers/devices.ts';

t.setTimeout(500_000);

/** Moves of folders into each other before they were sent to the cloud. `C/f` exists before. */
const TANGLES: Readonly<Record<string, (a: TestDevice) => Promise<unknown>>> = {
  'a new folder goes into one that was made in it': async (a) => {
    await a.mkdir('/Sync/A');
    await a.mkdir('/Sync/A/B');
    await a.unlink('/Sync/C/f');
    await a.rename('/Sync/A/B', '/Sync/C/f');
    await a.rename('/Sync/A', '/Sync/C/f/A');
  },
  'by an exchange': async (a) => {
    await a.mkdir('/Sync/A');
    await a.mkdir('/Sync/A/B');
    const [from, to] = [await a.stat('/Sync/A'), await a.stat('/Sync/C')];
    await a.fs.rename({ parent: from.id, name: 'B' }, { parent: to.id, name: 'f' }, { exchange: true }, context);
    await a.unlink('/Sync/A/B');
    await a.rename('/Sync/A', '/Sync/C/f/A');
  },
  'a known folder goes into a new one and out again, and the new one into it': async (a) => {
    await a.mkdir('/Sync/A');
    await a.rename('/Sync/C', '/Sync/A/C');
    await a.rename('/Sync/A/C', '/Sync/D');
    await a.rename('/Sync/A', '/Sync/D/A');
  },
};

for (const [name, tangle] of Object.entries(TANGLES)) {
  t.test(`${name}: all of it is sent`, { timeout: 20_000 }, async (t) => {
    const { a, b, netA, converge } = await openPair(t);
    await a.mkdir('/Sync/C');
    await a.write('/Sync/C/f', 'f');
    await converge();
    netA.offline = true;
    await tangle(a);
    t.equal(outOfOrder(a.gateway.stack.journal.all()), undefined, 'nothing comes before what it builds on');
    const tree = await a.tree();
    netA.offline = false;
    await converge();
    t.strictSame(await a.tree(), tree);
    t.strictSame(await b.tree(), tree);
  });
}

for (const [name, tangle] of Object.entries(TANGLES)) {
  t.test(
    `${name}, and another device has taken its first name: the queue becomes empty`,
    { timeout: 20_000 },
    async (t) => {
      const { a, b, netA, converge } = await openPair(t);
      await a.mkdir('/Sync/C');
      await a.write('/Sync/C/f', 'f');
      await converge();
      netA.offline = true;
      await b.write('/Sync/A', 'of another device');
      await b.sync();
      await tangle(a);
      const tree = await a.tree();
      netA.offline = false;
      await converge();
      t.strictSame(await a.tree(), { '/Sync/A': 'of another device', ...tree });
      t.strictSame(await b.tree(), await a.tree());
    },
  );
}

t.test('a cycle that an older version has left in the queue is sent, too', { timeout: 60_000 }, async (t) => {
  const { a, b, netA, converge } = await openPair(t);
  await a.mkdir('/Sync/C');
  await a.write('/Sync/C/f', 'f');
  await converge();
  netA.offline = true;
  await TANGLES['a new folder goes into one that was made in it']?.(a);
  const { journal, writer } = a.gateway.stack;
  const above = await a.stat('/Sync/C/f');
  const inner = await a.stat('/Sync/C/f/A');
  const [made, ...moves] = journal.of(inner.id);
  if (made === undefined) throw new Error('no intent');
  await writer.write([
    ...moves.map(({ seq }) => journal.remove(seq)),
    journal.put({ ...made, parent: above.id, name: 'A' }),
  ]);
  t.equal(outOfOrder(journal.all())?.seq, made.seq, 'the folder comes before the one that it is in');
  const tree = await a.tree();
  netA.offline = false;
  await converge();
  t.strictSame(await a.tree(), tree);
  t.strictSame(await b.tree(), tree);
});
