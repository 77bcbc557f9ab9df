import t from 'tap';
import { v7 as newId } from 'uuid';
import type { NodeRecord, TrashRecord } from '../../../src/cloud/records.ts';
import { Api } from '../../helpers/cloud-api.ts';
import { startTestCloud } from '../../helpers/cloud.ts';
import { contentOf, mkdir, noise, remove } from '../../helpers/intents.ts';

t.setTimeout(500_000);

const DAY = 24 * 60 * 60 * 1000;

t.test('the Trash contains a subtree as one item, which can be restored', async (t) => {
  const { url, login } = await startTestCloud(t);
  const api = new Api(url, await login());
  const sync = await api.space('sync');
  const place = (name: string, parent: string) => ({ space: sync.id, parent, name });
  const top = await api.done(mkdir(place('top', sync.root)));
  const sub = await api.done(mkdir(place('sub', top.id)));
  const file = await api.store({ ...sync, root: sub.id }, 'f.txt', noise(100));
  const inner = await api.store({ ...sync, root: sub.id }, 'g.txt', noise(50));
  await api.done(remove(sync.id, inner.id, inner.version, 0));
  const gone = await api.done(remove(sync.id, top.id, null, 0));
  const entries: TrashRecord[] = (await api.call('GET', '/v1/trash')).body;
  t.match(
    entries.map(({ path, size, files }) => [path, size, files]).sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
    [
      ['/top', 100, 1],
      ['/top/sub/g.txt', 50, 1],
    ],
    'a node that was removed before is a separate item',
  );
  t.match((await api.call('GET', '/v1/usage')).body, { used: 150, trash: 150, files: 0, spaces: { sync: 0 } });

  const back: NodeRecord = (await api.call('POST', `/v1/trash/${inner.id}/restore`)).body;
  t.equal(back.removed, false);
  const tree: NodeRecord[] = (await api.call('GET', `/v1/spaces/${sync.id}/snapshot`)).body.slice(0, -1);
  t.same(tree.map(({ name }) => name).sort(), ['g.txt', 'sub', 'top'], 'the folders above are recreated');
  t.notOk(
    tree.some(({ id }) => id === top.id || id === sub.id),
    'as new ones',
  );

  t.match((await api.call('POST', `/v1/trash/${top.id}/restore`)).body, { id: top.id, name: 'top (2)' });
  const feed: NodeRecord[] = (await api.call('GET', `/v1/spaces/${sync.id}/feed?since=${gone.rev}`)).body;
  const seen = new Set(feed.map(({ id }) => id));
  t.ok(
    [top.id, sub.id, file.id].every((id) => seen.has(id)),
    'followers see all of it again',
  );
  t.equal((await api.content(file.version ?? '')).length, 100);
  t.match((await api.call('GET', '/v1/usage')).body, { used: 150, trash: 0, files: 2, spaces: { sync: 150 } });
  t.match(await api.call('POST', `/v1/trash/${top.id}/restore`), { status: 404 });
});

t.test('purging removes everything below and frees the space', async (t) => {
  const { url, login, cloud } = await startTestCloud(t, { gcGrace: 0 });
  const api = new Api(url, await login());
  const sync = await api.space('sync');
  const top = await api.done(mkdir({ space: sync.id, parent: sync.root, name: 'top' }));
  const bytes = noise(1000);
  const file = await api.store({ ...sync, root: top.id }, 'f', bytes);
  await api.store(sync, 'twin', bytes);
  await api.store({ ...sync, root: top.id }, 'g', noise(70));
  const gone = await api.done(remove(sync.id, top.id, null, 0));
  t.equal((await api.call('DELETE', `/v1/trash/${top.id}`)).status, 204);
  t.equal((await api.call('DELETE', `/v1/trash/${top.id}`)).status, 404);
  t.same((await api.call('GET', '/v1/trash')).body, []);
  t.match((await api.call('GET', '/v1/usage')).body, { used: 1000, trash: 0, files: 1 });
  t.equal((await api.call('GET', `/v1/versions/${file.version}/content`)).status, 404);
  const feed: NodeRecord[] = (await api.call('GET', `/v1/spaces/${sync.id}/feed?since=0`)).body;
  t.match(
    feed.find(({ id }) => id === file.id),
    { removed: true },
    'a late follower gets every tombstone',
  );
  t.match(
    feed.find(({ id }) => id === top.id),
    { removed: true, rev: gone.rev },
  );
  await cloud.housekeep();
  t.match((await api.call('GET', '/v1/usage')).body, { used: 1000 });
});

t.test(
  'after thirty days an item is purged, after sixty its tombstone is deleted and old cursors expire',
  async (t) => {
    let time = Date.now();
    const { url, login, cloud } = await startTestCloud(t, { now: () => time });
    const api = new Api(url, await login());
    const sync = await api.space('sync');
    const file = await api.store(sync, 'f', noise(9));
    await api.done(remove(sync.id, file.id, file.version, 0));
    const last = await api.done(mkdir({ space: sync.id, parent: sync.root, name: 'stays' }));
    time += 29 * DAY;
    await cloud.housekeep();
    t.equal((await api.call('GET', '/v1/trash')).body.length, 1);
    time += 2 * DAY;
    await cloud.housekeep();
    t.equal((await api.call('GET', '/v1/trash')).body.length, 0);
    t.match((await api.call('GET', '/v1/usage')).body, { used: 0 });
    const feed = async (since: number) => api.call('GET', `/v1/spaces/${sync.id}/feed?since=${since}`);
    t.match((await feed(0)).body[0], { id: file.id, removed: true });
    time += 30 * DAY;
    await cloud.housekeep();
    t.match(await feed(0), { status: 410, body: { code: 'cursor_expired' } });
    t.match((await feed(last.rev)).body, [{ cursor: last.rev, more: false }], 'a newer cursor is valid');
    t.match(await feed(last.rev + 1), { status: 410 }, 'one from the future is not');
    t.match((await api.call('GET', `/v1/spaces/${sync.id}/snapshot`)).body, [{ id: last.id }, { cursor: last.rev }]);
  },
);

t.test('nothing is removed from the Archive without the password', async (t) => {
  const { url, login, password } = await startTestCloud(t);
  const api = new Api(url, await login());
  const archive = await api.space('archive');
  const file = await api.store(archive, 'f', noise(9));
  const ask = { node: file.id, password: 'wrong password' };
  t.match(await api.call('POST', '/v1/archive/remove', ask), { status: 401, body: { code: 'unauthorized' } });
  t.equal((await api.call('POST', '/v1/archive/remove', { node: file.id, password })).status, 204);
  t.match(await api.call('DELETE', `/v1/trash/${file.id}`), { status: 403 }, 'nor from its Trash');
  t.equal((await api.call('POST', `/v1/trash/${file.id}/restore`)).status, 200, 'but it can be restored');
  await api.call('POST', '/v1/archive/remove', { node: file.id, password });
  t.equal((await api.call('DELETE', `/v1/trash/${file.id}`, { password })).status, 204);
  const sync = await api.space('sync');
  const other = await api.store(sync, 'f', noise(9));
  t.equal((await api.call('POST', '/v1/archive/remove', { node: other.id, password })).status, 403);
});

t.test('nothing is removed from a backup without the password, except by its computer', async (t) => {
  const { url, login, password } = await startTestCloud(t);
  const [api, other] = [new Api(url, await login('a')), new Api(url, await login('b'))];
  const backup = (await api.call('POST', '/v1/spaces', { kind: 'backup', name: 'home' })).body;
  const file = await api.store(backup, 'f', noise(9));
  const remove = async (call: string, word: string) =>
    (await other.call('POST', `/v1/${call}/remove`, { node: file.id, password: word })).status;
  t.equal(await remove('backup', 'wrong password'), 401);
  t.equal(await remove('archive', password), 403, 'by the call that is for it');
  t.equal(await remove('backup', password), 204);
  t.match((await api.call('GET', `/v1/spaces/${backup.id}/feed?since=0`)).body[0], { id: file.id, removed: true });
  const restore = async (body?: object) => (await other.call('POST', `/v1/trash/${file.id}/restore`, body)).status;
  t.equal(await restore(), 403);
  t.equal(await restore({ password: 'wrong password' }), 401);
  t.equal(await restore({ password }), 200);
});

t.test('a file of a backup gets no new version without the password, except by its computer', async (t) => {
  const { url, login, password } = await startTestCloud(t);
  const [api, other] = [new Api(url, await login('a')), new Api(url, await login('b'))];
  const backup = (await api.call('POST', '/v1/spaces', { kind: 'backup', name: 'home' })).body;
  const file = await api.store(backup, 'f', noise(9), { mode: 0o640 });
  const bytes = noise(20);
  const content = contentOf(bytes).wire;
  const put = { version: newId(), mtime: 1e12, content };
  const replace = async (more: object) =>
    other.call('POST', '/v1/backup/replace', { node: file.id, base: file.version, password, ...more });
  const current = async () => (await api.call('GET', `/v1/nodes/${file.id}`)).body.node;
  t.match(await replace({ password: 'wrong password' }), { status: 401 }, 'told before the content is sent');
  t.match(await replace({}), { status: 200, body: { version: file.version } });
  t.match(await replace({ put, password: 'wrong password' }), { status: 401 });
  t.match(await replace({ put }), { status: 409, body: { code: 'blocks_missing' } });
  await other.upload(bytes);
  t.match(await replace({ put, base: newId() }), { status: 409, body: { code: 'conflict' } });
  t.same(await current(), file, 'nothing has changed so far');
  const wanted = { id: file.id, name: 'f', mode: 0o640, size: 20, mtime: 1e12, version: put.version };
  t.match(await replace({ put }), { status: 200, body: wanted });
  t.match(await replace({ put }), { status: 200, body: wanted }, 'also when it is sent again');
  t.match(await current(), wanted);
  t.equal((await api.call('GET', `/v1/nodes/${file.id}/versions`)).body.versions.length, 2);
  t.same(await api.content(put.version), bytes);

  const folder = await api.done(mkdir({ space: backup.id, parent: backup.root, name: 'folder' }));
  t.match(await replace({ node: folder.id, put }), { status: 409 });
  const outside = await api.store(await api.space('archive'), 'f', noise(9));
  t.match(await replace({ node: outside.id, base: outside.version }), { status: 403, body: { code: 'forbidden' } });
});

t.test('a removed backup goes to the Trash and can be restored', async (t) => {
  const { url, login } = await startTestCloud(t);
  const [api, other] = [new Api(url, await login('a')), new Api(url, await login('b'))];
  const open = async () => (await api.call('POST', '/v1/spaces', { kind: 'backup', name: 'home' })).body;
  const backup = await open();
  const file = await api.store(backup, 'f', noise(9));
  t.equal((await api.call('DELETE', `/v1/spaces/${backup.id}`)).status, 204);
  t.notOk((await api.spaces()).some(({ id }) => id === backup.id));
  t.equal((await api.call('GET', `/v1/spaces/${backup.id}/snapshot`)).status, 404);
  t.equal((await api.call('DELETE', `/v1/spaces/${backup.id}`)).status, 404);
  t.match(await other.call('POST', `/v1/trash/${file.id}/restore`), { status: 403 });
  t.match(await other.call('DELETE', `/v1/trash/${file.id}`), { status: 403 });
  t.match(await api.call('POST', `/v1/trash/${file.id}/restore`), { status: 200, body: { name: 'f' } });
  t.ok(
    (await api.spaces()).some(({ id }) => id === backup.id),
    'with its space',
  );
  await api.call('DELETE', `/v1/spaces/${backup.id}`);
  t.match(await open(), { id: backup.id });
  t.match(
    (await api.call('GET', `/v1/spaces/${backup.id}/snapshot`)).body,
    [{ more: false }],
    'opened anew it is empty',
  );
});
