import t from 'tap';
import { startCloud } from '../../../src/cloud/server/service.ts';
import { Api } from '../../helpers/cloud-api.ts';
import { startTestCloud } from '../../helpers/cloud.ts';
import { startCloudProcess } from '../../helpers/cloud-process.ts';
import { noise } from '../../helpers/intents.ts';
import { temporary } from '../../helpers/temporary.ts';

t.setTimeout(500_000);

t.test('only one process at a time can use the data', async (t) => {
  const { data } = await startTestCloud(t);
  await t.rejects(startCloud({ data, host: '127.0.0.1', port: 0 }), { message: /another process is using .*meta\.db/ });
  const process = await startCloudProcess(t);
  await t.rejects(startCloud({ data: process.data, host: '127.0.0.1', port: 0 }), /another process is using/);
  await process.kill();
  const cloud = await startCloud({ data: process.data, host: '127.0.0.1', port: 0 });
  t.equal((await cloud.accounts.list()).length, 1, 'a killed one leaves no lock behind');
  await Promise.all([cloud.close(), cloud.close()]);
  await cloud.close();
});

t.test('an address in use is reported, and the data is released', async (t) => {
  const { cloud } = await startTestCloud(t);
  const data = temporary(t);
  await t.rejects(startCloud({ data, host: '127.0.0.1', port: cloud.port }), { code: 'EADDRINUSE' });
  await (await startCloud({ data, host: '127.0.0.1', port: 0 })).close();
});

t.test('plain HTTP on other addresses than loopback must be allowed explicitly', async (t) => {
  const data = temporary(t);
  await t.rejects(startCloud({ data, host: '0.0.0.0', port: 0 }), /not a loopback address/);
  await t.rejects(startCloud({ data, host: '::', port: 0 }), /not a loopback address/);
  await (await startCloud({ data, host: '0.0.0.0', port: 0, insecure: true })).close();
});

t.test('data and tokens exist after a restart', async (t) => {
  const first = await startTestCloud(t);
  const token = await first.login();
  const api = new Api(first.url, token);
  const bytes = noise(3_000_000);
  const file = await api.store(await api.space('sync'), 'f', bytes);
  await first.cloud.close();
  const second = await startCloud({ data: first.data, host: '127.0.0.1', port: 0 });
  t.teardown(async () => second.close());
  t.equal((await new Api(second.url, token).content(file.version ?? '')).equals(bytes), true);
});

t.test('closing ends push connections and waits for other calls', async (t) => {
  const { url, login, cloud } = await startTestCloud(t);
  const headers = { authorization: `Bearer ${await login()}` };
  const push = await fetch(`${url}/v1/push`, { headers });
  await cloud.close();
  for await (const chunk of push.body ?? []) t.ok(chunk.length > 0);
  await t.rejects(fetch(`${url}/v1/health`));
  const child = await startCloudProcess(t);
  const open = await fetch(`${child.url}/v1/push`, { headers: { authorization: `Bearer ${await child.login()}` } });
  await child.stop();
  await open.text().catch(() => '');
  t.pass('the process ends on request');
});
