import { setTimeout } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { isConflictName } from '../../../../src/mounts/sync/conflict/conflict.ts';
import { openPair, type Pair } from '../../../helpers/devices.ts';

t.setTimeout(500_000);

/** The tree that both devices show in the end, with conflict names reduced to `name!`. */
async function outcome(t: Test, { a, b, converge }: Pair): Promise<Record<string, string>> {
  await converge();
  const [left, right] = [await a.tree(), await b.tree()];
  t.strictSame(left, right, 'both devices show the same');
  const plain = Object.entries(left).map(([path, content]) => {
    const names = path.split('/').map((name) => (isConflictName(name) ? name.replace(/ \(conflict.*?\)/, '!') : name));
    return [names.join('/').replace('/Sync/', ''), content];
  });
  return Object.fromEntries(plain) as Record<string, string>;
}

/** Both devices start with the same tree, then make concurrent changes. Those of `first` reach the cloud first. */
async function apart(
  t: Test,
  before: (pair: Pair) => Promise<void>,
  first: (pair: Pair) => Promise<void>,
  second: (pair: Pair) => Promise<void>,
): Promise<Record<string, string>> {
  const pair = await openPair(t);
  await before(pair);
  await pair.converge();
  pair.netA.offline = true;
  pair.netB.offline = true;
  await first(pair);
  await second(pair);
  pair.netA.offline = false;
  await pair.a.sync();
  pair.netB.offline = false;
  const shown = await outcome(t, pair);
  const listed = [...(await pair.a.gateway.conflicts()), ...(await pair.b.gateway.conflicts())];
  t.equal(
    listed.length,
    Object.keys(shown).filter((name) => /![^/]*\/?$/.test(name)).length,
    'every conflict copy is listed',
  );
  return shown;
}

const file = async ({ a }: Pair): Promise<void> => a.write('/Sync/f.txt', 'old');
const folder = async ({ a }: Pair): Promise<void> => {
  await a.mkdir('/Sync/d');
  await a.write('/Sync/d/in', 'old');
};

t.test('both change a file: the first keeps the name, no bytes are lost', async (t) => {
  const shown = await apart(
    t,
    file,
    ({ a }) => a.write('/Sync/f.txt', 'A'),
    ({ b }) => b.write('/Sync/f.txt', 'B'),
  );
  t.strictSame(shown, { 'f.txt': 'A', 'f!.txt': 'B' });
});

t.test('both make the same change: no conflict', async (t) => {
  const shown = await apart(
    t,
    file,
    ({ a }) => a.write('/Sync/f.txt', 'X'),
    ({ b }) => b.write('/Sync/f.txt', 'X'),
  );
  t.strictSame(shown, { 'f.txt': 'X' });
});

t.test('both create a file with the same name', async (t) => {
  const none = async (): Promise<void> => undefined;
  const shown = await apart(
    t,
    none,
    ({ a }) => a.write('/Sync/n', 'A'),
    ({ b }) => b.write('/Sync/n', 'B'),
  );
  t.strictSame(shown, { n: 'A', 'n!': 'B' });
});

t.test('both create the same file', async (t) => {
  const none = async (): Promise<void> => undefined;
  const shown = await apart(
    t,
    none,
    ({ a }) => a.write('/Sync/n', 'X'),
    ({ b }) => b.write('/Sync/n', 'X'),
  );
  t.strictSame(shown, { n: 'X' });
});

t.test('both create a folder with the same name: the contents are merged', async (t) => {
  const make = (who: 'a' | 'b', names: readonly string[]) => async (pair: Pair) => {
    await pair[who].mkdir('/Sync/d');
    await pair[who].mkdir('/Sync/d/e');
    for (const name of names) await pair[who].write(`/Sync/d/${name}`, `${who} ${name}`);
    await pair[who].write('/Sync/d/e/same', 'same');
  };
  const none = async (): Promise<void> => undefined;
  const shown = await apart(t, none, make('a', ['1', 'x', 'e/1']), make('b', ['2', 'x', 'e/2']));
  t.strictSame(shown, {
    'd/': '',
    'd/1': 'a 1',
    'd/2': 'b 2',
    'd/x': 'a x',
    'd/x!': 'b x',
    'd/e/': '',
    'd/e/1': 'a e/1',
    'd/e/2': 'b e/2',
    'd/e/same': 'same',
  });
});

t.test('a folder appears while ours with the same name is being sent: both keep their content', async (t) => {
  const pair = await openPair(t);
  const { a, b, netA, netB } = pair;
  netA.offline = true;
  netB.offline = true;
  await a.mkdir('/Sync/d');
  await a.write('/Sync/d/1', 'a');
  await b.mkdir('/Sync/d');
  await b.mkdir('/Sync/d/e');
  await b.write('/Sync/d/2', 'b');
  netA.offline = false;
  await a.sync();
  let commit = (): void => undefined;
  const held = new Promise<void>((resolve) => (commit = resolve));
  const send = netB.commit;
  netB.commit = (...args) => held.then(() => send(...args));
  netB.offline = false;
  b.gateway.stack.uploader.reachable();
  while (b.gateway.stack.uploader.status.inFlight < 3) await setTimeout(1);
  await b.gateway.pull({ signal: new AbortController().signal });
  commit();
  t.strictSame(await outcome(t, pair), { 'd/': '', 'd/1': 'a', 'd/2': 'b', 'd/e/': '' });
  const folder = (await a.stat('/Sync/d')).id;
  t.equal((await b.stat('/Sync/d')).id, folder, 'no folder was recreated');
});

t.test('a file there, a folder here', async (t) => {
  const none = async (): Promise<void> => undefined;
  const shown = await apart(
    t,
    none,
    ({ a }) => a.write('/Sync/n', 'A'),
    async ({ b }) => {
      await b.mkdir('/Sync/n');
      await b.write('/Sync/n/in', 'B');
    },
  );
  t.strictSame(shown, { n: 'A', 'n!/': '', 'n!/in': 'B' });
});

t.test('removed there, changed here: it is recreated', async (t) => {
  const shown = await apart(
    t,
    file,
    ({ a }) => a.unlink('/Sync/f.txt'),
    ({ b }) => b.write('/Sync/f.txt', 'B'),
  );
  t.strictSame(shown, { 'f.txt': 'B' });
});

t.test('changed there, removed here: it reappears', async (t) => {
  const shown = await apart(
    t,
    file,
    ({ a }) => a.write('/Sync/f.txt', 'A'),
    ({ b }) => b.unlink('/Sync/f.txt'),
  );
  t.strictSame(shown, { 'f.txt': 'A' });
});

t.test('removed on both sides', async (t) => {
  const shown = await apart(
    t,
    file,
    ({ a }) => a.unlink('/Sync/f.txt'),
    ({ b }) => b.unlink('/Sync/f.txt'),
  );
  t.strictSame(shown, {});
});

t.test('its folder was removed there, it was changed here: the folder is recreated', async (t) => {
  const shown = await apart(
    t,
    async (pair) => {
      await folder(pair);
      await pair.a.write('/Sync/d/other', 'other');
    },
    ({ a }) => a.removeTree('/Sync/d'),
    ({ b }) => b.write('/Sync/d/in', 'B'),
  );
  t.strictSame(shown, { 'd/': '', 'd/in': 'B' });
});

t.test('the folder was removed there, something new is deep in it here', async (t) => {
  const shown = await apart(
    t,
    folder,
    ({ a }) => a.removeTree('/Sync/d'),
    async ({ b }) => {
      await b.mkdir('/Sync/d/e');
      await b.mkdir('/Sync/d/e/f');
      await b.write('/Sync/d/e/f/new', 'B');
    },
  );
  t.strictSame(shown, { 'd/': '', 'd/e/': '', 'd/e/f/': '', 'd/e/f/new': 'B' });
});

t.test('something in it changed there, the folder was removed here: it reappears', async (t) => {
  const shown = await apart(
    t,
    folder,
    ({ a }) => a.write('/Sync/d/new', 'A'),
    ({ b }) => b.removeTree('/Sync/d'),
  );
  t.strictSame(shown, { 'd/': '', 'd/in': 'old', 'd/new': 'A' });
});

t.test('moved there, changed here', async (t) => {
  const shown = await apart(
    t,
    file,
    ({ a }) => a.rename('/Sync/f.txt', '/Sync/g.txt'),
    ({ b }) => b.write('/Sync/f.txt', 'B'),
  );
  t.strictSame(shown, { 'g.txt': 'B' });
});

t.test('changed there, moved here', async (t) => {
  const shown = await apart(
    t,
    file,
    ({ a }) => a.write('/Sync/f.txt', 'A'),
    ({ b }) => b.rename('/Sync/f.txt', '/Sync/g.txt'),
  );
  t.strictSame(shown, { 'g.txt': 'A' });
});

t.test('moved on both sides: the first place wins', async (t) => {
  const shown = await apart(
    t,
    file,
    ({ a }) => a.rename('/Sync/f.txt', '/Sync/a.txt'),
    ({ b }) => b.rename('/Sync/f.txt', '/Sync/b.txt'),
  );
  t.strictSame(shown, { 'a.txt': 'old' });
});

t.test('two files are moved to one name', async (t) => {
  const two = async ({ a }: Pair): Promise<void> => {
    await a.write('/Sync/1', 'one');
    await a.write('/Sync/2', 'two');
  };
  const shown = await apart(
    t,
    two,
    ({ a }) => a.rename('/Sync/1', '/Sync/x'),
    ({ b }) => b.rename('/Sync/2', '/Sync/x'),
  );
  t.strictSame(shown, { x: 'one', 'x!': 'two' });
});

t.test('removed there, moved here: it is recreated with its content', async (t) => {
  const shown = await apart(
    t,
    folder,
    ({ a }) => a.removeTree('/Sync/d'),
    ({ b }) => b.rename('/Sync/d', '/Sync/e'),
  );
  t.strictSame(shown, { 'e/': '', 'e/in': 'old' });
});

t.test('out of a folder that is removed there', async (t) => {
  const shown = await apart(
    t,
    folder,
    ({ a }) => a.removeTree('/Sync/d'),
    ({ b }) => b.rename('/Sync/d/in', '/Sync/out'),
  );
  t.strictSame(shown, { out: 'old' });
});

t.test('two folders are moved into each other', async (t) => {
  const two = async ({ a }: Pair): Promise<void> => {
    await a.mkdir('/Sync/x');
    await a.mkdir('/Sync/y');
    await a.write('/Sync/x/1', 'one');
    await a.write('/Sync/y/2', 'two');
  };
  const shown = await apart(
    t,
    two,
    ({ a }) => a.rename('/Sync/x', '/Sync/y/x'),
    ({ b }) => b.rename('/Sync/y', '/Sync/x/y'),
  );
  t.strictSame(shown, { 'y/': '', 'y/2': 'two', 'y/x/': '', 'y/x/1': 'one' });
});

t.test('two files swap names there, one is changed here', async (t) => {
  const two = async ({ a }: Pair): Promise<void> => {
    await a.write('/Sync/1', 'one');
    await a.write('/Sync/2', 'two');
  };
  const swap = async ({ a }: Pair): Promise<void> => {
    await a.rename('/Sync/1', '/Sync/tmp');
    await a.rename('/Sync/2', '/Sync/1');
    await a.rename('/Sync/tmp', '/Sync/2');
  };
  const shown = await apart(t, two, swap, ({ b }) => b.write('/Sync/1', 'ONE'));
  t.strictSame(shown, { 1: 'two', 2: 'ONE' });
});

t.test('a conflict of a conflict', async (t) => {
  const pair = await openPair(t);
  for (const round of ['1', '2', '3']) {
    pair.netA.offline = true;
    pair.netB.offline = true;
    await pair.a.write('/Sync/f', `A${round}`);
    await pair.b.write('/Sync/f', `B${round}`);
    pair.netA.offline = false;
    await pair.a.sync();
    pair.netB.offline = false;
    await pair.converge();
  }
  const shown = await pair.a.tree();
  t.strictSame(Object.values(shown).sort(), ['A3', 'B1', 'B2', 'B3']);
  t.strictSame(shown, await pair.b.tree());
});
