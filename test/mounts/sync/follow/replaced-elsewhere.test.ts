import t, { type Test as Tap } from 'tap';
import { FsError } from '../../../../src/vfs/fs-error.ts';
import { background as context } from '../../../../src/vfs/context.ts';
import { openDevice, openPair, type Pair, type TestDevice } from '../../../helpers/devices.ts';

t.setTimeout(500_000);

/** A program on one device replaces a node while the other device moves that node elsewhere. */
interface Replacing {
  readonly name: string;
  /** The tree on both devices before. Default: a file. */
  readonly prepare?: (a: TestDevice) => Promise<unknown>;
  /** On one device: `/Sync/F` becomes another node. */
  readonly replace: (a: TestDevice) => Promise<unknown>;
  readonly kind?: 'folder' | 'link';
}

const file = (device: TestDevice): Promise<void> => device.write('/Sync/F', 'F');
const folder = (device: TestDevice): Promise<unknown> => device.mkdir('/Sync/F');

const WAYS: readonly Replacing[] = [
  { name: 'a rename over it', replace: (a) => a.rename('/Sync/G', '/Sync/F') },
  {
    name: 'an atomic save of a new file',
    replace: async (a) => {
      await a.write('/Sync/F.tmp', 'G');
      await a.rename('/Sync/F.tmp', '/Sync/F');
    },
  },
  {
    name: 'a new symlink renamed over it',
    replace: async (a) => {
      const { id } = await a.stat('/Sync');
      await a.fs.symlink(id, 'F.tmp', 'elsewhere', context);
      await a.rename('/Sync/F.tmp', '/Sync/F');
    },
    kind: 'link',
  },
  {
    name: 'a new folder renamed over it',
    prepare: folder,
    replace: async (a) => {
      await a.mkdir('/Sync/F.tmp');
      await a.rename('/Sync/F.tmp', '/Sync/F');
    },
    kind: 'folder',
  },
  {
    name: 'a known folder renamed over it',
    prepare: async (a) => {
      await folder(a);
      await a.mkdir('/Sync/E');
    },
    replace: (a) => a.rename('/Sync/E', '/Sync/F'),
    kind: 'folder',
  },
  {
    name: 'an exchange',
    replace: async (a) => {
      const { id } = await a.stat('/Sync');
      await a.fs.rename({ parent: id, name: 'G' }, { parent: id, name: 'F' }, { exchange: true }, context);
    },
  },
];

/** Network failures, and the order in which the devices reach the cloud. */
const TIMES: Readonly<Record<string, (pair: Pair) => Promise<unknown>>> = {
  'the other one first': async (pair) => {
    await online(pair, 'b');
    await online(pair, 'a');
  },
  'the replacement first': async (pair) => {
    await online(pair, 'a');
    await online(pair, 'b');
  },
  'the other one first, and the answer is lost': async (pair) => {
    await online(pair, 'b');
    loseAnswer(pair.cloud);
    await online(pair, 'a');
  },
  'the feed is read before the answer comes': async (pair) => {
    const { a, cloud, netA } = pair;
    await online(pair, 'b');
    cloud.disturb = (call) => {
      if (call === 'commit') throw new FsError('EAGAIN', 'test');
    };
    netA.offline = false;
    await a.gateway.pull(context);
    cloud.disturb = () => undefined;
    await a.sync();
  },
  'the gateway is started anew when the feed is read': async (pair) => {
    const { a, cloud, netA } = pair;
    await online(pair, 'b');
    cloud.disturb = (call) => {
      if (call === 'commit') throw new FsError('EAGAIN', 'test');
    };
    netA.offline = false;
    await a.gateway.pull(context);
    await a.restart();
    cloud.disturb = () => undefined;
    await a.sync();
  },
  'the answer is lost, and the gateway is started anew': async (pair) => {
    const { a, cloud, netA } = pair;
    await online(pair, 'b');
    let commits = 0;
    cloud.disturb = (call, answer) => {
      if (call === 'commit' && (answer || commits++ > 0)) throw new FsError('EAGAIN', 'test');
    };
    const lost = (): boolean => commits > 0;
    netA.offline = false;
    a.gateway.stack.uploader.reachable();
    await until(lost);
    await a.gateway.pull(context);
    await a.restart();
    await a.gateway.pull(context);
    cloud.disturb = () => undefined;
    await a.sync();
  },
};

for (const { name, prepare = file, replace, kind } of WAYS) {
  for (const [when, bothSend] of Object.entries(TIMES)) {
    t.test(`${name}; the replaced node is moved elsewhere: ${when}`, async (t) => {
      const pair = await openPair(t);
      const { a, b, netA, netB, converge } = pair;
      await prepare(a);
      await a.write('/Sync/G', 'G');
      await converge();
      netA.offline = true;
      netB.offline = true;
      await replace(a);
      await b.rename('/Sync/F', '/Sync/H');
      await bothSend(pair);
      await converge();
      const tree = await a.tree();
      t.strictSame(tree, await b.tree(), 'both show the same');
      if (!when.startsWith('the replacement')) {
        t.ok(kind === 'folder' && prepare !== file ? '/Sync/H/' in tree : '/Sync/H' in tree, 'the moved node is there');
      }
      t.ok('/Sync/F' in tree || '/Sync/F/' in tree || name === 'an exchange', 'the replacing node is there');
      t.strictSame(a.gateway.status().parked + b.gateway.status().parked, 0);
      await a.restart();
      await a.sync();
      t.strictSame(await a.tree(), tree, 'also after a restart');
      t.strictSame(await fresh(t, pair), tree, 'and on a new device');
    });
  }
}

t.test('each of them alone is one change and no conflict', async (t) => {
  for (const { name, prepare = file, replace } of WAYS) {
    await t.test(name, async (t) => {
      const pair = await openPair(t);
      const { a, b, netA, converge } = pair;
      await prepare(a);
      await a.write('/Sync/G', 'G');
      await converge();
      netA.offline = true;
      await replace(a);
      const tree = await a.tree();
      netA.offline = false;
      await converge();
      t.strictSame(await a.tree(), tree);
      t.strictSame(await b.tree(), tree);
      t.strictSame(await a.gateway.conflicts(), []);
    });
  }
});

t.test('a parked replacement keeps the replaced node from being forgotten', async (t) => {
  const pair = await openPair(t);
  const { a, b, cloud, netA, netB, converge } = pair;
  await file(a);
  await a.write('/Sync/G', 'G');
  await converge();
  netA.offline = true;
  netB.offline = true;
  await a.rename('/Sync/G', '/Sync/F');
  await b.rename('/Sync/F', '/Sync/H');
  netB.offline = false;
  await b.sync();
  cloud.refuse = (intents) => intents.some(({ op }) => op === 'move');
  netA.offline = false;
  await t.rejects(a.gateway.flush(), { code: 'EINVAL' });
  await a.gateway.pull(context);
  await a.restart();
  await a.gateway.pull(context);
  cloud.refuse = () => false;
  a.gateway.retry();
  await converge();
  t.strictSame(await a.tree(), { '/Sync/F': 'G', '/Sync/H': 'F' });
  t.strictSame(await b.tree(), { '/Sync/F': 'G', '/Sync/H': 'F' });
});

t.test('a replacement that is withdrawn restores the node that it was to replace', async (t) => {
  const { a, b, netA, netB, converge } = await openPair(t);
  await a.write('/Sync/F', 'F');
  await a.write('/Sync/G', 'G');
  await converge();
  netA.offline = true;
  netB.offline = true;
  await a.rename('/Sync/G', '/Sync/F');
  await b.unlink('/Sync/G');
  netA.offline = false;
  netB.offline = false;
  await b.sync();
  await a.gateway.pull(context);
  await converge();
  t.strictSame(await a.tree(), await b.tree());
  await a.restart();
  await converge();
  t.strictSame(await a.tree(), await b.tree());
});

t.test('rewriting the same bytes does not keep a file that was removed elsewhere', async (t) => {
  const { a, b, netA, netB, converge } = await openPair(t);
  await a.write('/Sync/F', 'F');
  await converge();
  netA.offline = true;
  netB.offline = true;
  await a.write('/Sync/F', 'F');
  await b.unlink('/Sync/F');
  netB.offline = false;
  await b.sync();
  netA.offline = false;
  await converge();
  t.strictSame(await a.tree(), await b.tree());
});

t.test('removing a tree removes what was moved into it', async (t) => {
  const { a, b, netA, converge } = await openPair(t);
  await a.mkdir('/Sync/x');
  await a.mkdir('/Sync/y');
  await a.write('/Sync/x/f', 'f');
  await converge();
  netA.offline = true;
  await a.rename('/Sync/x/f', '/Sync/y/f');
  await a.removeTree('/Sync/y');
  netA.offline = false;
  await converge();
  t.strictSame(await a.tree(), { '/Sync/x/': '' });
  t.strictSame(await b.tree(), { '/Sync/x/': '' });
});

async function online(pair: Pair, who: 'a' | 'b'): Promise<void> {
  (who === 'a' ? pair.netA : pair.netB).offline = false;
  await pair[who].sync();
}

function loseAnswer(cloud: Pair['cloud']): void {
  let left = 1;
  cloud.disturb = (call, answer) => {
    if (call === 'commit' && answer && left-- > 0) throw new FsError('EAGAIN', 'test', { reason: 'lost' });
  };
}

async function until(isTrue: () => boolean): Promise<void> {
  while (!isTrue()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** The tree on a new device. */
async function fresh(t: Tap, { dir, cloud }: Pair): Promise<Record<string, string>> {
  const remote = await cloud.device('gamma');
  const device = await openDevice(t, 'gamma', remote.self.id, { dir: `${dir}/c`, remote });
  await device.sync();
  return await device.tree();
}
