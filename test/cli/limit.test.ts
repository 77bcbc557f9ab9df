import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { gatewayBehind, type GatewayBehind } from '../helpers/gateway-behind.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(300_000);

const MiB = 1024 ** 2;

/** Bytes per second on the wire while something is transferred, between its first and its last ones. */
async function rateOf(fjord: GatewayBehind, way: 'sent' | 'received', run: () => Promise<unknown>): Promise<number> {
  const { bytes } = fjord.proxy;
  const [before, began] = [bytes[way], performance.now()];
  await run();
  return ((bytes[way] - before) * 1000) / (performance.now() - began);
}

t.test('limits hold on the wire, for drive and backup together, and a change counts at once', async (t) => {
  const fjord = await gatewayBehind(t);
  const source = temporary(t);
  const put = async (name: string, size: number): Promise<unknown> => {
    const input = randomBytes(size);
    t.equal((await fjord.cliWith({ input }, 'put', '-', `/Sync/${name}`)).code, 0);
    return fjord.cli('flush');
  };
  t.match(await fjord.cli('limit'), { code: 0, stdout: 'up    off\ndown  off\n' });
  t.match(await fjord.cli('limit', '--up', 'much'), { code: 2, stderr: /"much" is no limit; write a rate/ });
  t.match(await fjord.cli('limit', '--up', '2M', '--off'), { code: 2, stderr: /exclude each other/ });

  const up = await fjord.cli('limit', '--up', '1M', '--down', '2M');
  t.match(up, { code: 0, stdout: 'up    1.0 MiB/s\ndown  2.0 MiB/s\n' });
  writeFileSync(join(source, 'b'), randomBytes(5 * MiB));
  t.equal((await fjord.cli('backup', 'add', source, '--name', 'set')).code, 0);
  const both = await rateOf(fjord, 'sent', async () => {
    await Promise.all([put('a', 5 * MiB), fjord.cli('backup', 'run', '--wait')]);
  });
  t.ok(both < 1.25 * MiB && both > 0.4 * MiB, `${both / MiB} MiB/s for drive and backup together`);
  t.match((await fjord.cli('status')).stdout, /^limits +up 1\.0 MiB\/s, down 2\.0 MiB\/s$/m);

  const slow = await rateOf(fjord, 'received', () => fjord.cli('get', '-f', '/Backup', join(source, 'out'), '-r'));
  t.ok(slow < 2.5 * MiB, `${slow / MiB} MiB/s down`);

  // From slow to fast while it is under way: the rest is there many times sooner than at the old rate.
  t.equal((await fjord.cli('limit', '--up', '128K')).code, 0);
  const began = performance.now();
  const going = put('c', 8 * MiB);
  await sleep(3000);
  t.ok(fjord.proxy.bytes.sent > 0);
  t.match(await fjord.cli('limit', '--off'), { code: 0, stdout: 'up    off\ndown  off\n' });
  await going;
  const share = (performance.now() - began) / ((8 * MiB * 1000) / (128 * 1024));
  t.ok(share < 0.5, `took ${share} of what it would have taken at the old limit`);
});

t.test('limits are kept over a restart, by time of day, and settings hold where nothing was chosen', async (t) => {
  const fjord = await gatewayBehind(t, { FJORD_LIMIT_UP: '3M' });
  t.match(await fjord.cli('limit'), { stdout: 'up    3.0 MiB/s\ndown  off\n' });
  const table = '00:00-12:00 1M, 12:00-00:00 1M';
  t.match(await fjord.cli('limit', '--up', table), { code: 0, stdout: /^up {4}1\.0 MiB\/s now \(00:00-12:00 1M/ });
  t.match(JSON.parse((await fjord.cli('status', '--json')).stdout), { limits: { up: { limit: table, rate: MiB } } });
  t.match(await fjord.cli('limit', '--default'), { stdout: 'up    3.0 MiB/s\ndown  off\n' });
  t.match(JSON.parse((await fjord.cli('limit', '--down', '5M', '--json')).stdout), {
    up: { limit: '3M', rate: 3 * MiB },
    down: { limit: '5M', rate: 5 * MiB },
  });
  const bad = await fjord.cliWith({ env: { FJORD_LIMIT_UP: 'much' } }, 'limit');
  t.match(bad, { code: 2, stderr: /FJORD_LIMIT_UP: "much" is not a limit such as/ });
});
