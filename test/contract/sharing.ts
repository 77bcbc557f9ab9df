import type { Test } from 'tap';
import { v7 as newId } from 'uuid';
import type { NodeRecord, ShareRecord, SpaceRecord } from '../../src/cloud/records.ts';
import { Api, framesOf } from '../helpers/cloud-api.ts';
import { login as loginAs, type TestCloud } from '../helpers/cloud.ts';
import { contentOf, mkdir, noise, put, remove } from '../helpers/intents.ts';

const PASSWORD = 'long enough it is';

/** A new cloud, with quota in bytes for each account. */
type Make = (t: Test, options?: { readonly quota?: number }) => Promise<TestCloud>;

interface Rig {
  readonly ada: Api;
  readonly bob: Api;
  readonly eve: Api;
  readonly sync: SpaceRecord;
  readonly folder: NodeRecord;
  readonly file: NodeRecord;
  readonly bytes: Buffer;
}

/** What the service must do with shared folders, on every database. */
export function sharingContract(t: Test, make: Make): void {
  t.test('a folder is shared without a byte being sent, and each change reaches all members', async (t) => {
    const { ada, bob, sync, folder, file, bytes } = await rig(t, make);
    const used = (await ada.call('GET', '/v1/usage')).body.used;
    const space = await shared({ ada, bob, folder });
    t.equal((await ada.call('GET', '/v1/usage')).body.used, used, 'it is counted as before');
    t.equal((await bob.call('GET', '/v1/usage')).body.used, 0, 'and to the owner alone');
    t.match(space, { kind: 'shared', role: 'editor', writable: true });
    const nodes = await snapshot(bob, space);
    t.same(
      nodes.map(({ name, id, parent }) => [name, id, parent]),
      [['report', file.id, space.root]],
    );
    t.same(await bob.content(file.version ?? ''), bytes);
    const place = (await snapshot(bob, await bob.space('sync'))).find(({ id }) => id === space.place);
    t.match(place, { name: 'Team', mount: space.id, kind: 'folder' });
    t.match(
      (await snapshot(ada, sync)).map(({ name, mount }) => [name, mount]),
      [['Team', space.id]],
      'the owner has the space under the folder',
    );

    const more = noise(2000);
    await upload(bob, space, more);
    const made = await bob.done(put({ space: space.id, parent: space.root, name: 'from bob' }, contentOf(more).wire));
    t.same(await ada.content(made.version ?? ''), more);
    t.equal((await ada.call('GET', '/v1/usage')).body.used, used + 2000);
    t.equal((await bob.call('GET', '/v1/usage')).body.used, 0);
    const feed = await ada.call('GET', `/v1/spaces/${space.id}/feed?since=${space.rev}`);
    t.match(feed.body, [{ name: 'from bob' }, { cursor: made.rev }]);

    await bob.done(remove(space.id, file.id, file.version, 1000));
    t.same(
      (await ada.call('GET', '/v1/trash')).body.map((item: { node: NodeRecord }) => item.node.id),
      [file.id],
      'what is removed is in the Trash of the owner',
    );
    t.same((await bob.call('GET', '/v1/trash')).body, []);
  });

  t.test('versions stay in their order when a file comes to a space with lower revisions', async (t) => {
    const { ada, bob, sync, folder, file } = await rig(t, make);
    for (let n = 0; n < 20; n++) await ada.done(mkdir({ space: sync.id, parent: sync.root, name: `${n}` }));
    const first = noise(100);
    await ada.upload(first);
    const place = { space: sync.id, parent: folder.id, name: 'report' };
    let last = await ada.done(put(place, contentOf(first).wire, { node: file.id, base: file.version }));
    const made = [file.version, last.version];
    const space = await shared({ ada, bob, folder });
    for (let n = 0; n < 6; n++) {
      const bytes = noise(200 + n);
      await upload(bob, space, bytes);
      const to = { space: space.id, parent: space.root, name: 'report' };
      last = await bob.done(put(to, contentOf(bytes).wire, { node: file.id, base: last.version }));
      made.push(last.version);
      t.same(await ada.content(last.version ?? ''), bytes, 'the newest is kept');
    }
    const kept = (await ada.call('GET', `/v1/nodes/${file.id}/versions`)).body.versions.map(
      ({ id }: { id: string }) => id,
    );
    t.same(kept, made.filter((id) => kept.includes(id)).toReversed(), 'newest first');
    t.equal(kept[0], last.version);
  });

  t.test('an invitation is seen by its account, and by no other; it is accepted or declined', async (t) => {
    const { ada, bob, eve, folder } = await rig(t, make);
    const { space } = await invite(ada, folder, 'bob@example.org');
    t.match(await shares(bob), [{ space, name: 'Team', owner: 'ada@example.org', role: 'editor', accepted: false }]);
    t.same(await shares(eve), []);
    t.notOk(
      (await bob.spaces()).some(({ id }) => id === space),
      'before that it opens nothing',
    );
    t.match(await bob.call('GET', `/v1/spaces/${space}/snapshot`), { status: 404 });
    t.match(await eve.call('POST', `/v1/shares/${space}/accept`), { status: 404 });
    t.match(await bob.call('POST', `/v1/shares/${space}/leave`), { status: 204 });
    t.same(await shares(bob), []);
    t.match(await bob.call('POST', `/v1/shares/${space}/accept`), { status: 404 });
    t.match(await shares(ada), [{ members: [{ email: 'ada@example.org', role: 'owner' }] }]);
    t.match(await ada.call('POST', '/v1/shares', { node: folder.id, email: 'ada@example.org', role: 'viewer' }), {
      status: 400,
    });
    t.match(await ada.call('POST', '/v1/shares', { node: folder.id, email: 'x@example.org', role: 'owner' }), {
      status: 400,
    });
  });

  t.test('a viewer reads, and writes by no intent', async (t) => {
    const { ada, bob, folder, file, bytes } = await rig(t, make);
    const space = await shared({ ada, bob, folder, role: 'viewer' });
    t.match(space, { role: 'viewer', writable: false });
    t.same(await bob.content(file.version ?? ''), bytes);
    const place = { space: space.id, parent: space.root, name: 'x' };
    const mine = await bob.store(await bob.space('sync'), 'mine', noise(10));
    const from = { parent: space.root, name: 'report' };
    const own = await bob.space('sync');
    const intents = [
      mkdir(place),
      put(place, contentOf(Buffer.alloc(0)).wire),
      put(place, { from: file.version ?? '' }),
      put(place, contentOf(bytes).wire, { node: file.id, base: file.version }),
      { op: 'symlink', id: newId(), node: newId(), ...place, mode: 0o777, mtime: 1, birthtime: 1, target: 'x' },
      { op: 'move', id: newId(), node: file.id, ...place, from },
      {
        op: 'move',
        id: newId(),
        node: file.id,
        space: space.id,
        targetSpace: own.id,
        parent: own.root,
        name: 'x',
        from,
      },
      {
        op: 'move',
        id: newId(),
        node: mine.id,
        space: own.id,
        targetSpace: space.id,
        parent: space.root,
        name: 'mine',
        from: { parent: own.root, name: 'mine' },
      },
      { op: 'attr', id: newId(), space: space.id, node: file.id, mode: 0 },
      remove(space.id, file.id, file.version, 1000),
    ] as const;
    for (const intent of intents) t.equal(await bob.refused(intent), 'forbidden', intent.op);
    t.match(await bob.call('POST', `/v1/blocks?space=${space.id}`, framesOf(noise(10))), { status: 403 });
    t.match(await bob.call('POST', `/v1/nodes/${file.id}/versions/${file.version}/restore`), { status: 403 });
    for (const path of ['', '/revoke']) {
      const body = path === '' ? undefined : { email: 'bob@example.org' };
      const method = path === '' ? 'DELETE' : 'POST';
      t.match(await bob.call(method, `/v1/shares/${space.id}${path}`, body), { status: 403 }, path);
    }
    t.equal((await snapshot(ada, space)).length, 1, 'all is as it was');
    await invite(ada, folder, 'bob@example.org', 'editor');
    await bob.done(mkdir(place));
    t.pass('the role is changed by sharing again');
  });

  t.test('the ids of a shared space open nothing to others, on any route, nor after leaving', async (t) => {
    const { ada, bob, eve, folder, file, bytes } = await rig(t, make);
    const space = await shared({ ada, bob, folder });
    const calls: [string, string, unknown?][] = [
      ['GET', `/v1/spaces/${space.id}/snapshot`],
      ['GET', `/v1/spaces/${space.id}/feed?since=0`],
      ['POST', `/v1/blocks/missing?space=${space.id}`, { digests: '' }],
      ['POST', `/v1/blocks?space=${space.id}`, framesOf(noise(10))],
      ['POST', '/v1/blocks/read', { blocks: [{ version: file.version, index: 0 }] }],
      ['GET', `/v1/versions/${file.version}/blocks`],
      ['GET', `/v1/versions/${file.version}/content`],
      ['GET', `/v1/nodes/${file.id}/versions`],
      ['POST', `/v1/nodes/${file.id}/versions/${file.version}/restore`],
      ['POST', '/v1/shares', { node: folder.id, email: 'x@example.org', role: 'editor' }],
      ['POST', '/v1/shares', { node: file.id, email: 'x@example.org', role: 'editor' }],
      ['DELETE', `/v1/shares/${space.id}`],
      ['POST', `/v1/shares/${space.id}/accept`],
      ['POST', `/v1/shares/${space.id}/leave`],
      ['POST', `/v1/shares/${space.id}/revoke`, { email: 'bob@example.org' }],
    ];
    const closed = async (api: Api): Promise<void> => {
      for (const [method, path, body] of calls) {
        const answer = await api.call(method, path, body);
        t.match(answer, { status: 404, body: { code: 'not_found' } }, `${method} ${path}`);
      }
      const place = { space: space.id, parent: space.root, name: 'x' };
      t.equal(await api.refused(mkdir(place)), 'not_found');
      t.equal(await api.refused(put(place, contentOf(bytes).wire)), 'not_found');
      t.equal(await api.refused(remove(space.id, file.id, file.version, 1000)), 'not_found');
      const own = await api.space('sync');
      const intoOwn = { space: own.id, parent: own.root, name: 'x' };
      t.equal(await api.refused(put(intoOwn, { from: file.version ?? '' })), 'not_found');
      t.equal(await api.refused(mkdir({ ...intoOwn, parent: space.root })), 'not_found');
      t.equal(
        await api.refused({
          op: 'move',
          id: newId(),
          node: file.id,
          space: space.id,
          targetSpace: own.id,
          parent: own.root,
          name: 'x',
          from: { parent: space.root, name: 'report' },
        }),
        'not_found',
      );
    };
    await closed(eve);
    t.match(await bob.call('POST', `/v1/shares/${space.id}/leave`), { status: 204 });
    t.notOk((await snapshot(bob, await bob.space('sync'))).some(({ mount }) => mount !== undefined));
    await closed(bob);
    t.equal((await snapshot(ada, space)).length, 1, 'all is as it was');
  });

  t.test('a member learns and reads nothing of what the owner stores elsewhere', async (t) => {
    const { ada, bob, sync, folder, bytes } = await rig(t, make);
    const secret = noise(3000);
    await ada.store(sync, 'secret', secret);
    const space = await shared({ ada, bob, folder });
    const place = { space: space.id, parent: space.root, name: 'x' };
    const own = await bob.space('sync');
    t.same(await missing(bob, space, secret), contentOf(secret).digests, 'it is asked for');
    t.same(await missing(bob, space, bytes), Buffer.alloc(0), 'what is in the folder is not');
    t.equal(await bob.refused(put(place, contentOf(secret).wire)), 'blocks_missing', 'a digest opens nothing');
    const digest = contentOf(secret).blocks[0]?.digest ?? '';
    const forged = Buffer.concat([lengthOf(5), Buffer.from(digest, 'hex'), Buffer.from('hello')]);
    t.match(await bob.call('POST', `/v1/blocks?space=${space.id}`, forged), { status: 422 }, 'nor with other bytes');
    t.equal(await bob.refused(put(place, contentOf(secret).wire)), 'blocks_missing');
    t.same(await missing(bob, space, secret), contentOf(secret).digests);
    t.same(await missing(bob, own, secret), contentOf(secret).digests);
    await upload(bob, space, secret);
    await bob.done(put(place, contentOf(secret).wire));
    t.pass('with the bytes it is written');
    const known = noise(500);
    await bob.store(own, 'known', known);
    t.same(await missing(bob, space, known), Buffer.alloc(0), 'what the asking account has is not asked for');
    const made = await bob.done(put({ ...place, name: 'known' }, contentOf(known).wire));
    t.same(await ada.content(made.version ?? ''), known);
  });

  t.test('a node moves into, out of and between shared folders under its id, and asks for no bytes', async (t) => {
    const { ada, bob, eve, folder, file, bytes } = await rig(t, make);
    const space = await shared({ ada, bob, folder });
    const other = await bob.done(mkdir({ ...rootOf(await bob.space('sync')), name: 'Bob' }));
    await invite(bob, other, 'eve@example.org');
    const bobs = (await bob.spaces()).find(({ place }) => place === other.id) as SpaceRecord;
    await bob.call('POST', `/v1/shares/${bobs.id}/accept`);
    await eve.call('POST', `/v1/shares/${bobs.id}/accept`);
    const sub = await bob.done(mkdir({ ...rootOf(space), name: 'sub' }));
    const inner = { parent: sub.id, name: 'report' };
    await bob.done({
      op: 'move',
      id: newId(),
      space: space.id,
      node: file.id,
      ...inner,
      from: { parent: space.root, name: 'report' },
    });
    const moved = await bob.done({
      op: 'move',
      id: newId(),
      space: space.id,
      targetSpace: bobs.id,
      node: sub.id,
      parent: bobs.root,
      name: 'moved',
      from: { parent: space.root, name: 'sub' },
    });
    t.match(moved, { id: sub.id, space: bobs.id });
    t.same((await snapshot(ada, space)).length, 0);
    t.match(await ada.call('GET', `/v1/versions/${file.version}/content`), { status: 404 }, 'the owner lost it');
    t.same(await eve.content(file.version ?? ''), bytes, 'and the members of the other folder have it');
    t.equal((await ada.call('GET', '/v1/usage')).body.used, 0);
    t.equal((await bob.call('GET', '/v1/usage')).body.used, bytes.length);
    const gone = (await feedOf(ada, space, 0)).find(({ id }) => id === sub.id);
    t.match(gone, { removed: true, movedTo: undefined }, 'who has not the other folder does not learn of it');
    t.match(
      (await feedOf(bob, space, 0)).find(({ id }) => id === sub.id),
      { removed: true, movedTo: bobs.id },
    );
    const back = {
      op: 'move',
      id: newId(),
      space: bobs.id,
      targetSpace: space.id,
      node: file.id,
      parent: space.root,
      name: 'report',
      from: inner,
    } as const;
    t.equal(await eve.refused({ ...back, id: newId() }), 'not_found', 'only to where one may write');
    await bob.done(back);
    t.same(await ada.content(file.version ?? ''), bytes);
    t.equal((await bob.call('GET', '/v1/usage')).body.used, 0);
    t.equal((await ada.call('GET', '/v1/usage')).body.used, bytes.length);
    t.match(
      (await feedOf(ada, space, 0)).filter(({ id }) => id === file.id),
      [{ removed: false }],
    );
    const archive = await bob.space('archive');
    t.equal(
      await bob.refused({
        ...back,
        id: newId(),
        space: space.id,
        targetSpace: archive.id,
        from: { ...rootOf(space), name: 'report' },
        parent: archive.root,
      }),
      'forbidden',
    );
  });

  t.test('shared folders do not nest, and are neither replaced nor moved into others', async (t) => {
    const { ada, bob, sync, folder } = await rig(t, make);
    const outer = await ada.done(mkdir({ ...rootOf(sync), name: 'outer' }));
    const inner = await ada.done(mkdir({ space: sync.id, parent: folder.id, name: 'inner' }));
    const space = await shared({ ada, bob, folder });
    const refuse = async (node: string, pattern: RegExp): Promise<void> => {
      const answer = await ada.call('POST', '/v1/shares', { node, email: 'eve@example.org', role: 'editor' });
      t.match(answer, { status: 403, body: { message: pattern } });
    };
    await refuse(inner.id, /nest/);
    const move = { op: 'move', space: sync.id, node: folder.id, from: { parent: sync.root, name: 'Team' } } as const;
    await ada.done({ ...move, id: newId(), parent: outer.id, name: 'Ours' });
    await refuse(outer.id, /nest/);
    t.equal(await ada.refused(remove(sync.id, outer.id, null, 1000)), 'forbidden', 'nor removed with what is above it');
    t.equal(await ada.refused(remove(sync.id, folder.id, null, 1000)), 'forbidden');
    t.equal(await ada.refused(mkdir({ space: sync.id, parent: folder.id, name: 'x' })), 'unavailable');
    t.equal(
      await ada.refused(mkdir({ space: sync.id, parent: outer.id, name: 'Ours' }, { replace: folder.id })),
      'exists',
    );
    const into = { targetSpace: space.id, parent: space.root, name: 'x' };
    t.equal(
      await ada.refused({ ...move, id: newId(), node: outer.id, ...into, from: { parent: sync.root, name: 'outer' } }),
      'forbidden',
    );
    t.match(await shares(ada), [{ name: 'Ours' }]);
    t.match(await shares(bob), [{ name: 'Team' }], 'each member has a name of its own for it');
    const own = await bob.space('sync');
    const box = await bob.done(mkdir({ ...rootOf(own), name: 'box' }));
    await bob.done({
      op: 'move',
      id: newId(),
      space: own.id,
      node: space.place ?? '',
      parent: box.id,
      name: 'theirs',
      from: { parent: own.root, name: 'Team' },
    });
    await bob.done(remove(own.id, box.id, null, 1000));
    t.same(await shares(bob), [], 'a member leaves by removing the folder, or one above it');
    t.equal((await snapshot(ada, space)).length, 2, 'which removes nothing in it');
    t.match(await bob.call('POST', `/v1/trash/${box.id}/restore`), { status: 200 });
    t.notOk(
      (await bob.spaces()).some(({ id }) => id === space.id),
      'and the Trash does not bring it back',
    );
  });

  t.test('the owner revokes, and stops sharing: the folder is one of Sync again', async (t) => {
    const { ada, bob, eve, sync, folder, file, bytes } = await rig(t, make);
    const trashed = await ada.store({ ...sync, root: folder.id }, 'trashed', noise(70));
    await ada.done(remove(sync.id, trashed.id, trashed.version, 1000));
    const before = (await ada.call('GET', '/v1/usage')).body;
    const space = await shared({ ada, bob, folder });
    await invite(ada, folder, 'eve@example.org');
    await eve.call('POST', `/v1/shares/${space.id}/accept`);
    t.match(await ada.call('POST', `/v1/shares/${space.id}/revoke`, { email: 'ada@example.org' }), { status: 403 });
    t.match(await ada.call('POST', `/v1/shares/${space.id}/revoke`, { email: 'Eve@example.org' }), { status: 204 });
    t.match(await eve.call('GET', `/v1/versions/${file.version}/content`), { status: 404 });
    t.same(await bob.content(file.version ?? ''), bytes, 'the others keep it');
    t.equal((await ada.call('GET', '/v1/usage')).body.spaces.shared, bytes.length);
    t.match(await ada.call('DELETE', `/v1/shares/${space.id}`), { status: 204 });
    t.match(await bob.call('GET', `/v1/spaces/${space.id}/snapshot`), { status: 404 });
    t.match(await ada.call('GET', `/v1/spaces/${space.id}/snapshot`), { status: 404 });
    t.same(await shares(ada), []);
    t.same((await ada.call('GET', '/v1/usage')).body, before);
    t.match(
      (await snapshot(ada, sync)).find(({ id }) => id === file.id),
      { parent: folder.id, space: sync.id },
    );
    t.match(await ada.call('POST', `/v1/trash/${trashed.id}/restore`), { status: 200, body: { parent: folder.id } });
    await ada.done(remove(sync.id, folder.id, null, 1000));
    t.match((await ada.call('POST', `/v1/trash/${folder.id}/restore`)).body, { mount: undefined });
  });

  t.test('what members write counts to the quota of the owner', async (t) => {
    const { ada, bob, folder, sync } = await rig(t, make, { quota: 5000 });
    const secret = noise(3500);
    await ada.store(sync, 'secret', secret);
    const space = await shared({ ada, bob, folder });
    t.match(await bob.call('POST', `/v1/blocks?space=${space.id}`, framesOf(noise(2000))), { status: 507 });
    t.match(
      await bob.call('POST', `/v1/blocks?space=${space.id}`, framesOf(secret)),
      { status: 507 },
      'and it does not show what the owner has elsewhere',
    );
    const own = await bob.space('sync');
    const big = await bob.store(own, 'big', noise(2000));
    const into = { targetSpace: space.id, parent: space.root, name: 'big' };
    t.equal(
      await bob.refused({
        op: 'move',
        id: newId(),
        space: own.id,
        node: big.id,
        ...into,
        from: { parent: own.root, name: 'big' },
      }),
      'quota_exceeded',
    );
    t.equal((await bob.call('GET', '/v1/usage')).body.used, 2000);
  });

  t.test('all members are told of changes, and of what becomes of the folder', async (t) => {
    const { ada, bob, folder } = await rig(t, make);
    const heard = await listen(t, bob);
    const { space: id } = await invite(ada, folder, 'bob@example.org');
    await heard.has((event) => event.type === 'spaces');
    await bob.call('POST', `/v1/shares/${id}/accept`);
    const space = (await bob.spaces()).find((one) => one.id === id) as SpaceRecord;
    const made = await ada.done(mkdir({ ...rootOf(space), name: 'new' }));
    await heard.has((event) => event.type === 'space' && event.space === id && event.rev === made.rev);
    heard.clear();
    await ada.call('POST', `/v1/shares/${id}/revoke`, { email: 'bob@example.org' });
    await heard.has((event) => event.type === 'spaces');
    heard.clear();
    await ada.done(mkdir({ ...rootOf(space), name: 'secret' }));
    await ada.call('GET', '/v1/device');
    t.notOk(
      heard.events.some((event) => event.space === id),
      'and then of nothing more',
    );
  });
}

interface Sharing {
  readonly ada: Api;
  readonly bob: Api;
  readonly folder: NodeRecord;
  readonly role?: 'editor' | 'viewer';
}

/** Shares ada's folder with bob, who accepts; resolves to the space as bob has it. */
async function shared({ ada, bob, folder, role }: Sharing): Promise<SpaceRecord> {
  const { space } = await invite(ada, folder, 'bob@example.org', role);
  const { status } = await bob.call('POST', `/v1/shares/${space}/accept`);
  if (status !== 200) throw new Error(`accept: ${status}`);
  return (await bob.spaces()).find(({ id }) => id === space) as SpaceRecord;
}

async function invite(api: Api, node: NodeRecord, email: string, role = 'editor'): Promise<ShareRecord> {
  const { status, body } = await api.call('POST', '/v1/shares', { node: node.id, email, role });
  if (status !== 200) throw new Error(`share: ${status} ${JSON.stringify(body)}`);
  return body;
}

async function shares(api: Api): Promise<ShareRecord[]> {
  return (await api.call('GET', '/v1/shares')).body.shares;
}

async function snapshot(api: Api, { id }: SpaceRecord): Promise<NodeRecord[]> {
  return (await api.call('GET', `/v1/spaces/${id}/snapshot`)).body.filter((line: object) => 'id' in line);
}

async function feedOf(api: Api, { id }: SpaceRecord, since: number): Promise<NodeRecord[]> {
  return (await api.call('GET', `/v1/spaces/${id}/feed?since=${since}`)).body.filter((line: object) => 'id' in line);
}

async function missing(api: Api, { id }: SpaceRecord, bytes: Uint8Array): Promise<Buffer> {
  const digests = contentOf(bytes).digests.toString('base64');
  const { body } = await api.call('POST', `/v1/blocks/missing?space=${id}`, { digests });
  return Buffer.from(body.missing, 'base64');
}

async function upload(api: Api, { id }: SpaceRecord, bytes: Uint8Array): Promise<void> {
  const { status, body } = await api.call('POST', `/v1/blocks?space=${id}`, framesOf(bytes));
  if (status !== 200) throw new Error(`upload: ${status} ${JSON.stringify(body)}`);
}

function rootOf({ id, root }: SpaceRecord) {
  return { space: id, parent: root };
}

function lengthOf(bytes: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes);
  return length;
}

async function rig(t: Test, make: Make, options: { readonly quota?: number } = {}): Promise<Rig> {
  const { cloud, url, login } = await make(t, options);
  const ada = new Api(url, await login());
  const others = [];
  for (const name of ['bob', 'eve']) {
    await cloud.accounts.add(`${name}@example.org`, PASSWORD);
    others.push(new Api(url, await loginAs(url, `${name}@example.org`, PASSWORD)));
  }
  const [bob, eve] = others as [Api, Api];
  const sync = await ada.space('sync');
  const folder = await ada.done(mkdir({ ...rootOf(sync), name: 'Team' }));
  const bytes = noise(1000);
  const file = await ada.store({ ...sync, root: folder.id }, 'report', bytes);
  return { ada, bob, eve, sync, folder, file, bytes };
}

interface Event {
  readonly type: string;
  readonly space?: string;
  readonly rev?: number;
}

/** The push channel of a device. */
async function listen(t: Test, api: Api) {
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const headers = { authorization: `Bearer ${api.token}` };
  const answer = await fetch(`${api.url}/v1/push`, { headers, signal: stop.signal });
  const events: Event[] = [];
  const waiting = new Set<() => void>();
  void (async () => {
    let text = '';
    for await (const chunk of answer.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString();
      const lines = text.split('\n');
      text = lines.pop() ?? '';
      for (const line of lines) if (line.startsWith('data: ')) events.push(JSON.parse(line.slice(6)) as Event);
      for (const wake of waiting) wake();
    }
  })().catch(() => undefined);
  const has = async (wanted: (event: Event) => boolean): Promise<void> => {
    while (!events.some(wanted)) {
      await new Promise<void>((resolve) => {
        waiting.add(resolve);
      });
    }
  };
  return { events, has, clear: () => void events.splice(0) };
}
