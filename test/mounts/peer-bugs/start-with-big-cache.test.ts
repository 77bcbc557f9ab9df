import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { openPair } from '../../helpers/devices.ts';

t.setTimeout(500_000);

t.test('with a big cache it serves at once, while the cache is being scanned', { timeout: 120_000 }, async (t) => {
  const { a, dir, netA, converge } = await openPair(t);
  await a.write('/Sync/f', 'cached');
  await converge();
  t.equal(await a.read('/Sync/f'), 'cached');

  // Files of an earlier process without a record, which the scan removes.
  const left = Array.from({ length: 2000 }, (_, i) => {
    const hash = createHash('sha256').update(String(i)).digest('hex');
    const folder = join(dir, 'a/store', hash.slice(0, 2));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, hash), 'x');
    return join(folder, hash);
  });
  netA.offline = true;
  await a.restart();
  t.ok(left.some(existsSync), 'it is open before the scan has ended');
  t.equal(await a.read('/Sync/f'), 'cached');
  t.strictSame(await a.tree(), { '/Sync/f': 'cached' });
  while (left.some(existsSync)) await sleep(50);
  t.equal(await a.read('/Sync/f'), 'cached', 'files with a record have stayed');
});
