import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { openPair } from '../../helpers/devices.ts';

t.setTimeout(500_000);

t.test('with a big cache it serves at once, and looks through the cache meanwhile', { timeout: 120_000 }, async (t) => {
  const { a, dir, netA, converge } = await openPair(t);
  await a.write('/Sync/f', 'cached');
  await converge();
  t.equal(await a.read('/Sync/f'), 'cached');

  // What an earlier process has left and no record knows: it goes when the cache has been looked through.
  const left = Array.from({ length: 2000 }, (_, i) => {
    const hash = createHash('sha256').update(String(i)).digest('hex');
    const folder = join(dir, 'a/store', hash.slice(0, 2));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, hash), 'x');
    return join(folder, hash);
  });
  netA.offline = true;
  await a.restart();
  t.ok(left.some(existsSync), 'it is open before all has been looked at');
  t.equal(await a.read('/Sync/f'), 'cached');
  t.strictSame(await a.tree(), { '/Sync/f': 'cached' });
  while (left.some(existsSync)) await sleep(50);
  t.equal(await a.read('/Sync/f'), 'cached', 'what belongs there has stayed');
});
