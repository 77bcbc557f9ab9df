import t from 'tap';
import { Api } from '../../helpers/cloud-api.ts';
import { startTestCloud } from '../../helpers/cloud.ts';

t.setTimeout(500_000);

t.test('a login creates a device whose token gives access to the account', async (t) => {
  const { url, email, login } = await startTestCloud(t);
  const api = new Api(url, await login('laptop'));
  const { body } = await api.call('GET', '/v1/device');
  t.match(body, { name: 'laptop', platform: 'linux', current: true });
  await login('desktop');
  const { devices } = (await api.call('GET', '/v1/devices')).body;
  t.same(
    devices.map(({ name, current }: { name: string; current: boolean }) => [name, current]),
    [
      ['laptop', true],
      ['desktop', false],
    ],
  );
  const answer = await api.call('POST', '/v1/login', {
    email: email.toUpperCase(),
    password: 'correct horse battery',
    device: { id: body.id, name: 'renamed', platform: 'linux' },
  });
  t.equal(answer.body.device.id, body.id, 'a computer can log in again as the same device');
  t.equal((await api.call('GET', '/v1/device')).status, 401, 'with a new token; the old one is invalid');
  t.match((await new Api(url, answer.body.token).call('GET', '/v1/device')).body, { name: 'renamed' });
});

t.test('wrong passwords and unknown addresses get the same response, and many of them must wait', async (t) => {
  let time = 0;
  const { url, email, password, login } = await startTestCloud(t, { elapsed: () => time });
  const api = new Api(url, '');
  const attempt = async (email: string, password: string) =>
    api.call('POST', '/v1/login', { email, password, device: { name: 'x', platform: 'y' } });
  const [wrong, unknown] = [await attempt(email, 'wrong password'), await attempt('eve@example.org', password)];
  t.equal(wrong.status, 401);
  t.same(wrong.body, unknown.body);
  for (let count = 1; count < 10; count += 1) await attempt(email, 'wrong password');
  const blocked = await attempt(email, password);
  t.equal(blocked.status, 429);
  t.equal(blocked.body.code, 'too_many_requests');
  t.ok(Number(blocked.headers.get('retry-after')) > 0);
  time += 6 * 60_000;
  t.ok(await login(), 'after a while the right password is accepted again');
});

t.test('simultaneous guesses are counted before they are hashed, and do not lock out other sources', async (t) => {
  const { url, email, password } = await startTestCloud(t);
  const api = new Api(url, '');
  const attempt = async (password: string, source: string, name = email) => {
    const body = { email: name, password, device: { name: 'x', platform: 'y' } };
    return (await api.call('POST', '/v1/login', body, { 'x-forwarded-for': source })).status;
  };
  const guesses = Array.from({ length: 300 }, (_, n) => attempt(`wrong password ${n}`, '192.0.2.1'));
  const found = await Promise.all([...guesses, attempt(password, '192.0.2.1')]);
  t.equal(found.filter((status) => status === 401).length, 10);
  t.equal(found.filter((status) => status === 429).length, 291, 'the right one, too');
  t.equal(await attempt(password, '192.0.2.1'), 429);
  t.equal(await attempt(password, '192.0.2.2'), 200);

  for (let source = 0; source < 12; source += 1) {
    await Promise.all(Array.from({ length: 10 }, (_, n) => attempt(`wrong ${n}`, `2001:db8:0:${source}::${n + 1}`)));
  }
  t.equal(await attempt('wrong password', '198.51.100.1'), 429, 'enough from everywhere');
  t.equal(await attempt(password, '192.0.2.2'), 200, 'a source that has logged in before is accepted');
  t.equal(await attempt('wrong password', '198.51.100.1', 'eve@example.org'), 401, 'other addresses are free');
});

t.test('a missing, wrong or revoked token gives no access', async (t) => {
  const { url, login } = await startTestCloud(t);
  const [mine, other] = [new Api(url, await login('a')), new Api(url, await login('b'))];
  const { id } = (await other.call('GET', '/v1/device')).body;
  t.equal((await mine.call('DELETE', `/v1/devices/${id}`)).status, 204);
  const calls: [string, string][] = [
    ['GET', '/v1/device'],
    ['GET', '/v1/devices'],
    ['GET', '/v1/spaces'],
    ['GET', '/v1/push'],
    ['GET', '/v1/usage'],
    ['GET', '/v1/trash'],
    ['POST', '/v1/intents'],
    ['POST', '/v1/blocks'],
    ['POST', '/v1/blocks/read'],
    ['POST', '/v1/archive/remove'],
  ];
  for (const api of [other, new Api(url, 'fjord_wrong'), new Api(url, '')]) {
    for (const [method, path] of calls) {
      const { status, body } = await api.call(method, path, method === 'POST' ? {} : undefined);
      t.same([status, body.code], [401, 'unauthorized'], `${method} ${path}`);
    }
  }
  t.equal((await mine.call('DELETE', `/v1/devices/${id}`)).status, 404);
  t.equal((await fetch(`${url}/v1/health`)).status, 200);
});

t.test('an account is created once, with a sufficient password', async (t) => {
  const { cloud, email, url } = await startTestCloud(t);
  await t.rejects(cloud.accounts.add(email, 'long enough it is'), { code: 'exists' });
  await t.rejects(cloud.accounts.add('nobody', 'long enough it is'), { code: 'bad_request' });
  await t.rejects(cloud.accounts.add('eve@example.org', 'short'), { code: 'bad_request' });
  await t.rejects(cloud.accounts.setPassword('eve@example.org', 'long enough it is'), { code: 'not_found' });
  await cloud.accounts.setPassword(email, 'another password');
  const answer = await new Api(url, '').call('POST', '/v1/login', {
    email,
    password: 'another password',
    device: { name: 'x', platform: 'y' },
  });
  t.equal(answer.status, 200);
  t.match(await cloud.accounts.list(), [{ email, used: 0 }]);
});
