import { v7 as newId } from 'uuid';
import t, { type Test } from 'tap';
import type { Intent, NodeRecord, SpaceRecord } from '../../../src/cloud/records.ts';
import { Api } from '../../helpers/cloud-api.ts';
import { startTestCloud } from '../../helpers/cloud.ts';
import { contentOf, mkdir, noise, put, remove, symlink } from '../../helpers/intents.ts';

t.setTimeout(500_000);

async function twoDevices(t: Test) {
  const { url, login } = await startTestCloud(t);
  const [api, other] = [new Api(url, await login('a')), new Api(url, await login('b'))];
  const sync = await api.space('sync');
  return { api, other, sync, here: (name: string, parent = sync.root) => ({ space: sync.id, parent, name }) };
}

function move(node: NodeRecord, parent: string, name: string, replace?: string): Intent {
  const from = { parent: node.parent, name: node.name };
  const target = replace === undefined ? {} : { replace };
  return { op: 'move', id: newId(), space: node.space, node: node.id, parent, name, from, ...target };
}

function next(node: NodeRecord, content: Uint8Array, base = node.version): Intent {
  const place = { space: node.space, parent: node.parent, name: node.name };
  return put(place, contentOf(content).wire, { node: node.id, base });
}

t.test('an intent is executed once, whatever happened in the meantime', async (t) => {
  const { api, other, here } = await twoDevices(t);
  const intent = mkdir(here('a'));
  const made = await api.done(intent);
  const moved = await api.done(move(made, made.parent, 'b'));
  t.ok(moved.rev > made.rev);
  t.same(await api.done(intent), made, 'the outcome is that of the first time');
  const twice = await api.commit(...[mkdir(here('c'))].flatMap((intent) => [intent, intent]));
  t.same(twice[0], twice[1], 'also inside one batch');
  t.equal(await other.refused(intent), 'conflict', 'ids belong to a device');
  const late = put(here('late'), contentOf(Buffer.from('late')).wire);
  t.equal(await api.refused(late), 'blocks_missing');
  await api.upload(Buffer.from('late'));
  t.equal((await api.done(late)).name, 'late', 'a refused intent is evaluated again');
});

t.test('a batch continues after refusals, and refused intents change nothing', async (t) => {
  const { api, here, sync } = await twoDevices(t);
  const folder = mkdir(here('folder'));
  const results = await api.commit(
    folder,
    mkdir(here('inside', folder.node)),
    mkdir(here('folder')),
    mkdir(here('orphan', 'nowhere')),
    symlink(here('link', folder.node), '../target'),
  );
  t.same(
    results.map((result) => (result.status === 'done' ? result.status : result.code)),
    ['done', 'done', 'exists', 'not_found', 'done'],
  );
  t.match(results[2], { current: { id: folder.node, name: 'folder' } });
  const { rev } = await api.space('sync');
  t.equal(rev, sync.rev + 3, 'only changes take revisions');
  t.match(results[4], { node: { kind: 'symlink', target: '../target', size: 9 } });
});

t.test('a put names the version that it replaces', async (t) => {
  const { api, other, sync } = await twoDevices(t);
  const [one, two, three] = [noise(10), noise(20), noise(30)];
  const made = await api.store(sync, 'f', one);
  for (const bytes of [two, three]) await api.upload(bytes);
  const second = await other.done(next(made, two));
  t.not(second.version, made.version);
  const [result] = await api.commit(next(made, three));
  t.match(result, { status: 'refused', code: 'conflict', current: { version: second.version, size: 20 } });
  const moved = await other.done(move(second, second.parent, 'g'));
  const third = await api.done(next(second, three));
  t.match(third, { name: 'g', size: 30, rev: moved.rev + 1 }, 'wherever the node is now');
  t.equal((await api.content(third.version ?? '')).equals(three), true);
  await api.done(remove(sync.id, third.id, third.version, 0));
  t.match((await api.commit(next(third, one)))[0], { code: 'gone', current: { id: third.id, removed: true } });
});

t.test('a node that replaces a file inherits its versions', async (t) => {
  const { api, sync, here } = await twoDevices(t);
  const versions = async (id: string) => (await api.call('GET', `/v1/nodes/${id}/versions`)).body.versions;
  const part = await api.store(sync, 'f.part', noise(5));
  const old = await api.store(sync, 'f', noise(6));
  const fresh = await api.done(move(part, sync.root, 'f', old.id));
  t.equal(fresh.id, part.id);
  t.same(
    (await versions(part.id)).map(({ id, current }: { id: string; current: boolean }) => [id, current]),
    [
      [part.version, true],
      [old.version, false],
    ],
    'the node keeps its version as the newest, although the other was written later',
  );
  const bytes = noise(7);
  await api.upload(bytes);
  const newest = await api.done(put(here('f'), contentOf(bytes).wire, { replace: part.id }));
  t.equal((await versions(newest.id)).length, 3);
  t.same((await api.call('GET', '/v1/trash')).body, [], 'and nothing is in the Trash');
  const feed = (await api.call('GET', `/v1/spaces/${sync.id}/feed?since=0`)).body;
  t.match(
    feed.filter(({ removed }: NodeRecord) => removed).map(({ id }: NodeRecord) => id),
    [old.id, part.id],
    'but followers are notified that the replaced nodes are removed',
  );
  for (let count = 0; count < 4; count += 1) {
    const again = noise(8);
    await api.upload(again);
    const { versions: kept } = (await api.call('GET', `/v1/nodes/${newest.id}/versions`)).body;
    await api.done(next({ ...newest, version: kept[0].id }, again));
  }
  t.equal((await versions(newest.id)).length, 5, 'five are kept');
});

t.test('moves check the old place and the name', async (t) => {
  const { api, here, sync } = await twoDevices(t);
  const [a, b] = [await api.done(mkdir(here('a'))), await api.done(mkdir(here('b')))];
  const c = await api.done(mkdir(here('c', a.id)));
  t.equal(await api.refused(move({ ...a, name: 'elsewhere' }, b.id, 'a')), 'conflict');
  t.equal(await api.refused(move(a, sync.root, 'b')), 'exists');
  t.equal(await api.refused(move(a, c.id, 'a')), 'conflict', 'a folder below itself');
  t.equal(await api.refused(move(a, a.id, 'a')), 'conflict', 'a folder in itself');
  t.equal(await api.refused(move(b, sync.root, 'a', a.id)), 'exists', 'over a folder that is not empty');
  t.match(await api.done(move(c, sync.root, 'b', b.id)), { name: 'b' }, 'over an empty one');
  const archive = await api.space('archive');
  t.equal(await api.refused(move(a, archive.root, 'a')), 'not_found', 'into another space');
  const file = await api.store(sync, 'f', noise(3));
  t.equal(await api.refused(move(file, sync.root, 'b', c.id)), 'exists', 'a file over a folder');
  t.equal(await api.refused(move(file, file.id, 'x')), 'not_a_folder', 'into itself, a file');
  t.equal(await api.refused(mkdir(here('x', file.id))), 'not_a_folder');
  t.match(await api.done(move(file, sync.root, 'F')), { name: 'F' }, 'another case is another name');
});

t.test('attributes change one by one', async (t) => {
  const { api, sync } = await twoDevices(t);
  const file = await api.store(sync, 'f', noise(3), { xattrs: { a: 'AA==', b: 'AQ==' } });
  const base = { op: 'attr', space: sync.id, node: file.id } as const;
  const changed = await api.done({ ...base, id: newId(), mode: 0o600, xattrs: { a: null, c: 'Ag==' } });
  t.match(changed, { mode: 0o600, mtime: file.mtime, version: file.version });
  t.same(changed.xattrs, { b: 'AQ==', c: 'Ag==' });
  t.match(await api.done({ ...base, id: newId(), mtime: 12.5, birthtime: -1 }), {
    mtime: 12.5,
    birthtime: -1,
    mode: 0o600,
  });
});

t.test('a removal is refused after a change by another device', async (t) => {
  const { api, other, here, sync } = await twoDevices(t);
  const folder = await api.done(mkdir(here('folder')));
  const sub = await api.done(mkdir(here('sub', folder.id)));
  const seen = sub.rev;
  await api.done(mkdir(here('mine', sub.id)));
  const [theirs] = await other.commit(mkdir(here('theirs', sub.id)));
  t.equal(await api.refused(remove(sync.id, folder.id, null, seen)), 'conflict');
  const rev = theirs?.status === 'done' ? theirs.node.rev : 0;
  const gone = await api.done(remove(sync.id, folder.id, null, rev));
  t.equal(gone.removed, true);
  t.match(await other.done(remove(sync.id, sub.id, null, 0)), { id: sub.id, removed: true }, 'removing again succeeds');
  t.equal(await other.refused(mkdir(here('late', sub.id))), 'gone');
  t.equal(await other.refused(remove(sync.id, 'unknown', null, 0)), 'not_found');
  const file = await api.store(sync, 'f', noise(3));
  t.equal(await api.refused(remove(sync.id, file.id, null, 0)), 'conflict');
  t.match(await api.done(mkdir(here('folder'))), { name: 'folder' }, 'the name is free again');
});

t.test('the revision of what is removed with its folder is that of the removal', async (t) => {
  const { api, here, sync } = await twoDevices(t);
  const folder = await api.done(mkdir(here('folder')));
  const sub = await api.done(mkdir(here('sub', folder.id)));
  const gone = await api.done(remove(sync.id, folder.id, null, sub.rev));
  t.match(await api.done(remove(sync.id, sub.id, null, sub.rev)), { id: sub.id, removed: true, rev: gone.rev });
});

t.test('a change by another device is not hidden by a later one of the device that removes the folder', async (t) => {
  const { api, other, here, sync } = await twoDevices(t);
  const folder = await api.done(mkdir(here('folder')));
  const file = await api.store(sync, 'f', noise(3));
  const seen = file.rev;
  const bytes = noise(4);
  await other.upload(bytes);
  const changed = await other.done(next(file, bytes));
  const moved = await api.done(move(file, folder.id, 'f'));
  await api.done({ op: 'attr', id: newId(), space: sync.id, node: file.id, mode: 0o600 });
  t.equal(moved.version, changed.version);
  t.equal(await api.refused(remove(sync.id, folder.id, null, seen)), 'conflict');
  t.equal((await api.done(remove(sync.id, folder.id, null, changed.rev))).removed, true, 'once it has been seen');
});

t.test('a file is not replaced if another version of it is current than the one that is named', async (t) => {
  const { api, here, sync } = await twoDevices(t);
  const bytes = noise(3);
  const old = await api.store(sync, 'f', bytes);
  const base = { replace: old.id, replaceBase: 'another' };
  t.equal(await api.refused(put(here('f'), contentOf(bytes).wire, base)), 'exists');
  const other = await api.store(sync, 'g', bytes);
  const moved = { ...move(other, sync.root, 'f', old.id), replaceBase: null } as Intent;
  t.equal(await api.refused(moved), 'exists');
  const done = await api.done({ ...moved, id: newId(), replaceBase: old.version } as Intent);
  t.match(done, { id: other.id, name: 'f' });
});

t.test('a folder that has to be empty is not removed with what is in it, whoever put that there', async (t) => {
  const { api, here, sync } = await twoDevices(t);
  const folder = await api.done(mkdir(here('folder')));
  const sub = await api.done(mkdir(here('sub', folder.id)));
  const rmdir = (): Intent => ({ ...remove(sync.id, folder.id, null, sub.rev), empty: true });
  t.equal(await api.refused(rmdir()), 'conflict');
  t.equal((await api.done(remove(sync.id, sub.id, null, sub.rev))).removed, true);
  t.equal((await api.done(rmdir())).removed, true);
});

t.test('each kind of space has its rule', async (t) => {
  const { api, other, sync } = await twoDevices(t);
  const archive = await api.space('archive');
  const backup: SpaceRecord = (await api.call('POST', '/v1/spaces', { kind: 'backup', name: 'home' })).body;
  t.same((await api.call('POST', '/v1/spaces', { kind: 'backup', name: 'home' })).body.id, backup.id, 'made once');
  const kept = await api.store(archive, 'a', noise(3));
  const base = { id: newId(), space: archive.id, node: kept.id };
  t.equal(await api.refused(move(kept, archive.root, 'b')), 'forbidden');
  t.equal(await api.refused(remove(archive.id, kept.id, kept.version, 99)), 'forbidden');
  t.equal(await api.refused({ ...base, op: 'attr', mode: 0 }), 'forbidden');
  const bytes = noise(4);
  await api.upload(bytes);
  const place = { space: archive.id, parent: archive.root, name: 'a' };
  t.equal(await api.refused(put(place, contentOf(bytes).wire, { replace: kept.id })), 'forbidden');
  let node = kept;
  for (let count = 0; count < 7; count += 1) node = await other.done(next(node, bytes));
  t.equal((await api.call('GET', `/v1/nodes/${kept.id}/versions`)).body.versions.length, 8, 'all versions stay');

  const mine = await api.store(backup, 'f', noise(5));
  const theirs = (await other.spaces()).find(({ id }) => id === backup.id);
  t.match(theirs, { writable: false, device: { name: 'a' } });
  await other.upload(bytes);
  t.equal(await other.refused(mkdir({ space: backup.id, parent: backup.root, name: 'x' })), 'forbidden');
  t.equal(await other.refused(next(mine, bytes)), 'forbidden');
  t.equal(await other.refused(move(mine, backup.root, 'g')), 'forbidden');
  t.equal(await other.refused(remove(backup.id, mine.id, mine.version, 99)), 'forbidden');
  t.match(await other.call('DELETE', `/v1/spaces/${backup.id}`), { status: 403 });
  t.match(await api.call('DELETE', `/v1/spaces/${sync.id}`), { status: 403 });
  const copy = await other.done(put({ space: sync.id, parent: sync.root, name: 'copy' }, { from: mine.version ?? '' }));
  t.equal((await other.content(copy.version ?? '')).length, 5, 'but every device may read and copy from it');
});

t.test('the result contains the state of the node that was to be replaced', async (t) => {
  const { api, here, sync } = await twoDevices(t);
  const [f, g, k] = [
    await api.done(mkdir(here('f'))),
    await api.done(mkdir(here('g'))),
    await api.done(mkdir(here('k'))),
  ];
  const away = await api.done(move(f, f.parent, 'h'));
  const intent = move(g, g.parent, 'f', f.id);
  const [alone] = await api.commit(intent);
  t.match(alone, { status: 'done', replaced: { id: f.id, name: 'h', removed: false, rev: away.rev } });
  await api.done(move(away, away.parent, 'i'));
  t.same(await api.commit(intent), [alone], 'sent again, the result is the same');
  const [refused] = await api.commit(move(k, k.parent, 'f', f.id));
  t.match(refused, { status: 'refused', code: 'exists', current: { id: g.id }, replaced: { id: f.id, name: 'i' } });
  const [taken] = await api.commit(move(k, k.parent, 'f', g.id));
  t.match(taken, { status: 'done', replaced: { id: g.id, removed: true } });
  await api.done(mkdir(here('below', away.id)));
  await api.done(remove(sync.id, f.id, null, Number.MAX_SAFE_INTEGER));
  const [gone] = await api.commit(mkdir(here('new'), { replace: f.id }));
  t.match(gone, { status: 'done', replaced: { id: f.id, removed: true } });
  const [unknown] = await api.commit(mkdir(here('newer'), { replace: 'never-was' }));
  t.equal(unknown?.replaced, undefined);
});

t.test('symlinks and folders can replace permitted nodes', async (t) => {
  const { api, here } = await twoDevices(t);
  const bytes = noise(9);
  await api.upload(bytes);
  const file = await api.done(put(here('f'), contentOf(bytes).wire));
  const link = await api.done({ ...symlink(here('f'), 'one'), replace: file.id });
  t.match(
    (await api.call('GET', '/v1/trash')).body,
    [{ node: { id: file.id } }],
    'a file is in the Trash with its versions',
  );
  const other = await api.done({ ...symlink(here('f'), 'two'), replace: link.id });
  t.match(other, { kind: 'symlink', target: 'two' });
  t.equal((await api.call('GET', '/v1/trash')).body.length, 1, 'a symlink does not');
  t.equal(await api.refused(mkdir(here('f'), { replace: other.id })), 'exists', 'a folder replaces folders only');
  const folder = await api.done(mkdir(here('d')));
  await api.done(mkdir(here('in', folder.id)));
  t.equal(await api.refused(mkdir(here('d'), { replace: folder.id })), 'exists', 'and only empty ones');
  const [empty] = await api.commit(mkdir(here('in', folder.id), { replace: (await child(api, folder.id)).id }));
  t.match(empty, { status: 'done', replaced: { removed: true } });
});

async function child(api: Api, parent: string): Promise<NodeRecord> {
  const { id } = await api.space('sync');
  const nodes: NodeRecord[] = (await api.call('GET', `/v1/spaces/${id}/feed?since=0`)).body;
  const found = nodes.find((node) => node.parent === parent && !node.removed);
  if (found === undefined) throw new Error('no child');
  return found;
}
