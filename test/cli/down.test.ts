import { rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { davAsk } from '../helpers/dav-ask.ts';
import { startFjord } from '../helpers/gateway-process.ts';

t.setTimeout(500_000);

t.test('`down` uploads queued changes first', { timeout: 300_000 }, async (t) => {
  // A new file in the Archive stays queued until a flush.
  const fjord = await startFjord(t, { env: { FJORD_ARCHIVE_SETTLE: '10 min' } });
  t.equal((await davAsk(fjord, 'PUT', 'Archive/will', { body: 'for ever' })).status, 201);
  const { code, stderr } = await fjord.cli('down');
  t.equal(code, 0, stderr);
  t.notMatch(stderr, /still queued/);
  t.equal(await fjord.ended(), 0);

  // No local data is left that the next start could upload.
  rmSync(join(fjord.data, 'gateway'), { recursive: true });
  await fjord.start();
  t.equal(String(await (await fjord.cloudTree('Archive')).get('will')?.()), 'for ever');
});
