import { v7 as newId } from 'uuid';
import { BLOCK_SIZE, MAX_SIZE } from '../../src/vfs/block.ts';
import type { Test } from 'tap';
import { bucketOf, TreeDigest } from '../../src/cloud/tree-digest.ts';
import type { Remote } from '../../src/cloud/remote.ts';
import { KEPT_VERSIONS } from '../../src/cloud/http/wire.ts';
import type { Intent, IntentResult, NodeRecord, Push, SpaceRecord, WireContent } from '../../src/cloud/records.ts';
import { background } from '../../src/vfs/context.ts';
import { DigestList } from '../../src/vfs/digest-list.ts';
import { contentOf, mkdir, noise, put, remove, symlink } from '../helpers/intents.ts';

/** Two devices of a new account. */
export interface RemotePair {
  readonly first: Remote;
  readonly second: Remote;
  readonly password: string;
}

const POSIX = {
  v: 1,
  uid: 4_294_967_295,
  gid: 0,
  user: 'ada',
  group: 'root',
  mtimeNs: '1700000000123456789',
  name: 'Y2Fm6Q==',
  target: '6Q==',
  link: '17.1700000000123456789',
} as const;

const ids = (count: number) => Array.from({ length: count }, (_, i) => i);

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function spaceOf(remote: Remote, kind: SpaceRecord['kind']): Promise<SpaceRecord> {
  const space = (await remote.spaces(background)).find((space) => space.kind === kind);
  if (!space) throw new Error(`no ${kind} space`);
  return space;
}

async function committed(remote: Remote, ...intents: Intent[]): Promise<NodeRecord[]> {
  const results = await remote.commit(intents, background);
  return results.map((result) => {
    if (result.status === 'done') return result.node;
    throw new Error(`${result.code}: ${result.message}`);
  });
}

async function refused(remote: Remote, intent: Intent): Promise<IntentResult & { status: 'refused' }> {
  const [result] = await remote.commit([intent], background);
  if (result?.status !== 'refused') throw new Error(`not refused: ${JSON.stringify(result)}`);
  return result;
}

/** Uploads the bytes, and creates a file with them in the root. */
async function store(remote: Remote, space: SpaceRecord, name: string, bytes: Uint8Array): Promise<NodeRecord> {
  const content = contentOf(bytes);
  await remote.upload(content.blocks, background);
  const [node] = await committed(remote, put({ space: space.id, parent: space.root, name }, content.wire));
  return node as NodeRecord;
}

function nodesOf(records: readonly object[]): NodeRecord[] {
  return records.filter((record): record is NodeRecord => 'id' in record);
}

/** The requirements on every `Remote`. `make` creates devices of a new account for each test. */
export function remoteContract(t: Test, make: (t: Test) => Promise<RemotePair>): void {
  t.test('each device knows itself and the spaces of the account', async (t) => {
    const { first, second } = await make(t);
    const [a, b] = [await first.device(background), await second.device(background)];
    t.not(a.id, b.id);
    t.ok(a.current);
    const kinds = (await first.spaces(background)).map(({ kind }) => kind).sort();
    t.same(kinds, ['archive', 'sync']);
  });

  t.test('blocks are missing until they are uploaded', async (t) => {
    const { first } = await make(t);
    const { blocks } = contentOf(noise(2 * BLOCK_SIZE + 5));
    const digests = blocks.map(({ digest }) => digest);
    t.same((await first.missing(digests, background)).sort(), [...digests].sort());
    await first.upload(blocks.slice(0, 2), background);
    t.same(await first.missing(digests, background), digests.slice(2));
    await first.upload(blocks, background);
    t.same(await first.missing(digests, background), []);
    t.same(await first.missing([], background), []);
  });

  t.test('content is read as it was uploaded, as a whole and by blocks', async (t) => {
    const { first, second } = await make(t);
    const space = await spaceOf(first, 'sync');
    for (const size of [0, 1, BLOCK_SIZE - 1, BLOCK_SIZE, 10 * BLOCK_SIZE + 7]) {
      const bytes = noise(size);
      const content = contentOf(bytes);
      const node = await store(first, space, `file-${size}`, bytes);
      t.match(node, { size, hash: content.hash });
      const version = node.version as string;
      t.ok(content.digests.equals(await second.manifest(version, background)));
      const blocks = await all(
        second.read(
          ids(content.blocks.length).map((index) => ({ version, index })),
          background,
        ),
      );
      t.same(
        blocks.map(({ index, digest }) => [index, digest]),
        content.blocks.map(({ digest }, i) => [i, digest]),
      );
      t.ok(Buffer.concat(blocks.map(({ data }) => data)).equals(bytes), `${size} bytes`);
    }
  });

  t.test('64 GiB of zeros are one block, and one run', async (t) => {
    const { first, second } = await make(t);
    const space = await spaceOf(first, 'sync');
    const zeros = contentOf(Buffer.alloc(BLOCK_SIZE));
    const end = contentOf(noise(5));
    await first.upload([...zeros.blocks, ...end.blocks], background);
    const size = 2 ** 36 + 5;
    const holes = { digest: zeros.digests, end: 2 ** 16 };
    const list = DigestList.ofRuns([holes, { digest: end.digests, end: 2 ** 16 + 1 }]);
    const blocks = Buffer.from(list.toBytes()).toString('base64');
    const at = { space: space.id, parent: space.root };
    const [node] = await committed(first, put({ ...at, name: 'sparse' }, { size, blocks }));
    t.match(node, { size, hash: await list.hash() });
    const version = node?.version as string;
    t.ok(Buffer.from(await second.manifest(version, background)).equals(list.toBytes()));
    const read = await all(
      second.read(
        [2 ** 16, 77, 2 ** 16 - 1].map((index) => ({ version, index })),
        background,
      ),
    );
    t.same(
      read.map(({ index, data }) => [index, data.length, data.every((byte) => byte === 0)]),
      [
        [2 ** 16, 5, false],
        [77, BLOCK_SIZE, true],
        [2 ** 16 - 1, BLOCK_SIZE, true],
      ],
    );
    t.equal((await first.usage(background)).used, BLOCK_SIZE + 5);
    const wrong = async (content: WireContent) => (await refused(first, put({ ...at, name: 'wrong' }, content))).code;
    t.equal(await wrong({ size: size - 1, blocks }), 'bad_request', 'a last block of another length');
    t.equal(await wrong({ size: size + BLOCK_SIZE, blocks }), 'bad_request', 'a block too few');
    t.equal(await wrong({ size: MAX_SIZE + 1, blocks }), 'too_large');
    const [copy] = await committed(first, put({ ...at, name: 'copy' }, { from: version }));
    t.match(copy, { size, hash: node?.hash });
    await committed(first, put({ ...at, name: 'sparse' }, end.wire, { node: node?.id ?? '', base: version }));
  });

  t.test('thousands of small blocks are uploaded and read in few calls', async (t) => {
    const { first } = await make(t);
    const space = await spaceOf(first, 'sync');
    const contents = ids(1100).map((i) => contentOf(Buffer.from(`content ${i}`)));
    await first.upload(
      contents.flatMap(({ blocks }) => blocks),
      background,
    );
    const nodes = await committed(
      first,
      ...contents.map(({ wire }, i) => put({ space: space.id, parent: space.root, name: `f${i}` }, wire)),
    );
    t.equal(nodes.length, 1100);
    const requests = nodes.map(({ version }) => ({ version: version as string, index: 0 }));
    const blocks = await all(first.read(requests, background));
    t.same(
      blocks.map(({ data }) => Buffer.from(data).toString()),
      ids(1100).map((i) => `content ${i}`),
    );
  });

  t.test('a missing version is ENOENT', async (t) => {
    const { first } = await make(t);
    await t.rejects(first.manifest(newId(), background), { code: 'ENOENT' });
    await t.rejects(all(first.read([{ version: newId(), index: 0 }], background)), { code: 'ENOENT' });
  });

  t.test('snapshot and feed describe the same tree, the feed in the order of revisions', async (t) => {
    const { first, second } = await make(t);
    const space = await spaceOf(first, 'sync');
    const at = { space: space.id, parent: space.root };
    const folder = mkdir({ ...at, name: 'folder' });
    const file = put({ ...at, parent: folder.node, name: 'Grüße \u{1F600}\t.txt' }, { size: 0, blocks: '' });
    await committed(first, folder, file, symlink({ ...at, name: 'link' }, 'folder/../x'));
    const feed = await all(second.feed(space.id, 0, background));
    const snapshot = await all(second.snapshot(space.id, background));
    t.match(feed.at(-1), { cursor: 3, more: false });
    t.match(snapshot.at(-1), { cursor: 3 });
    t.same(
      nodesOf(feed).map(({ rev }) => rev),
      [1, 2, 3],
    );
    const byId = (a: NodeRecord, b: NodeRecord) => (a.id < b.id ? -1 : 1);
    t.same(nodesOf(snapshot).sort(byId), nodesOf(feed).sort(byId));
    t.match(nodesOf(feed)[1], {
      name: 'Grüße \u{1F600}\t.txt',
      mtime: 1_700_000_000_123.25,
      birthtime: 1_600_000_000_000,
    });
    t.same(
      nodesOf(await all(second.feed(space.id, 2, background))).map(({ kind }) => kind),
      ['symlink'],
    );
  });

  t.test('the digest of a space is that of its snapshot, and a snapshot of buckets has their nodes', async (t) => {
    const { first, second } = await make(t);
    const space = await spaceOf(first, 'sync');
    const at = { space: space.id, parent: space.root };
    const top = mkdir({ ...at, name: 'top' });
    const below = Array.from({ length: 20 }, (_, n) => mkdir({ ...at, parent: top.node, name: `${n}` }));
    const file = put({ ...at, name: 'Grüße' }, { size: 0, blocks: '' }, { xattrs: { 'user.b': 'AA==', 'user.a': '' } });
    const gone = mkdir({ ...at, name: 'gone' });
    await committed(first, top, ...below, file, symlink({ ...at, name: 'link' }, '../x'), gone);
    await committed(first, mkdir({ ...at, parent: gone.node, name: 'in it' }));
    await committed(first, remove(space.id, gone.node, null, 1000));
    const nodes = nodesOf(await all(second.snapshot(space.id, background)));
    const expected = new TreeDigest();
    for (const node of nodes) expected.add(node);
    const digest = await second.digest(space.id, background);
    t.match(digest, { format: 1, rev: 26, nodes: 23 });
    t.same(expected.differing(digest.sums), [], 'without what is in a removed folder');
    const buckets = [...new Set(below.slice(0, 3).map(({ node }) => bucketOf(node)))];
    const some = nodesOf(await all(second.snapshot(space.id, background, [], buckets)));
    t.same(
      some.map(({ id }) => id).sort(),
      nodes
        .map(({ id }) => id)
        .filter((id) => buckets.includes(bucketOf(id)))
        .sort(),
    );
    t.same(await second.digest(space.id, background), digest, 'it stays the same');
    await committed(first, mkdir({ ...at, name: 'another' }));
    t.equal(expected.differing((await second.digest(space.id, background)).sums).length, 1, 'until something changes');
    await t.rejects(second.digest(newId(), background), { code: 'ENOENT' });
  });

  t.test('an intent is executed once, however often it is sent', async (t) => {
    const { first } = await make(t);
    const space = await spaceOf(first, 'sync');
    const intent = mkdir({ space: space.id, parent: space.root, name: 'once' });
    const [a] = await committed(first, intent);
    const [b] = await committed(first, intent);
    t.same(a, b);
    t.equal(nodesOf(await all(first.snapshot(space.id, background))).length, 1);
  });

  t.test('a refusal has a reason and the current node, and later intents are still tried', async (t) => {
    const { first } = await make(t);
    const space = await spaceOf(first, 'sync');
    const at = { space: space.id, parent: space.root, name: 'taken' };
    const [taken] = await committed(first, mkdir(at));
    const results = await first.commit([mkdir(at), mkdir({ ...at, name: 'free' })], background);
    t.match(results, [{ status: 'refused', code: 'exists', current: { id: taken?.id } }, { status: 'done' }]);
    t.match(await refused(first, put({ ...at, name: 'x' }, contentOf(noise(9)).wire)), { code: 'blocks_missing' });
  });

  t.test('of six contents five versions are kept, and an older one can be restored', async (t) => {
    const { first } = await make(t);
    const space = await spaceOf(first, 'sync');
    const node = await store(first, space, 'file', Buffer.from('0'));
    let base = node.version;
    for (const i of [1, 2, 3, 4, 5]) {
      const content = contentOf(Buffer.from(String(i)));
      await first.upload(content.blocks, background);
      const next = put({ space: space.id, parent: space.root, name: 'file' }, content.wire, { node: node.id, base });
      base = (await committed(first, next))[0]?.version ?? null;
    }
    const versions = await first.versions(node.id, background);
    t.equal(versions.length, KEPT_VERSIONS);
    t.same(
      versions.map(({ current }) => current),
      [true, false, false, false, false],
    );
    const oldest = versions.at(-1);
    const restored = await first.restoreVersion(node.id, oldest?.id ?? '', background);
    t.equal(restored.hash, oldest?.hash);
  });

  t.test('a removed node goes to the Trash, can be restored, and can be purged', async (t) => {
    const { first } = await make(t);
    const space = await spaceOf(first, 'sync');
    const node = await store(first, space, 'file', noise(100));
    await committed(first, remove(space.id, node.id, node.version, node.rev));
    t.match(await all(first.trash(background)), [{ node: { id: node.id }, path: '/file', size: 100, files: 1 }]);
    t.match(await first.restoreTrash(node.id, background), { id: node.id, removed: false, name: 'file' });
    t.same(await all(first.trash(background)), []);
    const [back] = nodesOf(await all(first.snapshot(space.id, background)));
    await committed(first, remove(space.id, node.id, node.version, back?.rev ?? 0));
    await first.purgeTrash(node.id, undefined, background);
    t.same(await all(first.trash(background)), []);
    await t.rejects(first.restoreTrash(node.id, background), { code: 'ENOENT' });
  });

  t.test('a backup space belongs to the device that opened it', async (t) => {
    const { first, second } = await make(t);
    const space = await first.openBackup('Documents', background);
    t.match(space, { kind: 'backup', name: 'Documents', writable: true });
    t.match(await first.openBackup('Documents', background), { id: space.id });
    await committed(first, mkdir({ space: space.id, parent: space.root, name: 'a' }));
    const seen = (await second.spaces(background)).find(({ id }) => id === space.id);
    t.match(seen, { writable: false, device: { id: (await first.device(background)).id } });
    t.match(await refused(second, mkdir({ space: space.id, parent: space.root, name: 'b' })), { code: 'forbidden' });
    await t.rejects(second.removeSpace(space.id, background), { code: 'EACCES' });
    await first.removeSpace(space.id, background);
    t.notOk((await first.spaces(background)).some(({ id }) => id === space.id));
  });

  t.test('the POSIX attributes of a node are returned unchanged, and replaced as a whole', async (t) => {
    const { first } = await make(t);
    const space = await first.openBackup('set', background);
    const place = { space: space.id, parent: space.root };
    const content = contentOf(noise(10));
    await first.upload(content.blocks, background);
    const made = await committed(
      first,
      mkdir({ ...place, name: 'folder' }, { posix: { ...POSIX, later: 1 } as typeof POSIX }),
      { ...symlink({ ...place, name: 'link' }, 'target'), posix: POSIX },
      put({ ...place, name: 'file' }, content.wire, { posix: POSIX }),
    );
    for (const node of made) t.same(node.posix, POSIX, node.kind);
    const seen = nodesOf(await all(first.snapshot(space.id, background)));
    for (const node of seen) t.same(node.posix, POSIX, 'without the fields that this version does not know');
    const [folder, , file] = made as [NodeRecord, NodeRecord, NodeRecord];
    const attr = { op: 'attr', space: space.id } as const;
    const next = put({ ...place, name: 'file' }, content.wire, { node: file.id, base: file.version });
    const changed = await committed(
      first,
      { ...attr, id: newId(), node: folder.id, posix: { v: 1, uid: 5 } },
      { ...attr, id: newId(), node: file.id, mode: 0o600 },
      next,
      { ...next, id: newId(), version: newId(), base: next.version, posix: { v: 2, gid: 6 } },
    );
    t.same(
      changed.map(({ posix }) => posix),
      [{ v: 1, uid: 5 }, POSIX, POSIX, { v: 2, gid: 6 }],
      'a change without POSIX attributes keeps them',
    );
    await committed(first, remove(space.id, file.id, changed.at(-1)?.version ?? '', 1000));
    t.same((await first.restoreTrash(file.id, background)).posix, { v: 2, gid: 6 });
  });

  t.test('the root folder of a backup has attributes, which only its device can set', async (t) => {
    const { first, second } = await make(t);
    const { id } = await first.openBackup('set', background);
    const attributes = { mode: 0o750, mtime: 1.5, birthtime: 1, xattrs: { 'user.a': 'AAE=' }, posix: POSIX };
    t.same((await first.setAttributes(id, attributes, background)).attributes, attributes);
    t.same((await second.spaces(background)).find((space) => space.id === id)?.attributes, attributes);
    t.same((await first.openBackup('set', background)).attributes, attributes);
    await t.rejects(second.setAttributes(id, attributes, background), { code: 'EACCES' });
    const bare = { mode: 0o700, mtime: 2, birthtime: 2 };
    t.same((await first.setAttributes(id, bare, background)).attributes, bare, 'replaced as a whole');
  });

  t.test('removing from the Archive needs the password', async (t) => {
    const { first, password } = await make(t);
    const space = await spaceOf(first, 'archive');
    const node = await store(first, space, 'kept', noise(10));
    t.match(await refused(first, remove(space.id, node.id, node.version, node.rev)), { code: 'forbidden' });
    await t.rejects(first.removeArchived(node.id, 'wrong', background), { code: 'EACCES' });
    await first.removeArchived(node.id, password, background);
    t.same(nodesOf(await all(first.snapshot(space.id, background))), []);
    await t.rejects(first.purgeTrash(node.id, undefined, background), { code: 'EACCES' });
    await t.rejects(first.purgeTrash(node.id, 'wrong', background), { code: 'EACCES' });
    await first.purgeTrash(node.id, password, background);
    t.same(await all(first.trash(background)), []);
  });

  t.test('usage counts blocks once', async (t) => {
    const { first } = await make(t);
    const space = await spaceOf(first, 'sync');
    const bytes = noise(5000);
    await store(first, space, 'a', bytes);
    await store(first, space, 'b', bytes);
    t.match(await first.usage(background), { used: 5000, spaces: { sync: 10_000 }, files: 2 });
  });

  t.test('push reports a new revision of a space', async (t) => {
    const { first, second } = await make(t);
    const space = await spaceOf(first, 'sync');
    const stop = new AbortController();
    const seen: Push[] = [];
    for await (const event of second.push({ signal: stop.signal })) {
      seen.push(event);
      if (seen.length === 1) await committed(first, mkdir({ space: space.id, parent: space.root, name: 'news' }));
      if (event.type === 'space') break;
    }
    t.match(seen.at(-1), { type: 'space', space: space.id, rev: 1 });
  });

  t.test('an aborted call throws EINTR', async (t) => {
    const { first } = await make(t);
    const aborted = { signal: AbortSignal.abort() };
    await t.rejects(first.spaces(aborted), { code: 'EINTR' });
    await t.rejects(all(first.push(aborted)), { code: 'EINTR' });
  });
}
