import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pino from 'pino';
import t from 'tap';
import { HttpRemote } from '../../../src/cloud/http/http-remote.ts';
import { background } from '../../../src/vfs/context.ts';
import { BLOCK_SIZE } from '../../../src/vfs/block.ts';
import { Api } from '../../helpers/cloud-api.ts';
import { startTestCloud, type TestCloud } from '../../helpers/cloud.ts';
import { openDevice } from '../../helpers/devices.ts';
import { contentOf, noise } from '../../helpers/intents.ts';
import { temporary } from '../../helpers/temporary.ts';

const AT_ONCE = { rate: Infinity, delay: 0, every: 10 };

function damage({ data }: TestCloud, bytes: Uint8Array, index: number): void {
  const top = join(data, 'blocks');
  const digest = contentOf(bytes).blocks[index]?.digest ?? '';
  const file = readdirSync(top, { recursive: true, encoding: 'utf8' }).find((path) => path.endsWith(digest)) ?? '';
  const stored = readFileSync(join(top, file));
  stored[9] = (stored[9] ?? 0) ^ 1;
  writeFileSync(join(top, file), stored);
}

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 30_000; !(await isSo()); await sleep(20)) if (Date.now() > end) throw new Error(what);
}

t.test('damage is found in the background, and healed by a computer that has the content', async (t) => {
  const lines: string[] = [];
  const log = pino({}, { write: (line) => void lines.push(line) });
  const cloud = await startTestCloud(t, { scrub: AT_ONCE, log });
  const token = await cloud.login();
  const api = new Api(cloud.url, token);
  const sync = await api.space('sync');
  const [kept, lost] = [noise(3 * BLOCK_SIZE + 5), noise(2 * BLOCK_SIZE)];
  const small = noise(100_000);
  await api.store(sync, 'kept', kept);
  await api.store(sync, 'small', small);
  await api.store(sync, 'lost', lost);

  const remote = new HttpRemote({ url: cloud.url, token });
  t.teardown(() => remote.close());
  const device = await remote.device(background);
  const gateway = await openDevice(t, 'reader', device.id, { dir: temporary(t), remote });
  await until('the drive is shown', () => gateway.exists('/Sync/lost'));
  t.equal((await gateway.bytes('/Sync/kept')).equals(kept), true);
  t.equal((await gateway.bytes('/Sync/small')).equals(small), true);

  damage(cloud, kept, 1);
  damage(cloud, small, 0);
  damage(cloud, lost, 1);
  const damaged = async (): Promise<number> => (await remote.usage(background)).damaged ?? 0;
  await until('found', async () => (await damaged()) === 3);
  await until('logged', () =>
    ['/kept', '/small', '/lost'].every((path) => lines.join('').includes(`"path":"${path}"`)),
  );
  gateway.gateway.stack.quota.refresh();
  await until('healed', async () => (await damaged()) === 1);
  await until('shown', () => gateway.gateway.status().damaged > 0);
  t.same(await remote.damaged(background), [contentOf(lost).blocks[1]?.digest], 'what no computer has stays reported');
  const other = await openDevice(t, 'other', device.id, { dir: temporary(t), remote });
  await until('the drive is shown', () => other.exists('/Sync/kept'));
  t.equal((await other.bytes('/Sync/kept')).equals(kept), true, 'the content can be read again');
  t.equal((await other.bytes('/Sync/small')).equals(small), true);
});

t.test('a restart goes on where the last process stopped, and a low rate is kept', async (t) => {
  const cloud = await startTestCloud(t, { scrub: { rate: 1 << 20, delay: 0, every: 1e9 } });
  const api = new Api(cloud.url, await cloud.login());
  await api.store(await api.space('sync'), 'f', noise(4 * BLOCK_SIZE));
  await sleep(500);
  const began = performance.now();
  await cloud.cloud.close();
  t.ok(performance.now() - began < 2000, 'closing does not wait for it');
});

t.test('a rate of 0 verifies nothing', async (t) => {
  const cloud = await startTestCloud(t, { scrub: { ...AT_ONCE, rate: 0 } });
  const api = new Api(cloud.url, await cloud.login());
  await api.store(await api.space('sync'), 'file', noise(100_000));
  await sleep(300);
  t.notOk(existsSync(join(cloud.data, 'scrub.json')), 'it has not begun');
});
