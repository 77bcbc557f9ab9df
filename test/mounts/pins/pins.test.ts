import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { insertSpace } from '../../../src/cloud/server/meta/spaces.ts';
import { background as context } from '../../../src/vfs/context.ts';
import { openPair, type Pair, type TestDevice } from '../../helpers/devices.ts';
import { contentOf, put } from '../../helpers/intents.ts';
import { sharedRig } from '../../helpers/shared-rig.ts';

const MIB = 1 << 20;

/** What the drive says of a file. */
async function about(device: TestDevice, path: string): Promise<Readonly<Record<string, string>>> {
  return (await device.fs.facts?.((await device.stat(path)).id, context)) ?? {};
}

async function availability(device: TestDevice, path: string): Promise<string | undefined> {
  return (await about(device, path))['availability'];
}

async function settled({ converge, b }: Pair): Promise<void> {
  await converge();
  await b.gateway.stack.keeper.idle();
}

t.test('a pinned folder is fetched with all that comes into it, also after a restart', async (t) => {
  const pair = await openPair(t);
  const { a, b } = pair;
  await a.mkdir('/Sync/kept');
  await a.mkdir('/Sync/kept/deep');
  await a.write('/Sync/kept/deep/big', randomBytes(3 * MIB + 5));
  await a.write('/Sync/kept/small', 'small');
  await a.write('/Sync/other', 'other');
  await settled(pair);
  t.equal(await availability(b, '/Sync/kept/small'), 'online-only');
  await b.gateway.pin('/Sync/kept', true, context);
  await settled(pair);
  t.equal(await availability(b, '/Sync/kept/deep/big'), 'pinned');
  t.equal(await availability(b, '/Sync/kept/small'), 'pinned');
  t.equal(await availability(b, '/Sync/other'), 'online-only', 'it is beside the folder');
  t.match(b.gateway.pins(), {
    paths: ['/Sync/kept'],
    status: { files: 2, bytes: 3 * MIB + 10, missing: { files: 0, bytes: 0 } },
  });

  await t.test('what another computer adds, changes or moves into it', async (t) => {
    await a.write('/Sync/kept/new', 'new');
    await a.write('/Sync/kept/small', 'changed');
    await a.mkdir('/Sync/loose');
    await a.write('/Sync/loose/member', 'member');
    await settled(pair);
    t.equal(await availability(b, '/Sync/loose/member'), 'online-only');
    await a.rename('/Sync/loose', '/Sync/kept/loose');
    await settled(pair);
    for (const name of ['new', 'small', 'loose/member'])
      t.equal(await availability(b, `/Sync/kept/${name}`), 'pinned', name);
  });

  await t.test('after a restart, and after the folder was renamed', async (t) => {
    await b.gateway.close();
    await a.rename('/Sync/kept', '/Sync/elsewhere');
    await a.write('/Sync/elsewhere/while it was off', 'text');
    await a.sync();
    await b.restart();
    await settled(pair);
    t.same(b.gateway.pins().paths, ['/Sync/elsewhere']);
    t.equal(await availability(b, '/Sync/elsewhere/while it was off'), 'pinned');
  });

  await t.test('what this computer writes stays when it is in the cloud', async (t) => {
    await b.write('/Sync/elsewhere/mine', 'mine');
    t.equal(await availability(b, '/Sync/elsewhere/mine'), 'uploading');
    await settled(pair);
    t.equal(await availability(b, '/Sync/elsewhere/mine'), 'pinned');
    t.equal(b.gateway.pins().status.missing.files, 0);
  });

  await t.test('without the network it can be read', async (t) => {
    pair.netB.offline = true;
    t.equal(await b.read('/Sync/elsewhere/loose/member'), 'member');
    pair.netB.offline = false;
  });
});

t.test('a pinned file keeps its pin when a program saves it by replacing it', async (t) => {
  const pair = await openPair(t);
  const { a, b } = pair;
  await a.write('/Sync/doc', 'one');
  await settled(pair);
  await b.gateway.pin('/Sync/doc', true, context);
  await settled(pair);
  t.equal(await availability(b, '/Sync/doc'), 'pinned');
  await a.write('/Sync/.doc.swp', 'two');
  await a.rename('/Sync/.doc.swp', '/Sync/doc');
  await settled(pair);
  t.equal(await availability(b, '/Sync/doc'), 'pinned', 'replaced by another computer');
  await b.write('/Sync/.doc.swp', 'three');
  await b.rename('/Sync/.doc.swp', '/Sync/doc');
  await settled(pair);
  t.equal(await availability(b, '/Sync/doc'), 'pinned', 'replaced here');
  await b.rename('/Sync/doc', '/Sync/moved');
  t.equal(await availability(b, '/Sync/moved'), 'uploading');
  await settled(pair);
  t.same(b.gateway.pins().paths.includes('/Sync/moved'), true);
});

t.test('pinned content is not evicted, other content is', async (t) => {
  const pair = await openPair(t, { limits: { cacheBytes: 6 * MIB, minFree: 0 } });
  const { a, b } = pair;
  for (const name of ['pinned', 'x', 'y', 'z']) await a.write(`/Sync/${name}`, randomBytes(2 * MIB));
  await settled(pair);
  await b.gateway.pin('/Sync/pinned', true, context);
  await settled(pair);
  const read = async (): Promise<void> => {
    for (const name of ['x', 'y', 'z']) await b.bytes(`/Sync/${name}`);
  };
  for (let round = 0; round < 5; round++) await read();
  t.equal(await availability(b, '/Sync/pinned'), 'pinned');
  const others = await Promise.all(['x', 'y', 'z'].map((name) => availability(b, `/Sync/${name}`)));
  t.ok(others.filter((one) => one !== 'cached').length >= 1, 'the others make room for each other');
  await b.gateway.pin('/Sync/pinned', false, context);
  await settled(pair);
  t.equal(await availability(b, '/Sync/pinned'), 'cached');
  await a.write('/Sync/all the room', randomBytes(6 * MIB));
  await settled(pair);
  await b.bytes('/Sync/all the room');
  while ((await availability(b, '/Sync/pinned')) === 'cached') await sleep(5);
  t.pass('now it makes room');
});

t.test('what the cache has no room for is said, and not fetched again and again', async (t) => {
  const pair = await openPair(t, { limits: { cacheBytes: 3 * MIB, minFree: 0 } });
  const { a, b } = pair;
  await a.mkdir('/Sync/much');
  for (const name of ['1', '2', '3']) await a.write(`/Sync/much/${name}`, randomBytes(2 * MIB));
  await settled(pair);
  await b.gateway.pin('/Sync/much', true, context);
  await settled(pair);
  const { status } = b.gateway.pins();
  t.equal(status.bytes, 6 * MIB);
  t.match(status.unfit, { files: 2, bytes: 4 * MIB });
  t.match(status.missing, { files: 2, bytes: 4 * MIB });
  const read = pair.cloud.calls.filter((call) => call === 'read').length;
  await a.write('/Sync/much/4', 'fits');
  await settled(pair);
  t.equal(await availability(b, '/Sync/much/4'), 'pinned', 'a file that fits still comes');
  t.ok(pair.cloud.calls.filter((call) => call === 'read').length <= read + 1, 'the others are not asked for again');
});

t.test('a folder in a pinned one can be left out', async (t) => {
  const pair = await openPair(t);
  const { a, b } = pair;
  await a.mkdir('/Sync/in');
  await a.mkdir('/Sync/in/out');
  await a.write('/Sync/in/out/file', 'text');
  await a.write('/Sync/in/file', 'other text');
  await settled(pair);
  await b.gateway.pin('/Sync/in', true, context);
  await b.gateway.pin('/Sync/in/out', false, context);
  await settled(pair);
  t.equal(await availability(b, '/Sync/in/file'), 'pinned');
  t.match(await about(b, '/Sync/in/out/file'), { pinned: 'no' });
  await b.gateway.pin('/Sync/in', true, context);
  await settled(pair);
  t.equal(await availability(b, '/Sync/in/out/file'), 'pinned', 'pinning the outer one counts for all in it');
  await b.gateway.pin('/Sync/in', false, context);
  t.same(b.gateway.pins().paths, []);
});

t.test('free drops what the cloud has, and keeps what is pinned, unsent or open', async (t) => {
  const pair = await openPair(t);
  const { a, b, netB } = pair;
  await a.mkdir('/Sync/f');
  for (const name of ['cached', 'pinned', 'twin', 'open']) await a.write(`/Sync/f/${name}`, `content of ${name}`);
  await a.write('/Sync/f/twin', 'content of pinned');
  await a.write('/Sync/f/unsent', 'old');
  await settled(pair);
  for (const name of ['cached', 'open', 'unsent']) await b.read(`/Sync/f/${name}`);
  await b.gateway.pin('/Sync/f/pinned', true, context);
  await settled(pair);
  const open = await b.fs.open((await b.stat('/Sync/f/open')).id, { read: true, write: false }, context);
  await open.read(Buffer.alloc(1), 0, context);
  netB.offline = true;
  await b.write('/Sync/f/unsent', 'new');
  const freed = await b.gateway.free('/Sync/f', context);
  t.match(freed, { files: 1, bytes: 'content of cached'.length, pinned: 2, unsent: 1, open: 1 });
  t.equal(await availability(b, '/Sync/f/cached'), 'online-only');
  t.equal(await b.read('/Sync/f/pinned'), 'content of pinned');
  t.equal(await b.read('/Sync/f/unsent'), 'new');
  netB.offline = false;
  await open.close();
  t.equal(await b.read('/Sync/f/cached'), 'content of cached', 'it is fetched again when it is read');
});

t.test('a cloud out of reach delays what is to come', async (t) => {
  const pair = await openPair(t);
  const { a, b, netB } = pair;
  await a.write('/Sync/file', 'text');
  await settled(pair);
  netB.offline = true;
  await b.gateway.pin('/Sync/file', true, context);
  await b.gateway.stack.keeper.idle();
  t.equal(await availability(b, '/Sync/file'), 'coming');
  t.match(b.gateway.pins().status.missing, { files: 1, bytes: 4 });
  netB.offline = false;
  b.gateway.stack.keeper.reachable();
  await settled(pair);
  t.equal(await availability(b, '/Sync/file'), 'pinned');
});

t.test('the Archive is not pinned', async (t) => {
  const { b } = await openPair(t);
  await t.rejects(b.gateway.pin('/Archive', true, context), { code: 'EPERM', reason: /fjord get/ });
  await t.rejects(b.gateway.pin('/Sync/none', true, context), { code: 'ENOENT' });
});

t.test('a pinned shared folder comes with all that its members add, until it is taken away', async (t) => {
  const { ada, bob, rest, share } = await sharedRig(t);
  await ada.device.mkdir('/Sync/Team');
  await ada.device.write('/Sync/Team/first', 'first');
  const space = await share();
  const { keeper } = bob.device.gateway.stack;
  await bob.device.gateway.pin('/Sync/Team', true, context);
  await ada.device.write('/Sync/Team/second', 'second');
  await ada.device.write('/Sync/loose', 'moved in');
  await ada.device.rename('/Sync/loose', '/Sync/Team/loose');
  await rest();
  await keeper.idle();
  for (const name of ['first', 'second', 'loose'])
    t.equal(await availability(bob.device, `/Sync/Team/${name}`), 'pinned', name);
  await ada.remote.revokeShare(space, 'bob@example.org', context);
  for (let tries = 0; tries < 600 && (await bob.device.exists('/Sync/Team')); tries++) await sleep(50);
  await bob.device.sync();
  await keeper.idle();
  t.same(bob.device.gateway.pins().paths, [], 'the pin has ended with the folder');
  t.equal(bob.device.gateway.pins().status.missing.files, 0);
  t.equal((await bob.device.gateway.issues()).count, 0);
});

t.test('a backup of another computer is kept here, with what that adds, and read without a network', async (t) => {
  const { cloud, netA, netB, b } = await openPair(t);
  await insertSpace(cloud.meta.db, { account: cloud.account, kind: 'backup', name: 'docs', device: netA.self.id }, 1);
  const set = (await netA.spaces(context)).find(({ kind }) => kind === 'backup');
  const backUp = async (name: string): Promise<void> => {
    const content = contentOf(Buffer.from(`the ${name}`));
    await netA.upload(content.blocks, context);
    const intent = put({ space: set?.id ?? '', parent: set?.root ?? '', name }, content.wire);
    t.match(await netA.commit([intent], context), [{ status: 'done' }]);
    await b.sync();
    await b.gateway.stack.keeper.idle();
  };
  await backUp('first');
  await b.gateway.pin('/Backup/alpha/docs', true, context);
  await b.gateway.stack.keeper.idle();
  await backUp('second');
  for (const name of ['first', 'second']) t.equal(await availability(b, `/Backup/alpha/docs/${name}`), 'pinned');
  netB.offline = true;
  t.equal(await b.read('/Backup/alpha/docs/second'), 'the second');
  t.same(b.gateway.pins().paths, ['/Backup/alpha/docs']);
});
