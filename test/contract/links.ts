import type { Test } from 'tap';
import type { LinkRecord, NodeRecord, SpaceRecord } from '../../src/cloud/records.ts';
import { Api, type Answer } from '../helpers/cloud-api.ts';
import { login as loginAs, type TestCloud } from '../helpers/cloud.ts';
import { contentOf, mkdir, put, remove } from '../helpers/intents.ts';

const PASSWORD = 'long enough it is';
const DAY = 24 * 60 * 60 * 1000;

/** A new cloud, whose clock a test may move. */
type Make = (t: Test, options?: { readonly now?: () => number; readonly quota?: number }) => Promise<TestCloud>;

interface Rig {
  readonly cloud: TestCloud;
  readonly ada: Api;
  readonly bob: Api;
  readonly eve: Api;
  readonly sync: SpaceRecord;
  readonly folder: NodeRecord;
  readonly file: NodeRecord;
}

/** What the service must do with public links, on every database. */
export function linksContract(t: Test, make: Make): void {
  t.test('a link is made, listed, opened and removed; after that it opens nothing at once', async (t) => {
    const { cloud, ada, eve, file, folder } = await rig(t, make);
    const link = await made(ada, { node: file.id });
    t.match(link, { node: file.id, name: 'plan.txt', kind: 'file', upload: false, password: false, active: true });
    t.match(link, { by: 'ada@example.org' });
    t.match(link.token, /^[\w-]{22}$/, '128 bits');
    t.not((await made(ada, { node: file.id })).token, link.token);
    t.equal((await ada.call('GET', '/v1/links')).body.links.length, 2);
    t.same((await eve.call('GET', '/v1/links')).body.links, [], 'an account sees its own');
    t.match(await visit(cloud, link), { status: 200, text: 'the plan' });
    t.match(await eve.call('DELETE', `/v1/links/${link.id}`), { status: 404 });
    t.match(await ada.call('DELETE', `/v1/links/${link.id}`), { status: 204 });
    t.match(await visit(cloud, link), { status: 404 });
    t.match(await ada.call('DELETE', `/v1/links/${link.id}`), { status: 404 });
    t.match(await visit(cloud, { token: 'A'.repeat(22) }), { status: 404 });
    t.match(await visit(cloud, { token: '..%2f..%2fetc' }), { status: 404 });
    t.match(await eve.call('POST', '/v1/links', { node: folder.id }), { status: 404 }, "another account's node");
  });

  t.test('what cannot be linked', async (t) => {
    const { ada, sync, file, folder } = await rig(t, make);
    const archive = await ada.space('archive');
    const sealed = await ada.store(archive, 'x', Buffer.from('x'));
    const gone = await ada.done(mkdir({ space: sync.id, parent: sync.root, name: 'gone' }));
    await ada.done(remove(sync.id, gone.id, null, 1000));
    const post = async (body: object) => (await ada.call('POST', '/v1/links', body)).status;
    t.equal(await post({ node: sealed.id }), 403);
    t.equal(await post({ node: gone.id }), 410);
    t.equal(await post({ node: sync.root }), 404);
    t.equal(await post({ node: file.id, upload: true }), 409);
    t.equal(await post({ node: folder.id, expires: 1 }), 400);
    t.equal(await post({ node: folder.id, password: '' }), 400);
  });

  t.test('a link ends when its time is over, and housekeeping forgets it', async (t) => {
    let now = Date.now();
    const { cloud, ada, file } = await rig(t, make, () => now);
    const link = await made(ada, { node: file.id, expires: now + DAY });
    t.equal(link.expires, now + DAY);
    t.match(await visit(cloud, link), { status: 200 });
    now += DAY;
    t.match(await visit(cloud, link), { status: 404 });
    t.same((await ada.call('GET', '/v1/links')).body.links, []);
    await cloud.cloud.housekeep();
    now -= 1;
    t.same((await ada.call('GET', '/v1/links')).body.links, []);
  });

  t.test('a link follows its node, and opens nothing while that is in the Trash', async (t) => {
    const { cloud, ada, sync, file, folder } = await rig(t, make);
    const [link, ofFolder] = [await made(ada, { node: file.id }), await made(ada, { node: folder.id })];
    const place = { parent: sync.root, name: 'moved.txt' };
    const from = { parent: folder.id, name: 'plan.txt' };
    t.match(await visit(cloud, ofFolder, `/n/${file.id}`), { status: 200 });
    await ada.done({ op: 'move', id: crypto.randomUUID(), space: sync.id, node: file.id, from, ...place });
    t.match(await visit(cloud, link), { status: 200 });
    t.match(await visit(cloud, ofFolder, `/n/${file.id}`), { status: 404 }, 'it left the linked folder');
    await ada.done(remove(sync.id, file.id, file.version, 1000));
    t.match(await visit(cloud, link), { status: 404 });
    t.match((await ada.call('GET', '/v1/links')).body.links, [{ active: true }, { id: link.id, active: false }]);
    await ada.call('POST', `/v1/trash/${file.id}/restore`);
    t.match(await visit(cloud, link), { status: 200 });
    await ada.done(remove(sync.id, file.id, file.version, 1000));
    await ada.call('DELETE', `/v1/trash/${file.id}`);
    await cloud.cloud.housekeep();
    t.match((await ada.call('GET', '/v1/links')).body.links, [{ id: ofFolder.id }]);
    t.equal((await ada.call('GET', '/v1/links')).body.links.length, 1);
  });

  t.test('an editor links into a shared folder, a viewer does not; the owner sees and ends it', async (t) => {
    const { cloud, ada, bob, eve, folder, file } = await rig(t, make);
    const space = await shared(ada, bob, folder, 'editor');
    await ada.call('POST', '/v1/shares', { node: folder.id, email: 'eve@example.org', role: 'viewer' });
    await eve.call('POST', `/v1/shares/${space}/accept`);
    t.match(await eve.call('POST', '/v1/links', { node: file.id }), { status: 403 });
    const place = (await eve.spaces()).find(({ id }) => id === space)?.place;
    t.match(await eve.call('POST', '/v1/links', { node: place }), { status: 403 }, 'nor by its own folder of it');
    const link = await made(bob, { node: file.id });
    t.match(await visit(cloud, link), { status: 200 });
    t.match((await ada.call('GET', '/v1/links')).body.links, [{ id: link.id, by: 'bob@example.org' }]);
    t.same((await eve.call('GET', '/v1/links')).body.links, []);
    await ada.call('POST', '/v1/shares', { node: folder.id, email: 'bob@example.org', role: 'viewer' });
    t.match(await visit(cloud, link), { status: 404 }, 'who may not link any more has no links');
    await ada.call('POST', '/v1/shares', { node: folder.id, email: 'bob@example.org', role: 'editor' });
    t.match(await visit(cloud, link), { status: 200 });
    t.match(await eve.call('DELETE', `/v1/links/${link.id}`), { status: 404 });
    t.match(await ada.call('DELETE', `/v1/links/${link.id}`), { status: 204 });
    t.match(await visit(cloud, link), { status: 404 });
    const again = await made(bob, { node: file.id });
    await ada.call('POST', `/v1/shares/${space}/revoke`, { email: 'bob@example.org' });
    t.match(await visit(cloud, again), { status: 404 });
    t.match(await ada.call('POST', '/v1/links', { node: folder.id, upload: true }), { status: 403 });
    t.match(await visit(cloud, await made(ada, { node: folder.id })), { status: 200, text: /plan\.txt/ });
  });

  t.test('files are taken, under a free name, at the same time too, and counted to the owner', async (t) => {
    const { cloud, ada, sync, folder, file } = await rig(t, make, Date.now, 40_000);
    const link = await made(ada, { node: folder.id, upload: true });
    const send = async (name: string, bytes: Buffer) =>
      (await fetch(`${cloud.url}/l/${link.token}/${name}`, { method: 'PUT', body: bytes })).status;
    const { used } = (await ada.call('GET', '/v1/usage')).body;
    const bytes = Buffer.alloc(1000, 'x');
    t.same(
      await Promise.all([send('plan.txt', bytes), send('plan.txt', bytes), send('plan.txt', bytes)]),
      [201, 201, 201],
    );
    t.equal((await ada.call('GET', '/v1/usage')).body.used, used + 1000);
    const names = async () =>
      (await ada.call('GET', `/v1/nodes/${folder.id}/children`)).body.map(({ name }: NodeRecord) => name);
    t.same(await names(), ['plan (2).txt', 'plan (3).txt', 'plan (4).txt', 'plan.txt']);
    t.equal((await ada.content(file.version ?? '')).toString(), 'the plan', 'nothing was replaced');
    t.equal(await send('large', Buffer.alloc(50_000)), 507);
    t.equal(await send('..', bytes), 404, 'as an address it is another one');
    t.equal(await send('a%2F..%2F..%2Fevil', bytes), 201);
    t.ok((await names()).includes('evil'), 'and as a part of a name it is cut off');
    t.equal((await names()).length, 5);
    t.match(await visit(cloud, link), { status: 200 });
    t.notMatch((await visit(cloud, link)).text, 'plan.txt', 'what is there is not shown');
    for (const path of [`/n/${file.id}`, '/zip', '/plan.txt', `/n/${folder.id}/zip`]) {
      t.match(await visit(cloud, link, path), { status: 404 }, path);
    }
    t.match(await fetch(`${cloud.url}/l/${link.token}/plan.txt`, { method: 'DELETE' }), { status: 404 });
    await shared(ada, ada, folder, 'viewer');
    t.equal(await send('x', bytes), 404, 'a folder that is shared now takes none');
    t.equal((await ada.space('sync')).id, sync.id);
  });
}

async function rig(t: Test, make: Make, now = Date.now, quota?: number): Promise<Rig> {
  const cloud = await make(t, { now, ...(quota === undefined ? {} : { quota }) });
  const others = [];
  for (const email of ['bob@example.org', 'eve@example.org']) {
    await cloud.cloud.accounts.add(email, PASSWORD);
    others.push(new Api(cloud.url, await loginAs(cloud.url, email, PASSWORD)));
  }
  const [bob, eve] = others as [Api, Api];
  const ada = new Api(cloud.url, await cloud.login());
  const sync = await ada.space('sync');
  const folder = await ada.done(mkdir({ space: sync.id, parent: sync.root, name: 'Team' }));
  const bytes = Buffer.from('the plan');
  await ada.upload(bytes);
  const file = await ada.done(put({ space: sync.id, parent: folder.id, name: 'plan.txt' }, contentOf(bytes).wire));
  return { cloud, ada, bob, eve, sync, folder, file };
}

async function made(api: Api, body: object): Promise<LinkRecord> {
  const answer: Answer = await api.call('POST', '/v1/links', body);
  if (answer.status !== 200) throw new Error(`link: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

async function visit(
  { url }: TestCloud,
  { token }: Pick<LinkRecord, 'token'>,
  path = '',
): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${url}/l/${token}${path}`);
  return { status: answer.status, text: await answer.text() };
}

async function shared(ada: Api, member: Api, folder: NodeRecord, role: 'editor' | 'viewer'): Promise<string> {
  const email = member === ada ? 'nobody@example.org' : 'bob@example.org';
  const { space } = (await ada.call('POST', '/v1/shares', { node: folder.id, email, role })).body;
  if (member !== ada) await member.call('POST', `/v1/shares/${space}/accept`);
  return space;
}
