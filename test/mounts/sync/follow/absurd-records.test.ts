import * as fc from 'fast-check';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { HttpRemote } from '../../../../src/cloud/http/http-remote.ts';
import type { NodeRecord } from '../../../../src/cloud/records.ts';
import { Inode } from '../../../../src/fuse/inode.ts';
import { ATTR_OUT, ENTRY_OUT, putAttrOut, putEntryOut, putStatxOut } from '../../../../src/fuse/reply.ts';
import { background } from '../../../../src/vfs/context.ts';
import type { Attr } from '../../../../src/vfs/node.ts';
import { children } from '../../../../src/vfs/walk.ts';
import { DavServer } from '../../../helpers/dav-server.ts';
import { openDevice, type TestDevice } from '../../../helpers/devices.ts';
import { HostileCloud } from '../../../helpers/hostile-cloud.ts';
import { temporary } from '../../../helpers/temporary.ts';

t.setTimeout(500_000);

const HASH = 'a'.repeat(64);
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

function file(id: string, more: Partial<Record<keyof NodeRecord, unknown>> = {}): Record<string, unknown> {
  const times = { mtime: 1e12, birthtime: 1e12, ctime: 1e12 };
  const what = { kind: 'file', mode: 0o644, size: 5, version: `v${id}`, hash: HASH, device: null, removed: false };
  return { id, space: 's', parent: 'r', name: id, rev: 1, ...times, ...what, ...more };
}

function folder(id: string, more: Partial<Record<keyof NodeRecord, unknown>> = {}): Record<string, unknown> {
  return file(id, { kind: 'folder', mode: 0o755, size: 0, version: null, hash: null, ...more });
}

function lines(records: readonly unknown[], cursor = 100): string[] {
  return [...records, { cursor, more: false }].map((record) => JSON.stringify(record));
}

async function begin(t: Test): Promise<{ cloud: HostileCloud; open: (name: string) => Promise<TestDevice> }> {
  const cloud = await HostileCloud.start(t);
  const dir = temporary(t);
  const open = async (name: string): Promise<TestDevice> => {
    const remote = new HttpRemote({ url: cloud.url, token: 'x', retry: { tries: 2, pause: 1, longest: 1 } });
    t.teardown(() => remote.close());
    return await openDevice(t, name, name, { remote, dir: join(dir, name) });
  };
  return { cloud, open };
}

/** Everything below a folder, through the port. */
async function listed(device: TestDevice): Promise<Attr[]> {
  const found: Attr[] = [];
  const visit = async (id: string, depth: number): Promise<void> => {
    if (depth > 50) throw new Error('a circle');
    for await (const child of children(device.fs, id, background)) {
      found.push(child);
      if (child.kind === 'folder') await visit(child.id, depth + 1);
    }
  };
  await visit((await device.stat('/Sync')).id, 0);
  return found;
}

/** Checks that the attributes can be sent to the kernel and to WebDAV clients. */
async function check(t: Test, device: TestDevice, dav: DavServer): Promise<void> {
  const out = Buffer.alloc(1024);
  const how = { uid: 1, gid: 1, validity: 1 };
  for (const attr of await listed(device)) {
    const inode = new Inode(7, attr.id);
    if (putEntryOut({ inode, attr, lasting: true }, how, out, 0) !== ENTRY_OUT) t.fail('no entry');
    if (putAttrOut(inode, attr, how, out, 0) !== ATTR_OUT) t.fail('no attributes');
    putStatxOut(inode, attr, how, 0, out, 0);
  }
  const answer = await dav.ask('PROPFIND', '/Sync/', { headers: { Depth: '1' } });
  if (answer.status !== 207 || /Invalid|NaN|Infinity|undefined/.test(answer.text)) t.fail(answer.text);
}

t.test('an invalid record is an issue, and the rest of the folder is listed', async (t) => {
  const { cloud, open } = await begin(t);
  const absurd: Record<string, object | string> = {
    'a time beyond all dates': file('x', { mtime: 1e308 }),
    'a time before all dates': file('x', { birthtime: -1e308 }),
    'a time that is none': JSON.stringify(file('x')).replace('"mtime":1000000000000', '"mtime":1e999'),
    'a path for a name': file('x', { name: 'a/b' }),
    'a name with NUL': file('x', { name: 'a\0b' }),
    'a name that is ..': file('x', { name: '..' }),
    'a name without end': file('x', { name: 'é'.repeat(200) }),
    'a size of 2^64': file('x', { size: 2 ** 64 }),
    'a size of 2^53': file('x', { size: 2 ** 53 }),
    'half a byte': file('x', { size: 0.5 }),
    'no size, with content': file('x', { size: 0 }),
    'a size, without content': file('x', { hash: EMPTY }),
    'a file without a version': file('x', { version: null }),
    'a folder with content': folder('x', { version: 'v', hash: HASH }),
    'the id .': file('.'),
    'the id ..': file('..'),
    'its own parent': folder('x', { parent: 'x' }),
    'the root of the drive': folder('root'),
    'the root of the space': folder('r', { parent: 'q' }),
    'a mode of too many bits': file('x', { mode: 0o10000 }),
    'a link to nowhere': file('x', { kind: 'symlink', version: null, hash: null }),
    'a link to NUL': file('x', { kind: 'symlink', version: null, hash: null, target: 'a\0' }),
    'another space': file('x', { space: 'other' }),
    'the root of the drive as its folder': file('x', { parent: 'root' }),
    'the bin as its folder': file('x', { parent: 'bin' }),
    'a file as its folder': file('x', { parent: 'good' }),
    'a revision without end': file('x', { rev: 1e300 }),
    'an attribute that is no base64': file('x', { xattrs: { a: '!' } }),
    'another record': { hello: 'world' },
    'no JSON': '{"id":"x", ',
    'a line of 5 MB': `{"id":"x", "name":"${'x'.repeat(5 * 1024 * 1024)}"}`,
    null: 'null',
  };
  for (const [what, record] of Object.entries(absurd)) {
    const line = typeof record === 'string' ? record : JSON.stringify(record);
    const [good, end] = [lines([file('good', { rev: 1 })]), lines([file('later', { rev: 3 })])];
    cloud.snapshot = [...good.slice(0, 1), line, ...end];
    const first = await open(`a ${what}`.replaceAll('/', '-'));
    await first.sync();
    t.same((await listed(first)).map(({ id }) => id).sort(), ['good', 'later'], what);
    t.equal((await first.gateway.issues()).count, 1, `${what}: ${JSON.stringify(await first.gateway.issues())}`);
    await first.restart();
    t.equal((await first.gateway.issues()).count, 1, 'remembered');

    cloud.snapshot = lines([], 1);
    cloud.feed = (since) =>
      since < 3 ? (cloud.snapshot.length === 1 ? [...good.slice(0, 1), line, ...end] : []) : lines([], since);
    const second = await open(`b ${what}`.replaceAll('/', '-'));
    await second.sync();
    t.same((await listed(second)).map(({ id }) => id).sort(), ['good', 'later'], `${what}, in the feed`);
    t.equal((await second.gateway.issues()).count, 1, `${what}, in the feed`);
    cloud.feed = (since) => lines(since === 100 ? [file('x', { rev: 101 })] : [], 101);
    await second.sync();
    t.ok((await listed(second)).some(({ id }) => id === 'x'));
    const left = (await second.gateway.issues()).first.map(({ node }) => node);
    t.notOk(left.includes('x'), 'the issue is gone');
    await Promise.all([first.gateway.close(), second.gateway.close()]);
    cloud.feed = (since) => lines([], since);
  }
});

t.test('a cycle of folders, and two nodes with one name', async (t) => {
  const { cloud, open } = await begin(t);
  cloud.snapshot = lines([
    folder('a', { parent: 'b', rev: 1 }),
    folder('b', { parent: 'a', rev: 2 }),
    folder('c', { rev: 3 }),
    file('d', { name: 'same', rev: 4 }),
    file('e', { name: 'same', rev: 5 }),
    file('f', { name: 'other', rev: 7 }),
    file('g', { name: 'other', rev: 6 }),
  ]);
  const device = await open('a');
  await device.sync();
  t.same((await listed(device)).map(({ id }) => id).sort(), ['c', 'e', 'f']);
  const { count, first } = await device.gateway.issues();
  t.equal(count, 3, JSON.stringify(first));
  // Two steps of another device look like a cycle in between.
  cloud.snapshot = lines([folder('a', { rev: 1 }), folder('b', { parent: 'a', rev: 2 })]);
  const other = await open('b');
  await other.sync();
  cloud.feed = () => lines([folder('a', { parent: 'b', rev: 101 }), folder('b', { rev: 102 })], 102);
  await other.sync();
  t.same(
    (await listed(other)).map(({ id }) => id),
    ['b', 'a'],
  );
  t.equal((await other.gateway.issues()).count, 0);
});

t.test('a feed that always says there is more is queried with pauses', async (t) => {
  const { cloud, open } = await begin(t);
  cloud.snapshot = lines([], 5);
  cloud.feed = () => [JSON.stringify({ cursor: 5, more: true })];
  const device = await open('a');
  await t.rejects(device.gateway.pull(background), { code: 'EIO' });
  cloud.asked.length = 0;
  await new Promise((resolve) => setTimeout(resolve, 1000));
  t.ok(cloud.asked.length < 20, `${cloud.asked.length} calls in a second`);
  cloud.feed = (since) => lines([file('x', { rev: 6 })], Math.max(since, 6));
  await device.sync();
  t.same(
    (await listed(device)).map(({ id }) => id),
    ['x'],
  );
});

t.test('an invalid push event counts as a change', async (t) => {
  const { cloud, open } = await begin(t);
  cloud.snapshot = lines([], 1);
  cloud.push =
    'data: {"type":"spa\n\ndata: {"type":"sp\ndata: ace"}\n\n: x\n\ndata: {"type":"later","than":"this"}\n\n';
  const device = await open('a');
  await device.sync();
  cloud.feed = (since) => lines([file('x', { rev: 2 })], Math.max(since, 2));
  await device.sync();
  t.equal(device.gateway.status().push, 'up');
  t.same(
    (await listed(device)).map(({ id }) => id),
    ['x'],
  );
});

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', '.', '..', 'r', 'root', 'bin', 's');
const number = fc.oneof(
  fc.double(),
  fc.constantFrom(0, 5, -1, 0.5, 1e308, -1e308, 2 ** 53, 2 ** 53 - 1, 2 ** 64, 8.64e15, -8.64e15, 8.64e15 + 2, null),
  fc.double({ min: -8.64e15, max: 8.64e15, noNaN: true }),
);
const record = fc.record({
  id,
  space: fc.constantFrom('s', 's', 's', 's', 's', 'other'),
  parent: fc.oneof(fc.constant('r'), id),
  name: fc.oneof(fc.constantFrom('x', 'y', 'z'), fc.string(), fc.constantFrom('', '.', '..', 'a/b', '\0')),
  kind: fc.constantFrom('file', 'folder', 'folder', 'symlink'),
  mode: fc.oneof(fc.constant(0o644), number),
  mtime: number,
  birthtime: number,
  ctime: number,
  rev: fc.oneof(fc.integer({ min: 1, max: 99 }), number),
  device: fc.constant(null),
  removed: fc.boolean(),
  size: fc.oneof(fc.constantFrom(0, 5), number),
  version: fc.constantFrom('v', null),
  hash: fc.constantFrom(HASH, EMPTY, null),
  target: fc.oneof(fc.constant('x'), fc.string()),
  xattrs: fc.dictionary(fc.string(), fc.oneof(fc.base64String(), fc.string())),
});
/** Mostly consistent, so that many nodes are shown. */
const nearly = fc.tuple(record, fc.constantFrom('file', 'folder'), fc.nat(12)).map(([bad, kind, what]) => {
  const made = kind === 'file' ? file('a') : folder('a');
  const keys = ['size', 'hash', 'version', 'xattrs', 'mode', 'name', 'mtime', 'birthtime', 'ctime'];
  const key = keys[what] ?? 'device';
  const { rev, parent } = bad;
  return {
    ...made,
    id: bad.id,
    rev,
    parent,
    name: bad.name,
    removed: bad.removed,
    [key]: bad[key as keyof typeof bad],
  };
});
const line = fc.oneof(
  { weight: 8, arbitrary: nearly.map((value) => JSON.stringify(value)) },
  { weight: 3, arbitrary: record.map((value) => JSON.stringify(value)) },
  { weight: 1, arbitrary: fc.json().filter((text) => !text.includes('cursor')) },
  { weight: 1, arbitrary: fc.string().filter((text) => !/[\n\r]/.test(text)) },
);

t.test('whatever the records are, the tree can be listed through every door', async (t) => {
  const { cloud, open } = await begin(t);
  let run = 0;
  const property = fc.asyncProperty(fc.array(line), fc.array(line), async (first, second) => {
    cloud.snapshot = [...first, JSON.stringify({ cursor: 100, more: false })];
    cloud.feed = (since) => [...(since < 200 ? second : []), JSON.stringify({ cursor: 200, more: false })];
    const device = await open(`run ${run++}`);
    const dav = await DavServer.start(t, { fs: device.fs });
    try {
      await device.sync();
      await check(t, device, dav);
      await device.sync();
      await check(t, device, dav);
    } finally {
      await dav.server.close();
      await device.gateway.close();
    }
  });
  await fc.assert(property, { numRuns: 40 });
});
