import { once } from 'node:events';
import { BLOCK_SIZE } from '../../../src/vfs/block.ts';
import { createServer } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import type { AddressInfo } from 'node:net';
import t, { type Test } from 'tap';
import { HttpRemote, type HttpRemoteOptions } from '../../../src/cloud/http/http-remote.ts';
import { login } from '../../../src/cloud/http/login.ts';
import type { NodeRecord } from '../../../src/cloud/records.ts';
import { background } from '../../../src/vfs/context.ts';
import { isFsError } from '../../../src/vfs/fs-error.ts';
import { startTestCloud } from '../../helpers/cloud.ts';
import { startFaultyProxy, type Fault } from '../../helpers/faulty-proxy.ts';
import { contentOf, mkdir, noise, put, symlink } from '../../helpers/intents.ts';

t.setTimeout(500_000);

const quick = { pause: 5, longest: 20 };

/** A device whose calls go through a faulty proxy, and one whose calls do not. */
async function setup(t: Test, options: Partial<HttpRemoteOptions> = {}) {
  const cloud = await startTestCloud(t);
  const proxy = await startFaultyProxy(cloud.url);
  const token = await cloud.login();
  const remote = new HttpRemote({ url: proxy.url, token, retry: quick, ...options });
  const direct = new HttpRemote({ url: cloud.url, token });
  t.teardown(async () => {
    await Promise.all([remote.close(), direct.close()]);
    await proxy.stop();
  });
  const space = (await direct.spaces(background)).find(({ kind }) => kind === 'sync');
  if (!space) throw new Error('no space');
  return { cloud, proxy, remote, direct, space, at: { space: space.id, parent: space.root } };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

function nodesOf(records: readonly object[]): NodeRecord[] {
  return records.filter((record): record is NodeRecord => 'id' in record);
}

/** The address of a service that has one answer to everything. */
async function serve(t: Test, answer: string): Promise<string> {
  const server = createServer((request, response) => {
    request.resume();
    response.end(answer);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

t.test('a login creates a device, a wrong password does not', async (t) => {
  const { url, email, password } = await startTestCloud(t);
  const device = { name: 'laptop', platform: 'linux' };
  const made = await login({ url }, { email, password, device }, background);
  const remote = new HttpRemote({ url, token: made.token });
  t.match(await remote.device(background), { id: made.device.id, name: 'laptop' });
  await remote.close();
  await t.rejects(login({ url }, { email, password: 'wrong', device }, background), { code: 'EACCES' });
});

t.test('an invalid token is EACCES, without a retry', async (t) => {
  const { cloud } = await setup(t);
  const remote = new HttpRemote({ url: cloud.url, token: 'x'.repeat(40) });
  t.teardown(() => remote.close());
  await t.rejects(remote.spaces(background), { code: 'EACCES' });
  await t.rejects(all(remote.push(background)), { code: 'EACCES' });
});

t.test('intents whose response was lost are executed once', async (t) => {
  const { proxy, remote, direct, space, at } = await setup(t);
  proxy.next({ kind: 'reset', executed: true }, { kind: 'half' });
  const [result] = await remote.commit([mkdir({ ...at, name: 'once' })], background);
  t.match(result, { status: 'done' });
  t.equal(proxy.count(), 3);
  t.same(
    nodesOf(await all(direct.snapshot(space.id, background))).map(({ name }) => name),
    ['once'],
  );
});

t.test('results of intents are the nodes that the feed has, whatever of them was sent', async (t) => {
  const { proxy, remote, direct, space, at } = await setup(t);
  const content = contentOf(noise(2 * BLOCK_SIZE + 9));
  await direct.upload(content.blocks, background);
  const posix = { v: 1, uid: 1000, user: 'ada', mtimeNs: '1700000000123250001' };
  const xattrs = { 'user.a': 'YQ==' };
  const folder = mkdir({ ...at, name: 'folder' }, { posix, xattrs });
  const file = put({ ...at, parent: folder.node, name: 'file' }, content.wire, { posix, xattrs: {} });
  const empty = put({ ...at, name: 'empty' }, contentOf(noise(0)).wire);
  const copied = put({ ...at, name: 'copy' }, { from: file.version });
  const taken = mkdir({ ...at, name: 'folder' });
  const taking = put({ ...at, name: 'empty' }, content.wire, { replace: empty.node });
  const made = [folder, file, empty, symlink({ ...at, name: 'link' }, 'földer/file'), copied];
  proxy.next({ kind: 'reset', executed: true });
  for (const batch of [made, [taken, taking, mkdir({ ...at, name: 'more' })], made.slice(0, 2)]) {
    const results = await remote.commit(batch, background);
    const nodes = nodesOf(await all(direct.snapshot(space.id, background)));
    for (const result of results.filter((one) => one.status === 'done')) {
      t.same(
        result.node,
        nodes.find(({ id }) => id === result.node.id),
        result.node.name,
      );
      t.type(result.stamp, 'string');
    }
    const refused = results.filter((one) => one.status === 'refused');
    t.same(
      refused.map(({ id }) => id),
      batch.includes(taken) ? [taken.id] : [],
    );
  }
});

t.test('results that no intent of the kind can have are an invalid response', async (t) => {
  const { at } = await setup(t);
  const [folder, file] = [mkdir({ ...at, name: 'a' }), put({ ...at, name: 'b' }, { size: 0, blocks: '' })];
  const common = { status: 'made', rev: 1, stamp: 'x' } as const;
  const hash = 'a'.repeat(64);
  const answers = [
    { results: [{ ...common, id: folder.id, hash }], ctime: 1, device: 'd' },
    { results: [{ ...common, id: folder.id, hash: null }] },
    { results: [{ ...common, id: file.id, hash: null }], ctime: 1, device: 'd' },
    { results: [{ ...common, id: 'another', hash: null }], ctime: 1, device: 'd' },
    { results: [], ctime: 1, device: 'd' },
  ];
  for (const answer of answers) {
    const intent = answer.results[0]?.id === file.id ? file : folder;
    const url = await serve(t, JSON.stringify(answer));
    const remote = new HttpRemote({ url, token: 'x', retry: quick });
    t.teardown(async () => remote.close());
    await t.rejects(remote.commit([intent], background), { code: 'EIO' });
  }
  const url = await serve(
    t,
    JSON.stringify({ results: [{ id: folder.id, status: 'refused', code: 'gone', message: '' }] }),
  );
  const remote = new HttpRemote({ url, token: 'x' });
  t.teardown(async () => remote.close());
  t.match(
    await remote.commit([folder], background),
    [{ status: 'refused' }],
    'as a service sends it that knows no brief ones',
  );
});

t.test('uploads of blocks survive all network failures', async (t) => {
  const { proxy, remote, direct } = await setup(t);
  const faults: Fault[] = [{ kind: 'flipSent', offset: 5000 }, { kind: 'reset' }, { kind: 'refuse', status: 503 }];
  for (const fault of faults) {
    const { blocks } = contentOf(noise(3 * BLOCK_SIZE));
    proxy.next(fault);
    await remote.upload(blocks, background);
    t.same(
      await direct.missing(
        blocks.map(({ digest }) => digest),
        background,
      ),
      [],
      fault.kind,
    );
  }
});

t.test('downloads of blocks survive all network failures, and none is fetched twice', async (t) => {
  const { proxy, remote, direct, at } = await setup(t);
  const bytes = noise(6 * BLOCK_SIZE + 100);
  const content = contentOf(bytes);
  await direct.upload(content.blocks, background);
  const [result] = await direct.commit([put({ ...at, name: 'file' }, content.wire)], background);
  const version = result?.status === 'done' ? (result.node.version as string) : '';
  const small = content.blocks.map((_, index) => ({ version, index }));
  const large = content.blocks.map(({ data }, index) => ({ version, index, length: data.length }));
  const faults: Fault[] = [
    { kind: 'half' },
    { kind: 'truncate' },
    { kind: 'reset' },
    { kind: 'flip', offset: 100 },
    { kind: 'flip', offset: 10 },
    { kind: 'flip', offset: 0 },
    { kind: 'flip', offset: 4 * BLOCK_SIZE },
  ];
  // Small ones are received by the calling thread, large ones by another.
  for (const requests of [small, large]) {
    for (const fault of faults) {
      proxy.reset();
      proxy.next(fault, fault);
      const blocks = await all(remote.read(requests, background));
      t.ok(Buffer.concat(blocks.map(({ data }) => data)).equals(bytes), JSON.stringify(fault));
      t.ok(proxy.count() >= 2 && proxy.count() <= 4);
    }
  }
});

t.test('a block that is always damaged causes EIO, never wrong bytes', async (t) => {
  const { proxy, remote, direct, at } = await setup(t);
  const content = contentOf(noise(1000));
  await direct.upload(content.blocks, background);
  const [result] = await direct.commit([put({ ...at, name: 'file' }, content.wire)], background);
  const version = result?.status === 'done' ? (result.node.version as string) : '';
  proxy.mode = { kind: 'flip' };
  for (const length of [undefined, BLOCK_SIZE]) {
    proxy.reset();
    proxy.mode = { kind: 'flip' };
    const request = { version, index: 0, ...(length === undefined ? {} : { length }) };
    await t.rejects(all(remote.read([request], background)), { code: 'EIO', subject: version });
    t.equal(proxy.count(), 4);
  }
});

t.test('a broken feed is continued, a broken snapshot is an error', async (t) => {
  const { proxy, remote, direct, space, at } = await setup(t);
  await direct.commit(
    Array.from({ length: 500 }, (_, i) => mkdir({ ...at, name: `folder ${i}` })),
    background,
  );
  for (const kind of ['half', 'truncate'] as const) {
    proxy.reset();
    proxy.next({ kind }, { kind });
    const nodes = nodesOf(await all(remote.feed(space.id, 0, background)));
    t.same(
      nodes.map(({ rev }) => rev),
      Array.from({ length: 500 }, (_, i) => i + 1),
      kind,
    );
    t.equal(proxy.count(), 3);
    proxy.next({ kind });
    await t.rejects(all(remote.snapshot(space.id, background)), /EAGAIN|EIO/);
    t.equal(nodesOf(await all(remote.snapshot(space.id, background))).length, 500);
  }
});

t.test('the thread for downloads starts once it follows the cloud, not with the first read', async (t) => {
  const { remote, space } = await setup(t);
  let started = 0;
  const count = (): void => void (started += 1);
  process.on('worker', count);
  t.teardown(() => process.off('worker', count));
  await all(remote.feed(space.id, 0, background));
  t.equal(started, 0);
  for await (const _ of remote.push(background)) break;
  // Node emits the event in a later turn.
  await setImmediate();
  t.equal(started, 1);
});

t.test('a push connection that is silent or broken throws', async (t) => {
  const { cloud, proxy, remote } = await setup(t, { pushSilence: 400 });
  for (const kind of ['hang', 'stall', 'half', 'reset'] as const) {
    proxy.mode = { kind };
    await t.rejects(all(remote.push(background)), { code: 'EAGAIN' }, kind);
  }
  proxy.reset();
  const patient = new HttpRemote({ url: proxy.url, token: await cloud.login() });
  t.teardown(() => patient.close());
  for await (const event of patient.push(background)) {
    t.equal(event.type, 'alive');
    break;
  }
});

t.test('invalid responses are EIO with a reason, for every call', async (t) => {
  const answers = [
    '',
    'nonsense',
    '[]',
    '{"spaces":[{}],"results":[{}],"versions":[{}],"missing":"?"}',
    '\0'.repeat(100),
  ];
  for (const text of answers) {
    const url = await serve(t, text);
    const remote = new HttpRemote({ url, token: 'x'.repeat(40), retry: quick });
    const calls: Record<string, () => Promise<unknown>> = {
      device: () => remote.device(background),
      spaces: () => remote.spaces(background),
      openBackup: () => remote.openBackup('x', background),
      snapshot: () => all(remote.snapshot('x', background)),
      feed: () => all(remote.feed('x', 0, background)),
      missing: () => remote.missing(['00'.repeat(32)], background),
      read: () => all(remote.read([{ version: 'x', index: 0 }], background)),
      commit: () => remote.commit([mkdir({ space: 'x', parent: 'x', name: 'x' })], background),
      versions: () => remote.versions('x', background),
      restoreVersion: () => remote.restoreVersion('x', 'y', background),
      restoreTrash: () => remote.restoreTrash('x', background),
      usage: () => remote.usage(background),
    };
    for (const [name, call] of Object.entries(calls)) {
      const error = await call().catch((error: unknown) => error);
      t.ok(isFsError(error, 'EIO') || isFsError(error, 'EAGAIN'), `${name} on ${JSON.stringify(text.slice(0, 20))}`);
      t.ok(isFsError(error) && error.reason, 'with words');
    }
    await remote.close();
  }
});
