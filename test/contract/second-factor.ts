import type { Test } from 'tap';
import { codeOf } from '../helpers/authenticator.ts';
import { Api } from '../helpers/cloud-api.ts';
import type { startTestCloud } from '../helpers/cloud.ts';

const email = 'ada@example.org';
const password = 'correct horse battery';
const device = { name: 'laptop', platform: 'linux' };

/** Codes at sign-in, on any database. */
export function secondFactorContract(t: Test, start: typeof startTestCloud): void {
  t.test('codes of an authenticator app', async (t) => {
    let now = Date.now();
    const { cloud, url, login } = await start(t, { now: () => now, elapsed: () => now });
    const api = new Api(url, await login());
    const attempt = async (code?: string, word = password) =>
      (await new Api(url, '').call('POST', '/v1/login', { email, password: word, code, device })).body;

    t.same((await api.call('GET', '/v1/second-factor')).body, { enabled: false, recovery: 0 });
    t.match((await api.call('POST', '/v1/second-factor', { password: 'wrong' })).body, { code: 'unauthorized' });
    const { uri } = (await api.call('POST', '/v1/second-factor', { password })).body as { uri: string };
    t.match(uri, /^otpauth:\/\/totp\/Fjord:ada%40example\.org\?/);
    t.ok((await attempt()).token, 'nothing is needed before it is confirmed');
    const confirm = async (code: string) => (await api.call('POST', '/v1/second-factor/confirm', { code })).body;
    t.match(await confirm('000000'), { code: 'code_required' });
    const { recovery } = (await confirm(codeOf(uri, now))) as { recovery: string[] };
    t.equal(new Set(recovery).size, 10);
    t.match((await api.call('POST', '/v1/second-factor', { password })).body, { code: 'exists' });
    t.equal((await api.call('GET', '/v1/device')).status, 200, 'what is signed in stays');

    t.match(await attempt(), { code: 'code_required' });
    t.match(await attempt(undefined, 'wrong'), { code: 'unauthorized' }, 'a wrong password says nothing of codes');
    t.match(await attempt(codeOf(uri, now)), { code: 'code_required' }, 'that of the confirmation is used');
    now += 30_000;
    t.match(await attempt(codeOf(uri, now), 'wrong'), { code: 'unauthorized' });
    const same = await Promise.all([attempt(codeOf(uri, now)), attempt(codeOf(uri, now))]);
    t.equal(same.filter(({ token }) => token !== undefined).length, 1, 'a code is accepted once');
    t.ok((await attempt(codeOf(uri, now + 30_000))).token, 'the clock of the phone may be fast');
    t.match(await attempt(codeOf(uri, now)), { code: 'code_required' }, 'and no earlier one after that');
    now += 120_000;
    t.match(await attempt(codeOf(uri, now - 60_000)), { code: 'code_required' }, 'an old one');
    t.ok((await attempt(codeOf(uri, now - 30_000))).token);

    const [first = '', second = ''] = recovery;
    t.ok((await attempt(first.toUpperCase())).token, 'a recovery code');
    t.match(await attempt(first), { code: 'code_required' }, 'once');
    t.same((await api.call('GET', '/v1/second-factor')).body, { enabled: true, recovery: 9 });

    for (let count = 0; count < 10; count += 1) await attempt('123456');
    t.match(await attempt(second), { code: 'too_many_requests' });
    now += 6 * 60_000;
    const wrong = await api.call('DELETE', '/v1/second-factor', { password, code: '123456' });
    t.match(wrong.body, { code: 'code_required' });
    t.equal((await api.call('DELETE', '/v1/second-factor', { password, code: codeOf(uri, now) })).status, 204);
    t.ok((await attempt()).token);

    const next = (await api.call('POST', '/v1/second-factor', { password })).body as { uri: string };
    await confirm(codeOf(next.uri, now));
    t.match(await attempt(), { code: 'code_required' });
    await cloud.accounts.removeSecondFactor(email);
    t.ok((await attempt()).token, 'the administrator lets a locked-out user in');
    t.same((await api.call('GET', '/v1/second-factor')).body, { enabled: false, recovery: 0 });
  });
}
