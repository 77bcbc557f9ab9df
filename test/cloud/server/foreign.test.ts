import t from 'tap';
import { v7 as newId } from 'uuid';
import { Api } from '../../helpers/cloud-api.ts';
import { login as loginAs, startTestCloud } from '../../helpers/cloud.ts';
import { contentOf, mkdir, noise, put, remove } from '../../helpers/intents.ts';

t.test('ids of another account give no access, on any route', async (t) => {
  const { url, login, cloud, password } = await startTestCloud(t);
  const api = new Api(url, await login());
  await cloud.accounts.add('eve@example.org', 'long enough it is');
  const eve = new Api(url, await loginAs(url, 'eve@example.org', 'long enough it is'));
  const sync = await api.space('sync');
  const archive = await api.space('archive');
  const file = await api.store(sync, 'f', noise(100));
  const sealed = await api.store(archive, 'f', noise(100));
  const trashed = await api.store(sync, 'gone', noise(100));
  await api.done(remove(sync.id, trashed.id, trashed.version, 0));
  const backup = (await api.call('POST', '/v1/spaces', { kind: 'backup', name: 'home' })).body;
  const device = (await api.call('GET', '/v1/device')).body;

  const calls: [string, string, unknown?][] = [
    ['DELETE', `/v1/devices/${device.id}`],
    ['DELETE', `/v1/spaces/${backup.id}`],
    ['GET', `/v1/spaces/${sync.id}/snapshot`],
    ['GET', `/v1/spaces/${sync.id}/digest`],
    ['GET', `/v1/spaces/${sync.id}/feed?since=0`],
    ['POST', '/v1/blocks/read', { blocks: [{ version: file.version, index: 0 }] }],
    ['GET', `/v1/versions/${file.version}/blocks`],
    ['GET', `/v1/versions/${file.version}/content`],
    ['GET', `/v1/nodes/${file.id}/versions`],
    ['POST', `/v1/nodes/${file.id}/versions/${file.version}/restore`],
    ['POST', `/v1/trash/${trashed.id}/restore`],
    ['DELETE', `/v1/trash/${trashed.id}`],
    ['DELETE', `/v1/trash/${trashed.id}`, { password: 'long enough it is' }],
    ['POST', '/v1/archive/remove', { node: sealed.id, password: 'long enough it is' }],
    ['POST', '/v1/backup/remove', { node: file.id, password: 'long enough it is' }],
    ['POST', '/v1/backup/replace', { node: file.id, base: file.version, password: 'long enough it is' }],
  ];
  for (const [method, path, body] of calls) {
    const answer = await eve.call(method, path, body);
    t.match(answer, { status: 404, body: { code: 'not_found' } }, `${method} ${path}`);
  }
  t.match(await eve.call('POST', '/v1/archive/remove', { node: sealed.id, password }), { status: 401 });
  t.match(
    await eve.call('POST', '/v1/login', {
      email: 'eve@example.org',
      password: 'long enough it is',
      device: { id: device.id, name: 'x', platform: 'y' },
    }),
    { status: 404 },
    'nor does a login take over a device',
  );
  t.same((await eve.call('GET', '/v1/trash')).body, []);

  const hers = await eve.space('sync');
  const place = { space: hers.id, parent: hers.root, name: 'x' };
  t.equal(await eve.refused(mkdir({ ...place, space: sync.id, parent: sync.root })), 'not_found');
  t.equal(await eve.refused(mkdir({ ...place, parent: sync.root })), 'not_found');
  t.equal(await eve.refused(remove(sync.id, file.id, file.version, 0)), 'not_found');
  t.equal(await eve.refused(remove(hers.id, file.id, file.version, 0)), 'not_found');
  t.equal(await eve.refused(put(place, { from: file.version ?? '' })), 'not_found');
  t.equal(await eve.refused(put(place, contentOf(Buffer.alloc(0)).wire, { node: file.id })), 'bad_request');
  t.equal(
    await eve.refused(put(place, contentOf(Buffer.alloc(0)).wire, { version: file.version ?? '' })),
    'bad_request',
  );
  t.equal(await eve.refused({ op: 'attr', id: newId(), space: hers.id, node: file.id, mode: 0 }), 'not_found');
  const known = noise(100);
  await api.store(sync, 'known', known);
  t.equal(await eve.refused(put(place, contentOf(known).wire)), 'blocks_missing', 'knowing a digest gives no access');
  const { digests } = contentOf(known);
  const { body } = await eve.call('POST', '/v1/blocks/missing', { digests: digests.toString('base64') });
  t.equal(body.missing, digests.toString('base64'), 'and does not reveal whether another account has the block');
  t.equal((await api.content(file.version ?? '')).length, 100, 'all is as it was');
  t.equal((await api.call('GET', '/v1/trash')).body.length, 1);
});
