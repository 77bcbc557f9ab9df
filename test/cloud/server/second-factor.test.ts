import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startCloud } from '../../../src/cloud/server/service.ts';
import { secondFactorContract } from '../../contract/second-factor.ts';
import { codeOf } from '../../helpers/authenticator.ts';
import { Api } from '../../helpers/cloud-api.ts';
import { startTestCloud } from '../../helpers/cloud.ts';
import { cli } from '../../helpers/gateway-process.ts';
import { temporary } from '../../helpers/temporary.ts';

t.setTimeout(300_000);

const email = 'ada@example.org';
const password = 'correct horse battery';
const device = { name: 'laptop', platform: 'linux' };

secondFactorContract(t, startTestCloud);

t.test('`fjord login` asks for a code, and `fjord cloud user remove-code` ends that', async (t) => {
  const data = temporary(t);
  const cloud = await startCloud({ host: '127.0.0.1', port: 0, data });
  t.teardown(async () => cloud.close());
  await cloud.accounts.add(email, password);
  const login = async () => new Api(cloud.url, '').call('POST', '/v1/login', { email, password, device });
  const api = new Api(cloud.url, (await login()).body.token);
  const { uri } = (await api.call('POST', '/v1/second-factor', { password })).body as { uri: string };
  const { body } = await api.call('POST', '/v1/second-factor/confirm', { code: codeOf(uri, Date.now()) });
  const [code = ''] = (body as { recovery: string[] }).recovery;
  const home = temporary(t);
  writeFileSync(join(home, 'password'), password);
  const fjord = async (...args: string[]) => cli(args, { env: { HOME: home } });
  const given = ['--cloud', cloud.url, '--password-file', join(home, 'password'), '--data', join(home, 'data')];
  t.match(await fjord('login', email, ...given), { code: /[1-9]/, stderr: '--code CODE' });
  t.match(await fjord('login', email, ...given, '--code', '000000'), { code: /[1-9]/, stderr: 'the code is wrong' });
  t.match(await fjord('login', email, ...given, '--code', code), { code: 0, stderr: 'this computer is' });
  await cloud.close();
  t.match(await fjord('cloud', 'user', 'remove-code', email, '--data', data), { code: 0 });
  const again = await startCloud({ host: '127.0.0.1', port: 0, data });
  t.teardown(async () => again.close());
  const { status } = await new Api(again.url, '').call('POST', '/v1/login', { email, password, device });
  t.equal(status, 200);
});
