import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { startFjord } from '../helpers/gateway-process.ts';

t.setTimeout(500_000);

t.test('a folder is chosen, mirrored, shown and given up', { timeout: 300_000 }, async (t) => {
  const fjord = await startFjord(t);
  const source = join(mkdtempSync(join(tmpdir(), 'fjord-source-')), 'papers');
  t.teardown(() => rmSync(join(source, '..'), { recursive: true, force: true }));
  mkdirSync(join(source, 'sub'), { recursive: true });
  writeFileSync(join(source, 'a.txt'), 'one');
  writeFileSync(join(source, 'sub/b.txt'), 'two');
  utimesSync(join(source, 'a.txt'), 1e9, 1e9);
  symlinkSync('a.txt', join(source, 'link'));

  t.match(await fjord.cli('backup', 'run'), { code: 0, stderr: /nothing to mirror yet/ });
  t.match(await fjord.cli('backup', 'run', 'papers'), { code: 4, stderr: /no set "papers"; there is none yet/ });
  t.match(await fjord.cli('backup', 'add', source), { code: 0, stderr: /will be mirrored as "papers"/ });
  t.match(await fjord.cli('backup', 'add', source), { code: 6, stderr: /already/ });
  const inside = await fjord.cli('backup', 'add', join(source, 'sub'));
  t.match(inside, { code: 2, stderr: /is inside the backup set papers/ });
  t.match(await fjord.cli('backup', 'add', fjord.data), { code: 2, stderr: /data folder of Fjord/ });
  t.match((await fjord.cli('backup', 'list')).stdout, /^papers +never run +/);

  const run = await fjord.cli('backup', 'run');
  t.match(run, { code: 0, stderr: /mirrored 2 files/ });
  const listing = (await fjord.cli('ls', '-lR', '/Backup')).stdout;
  t.match(listing, /2001-09-09 .* \/Backup\/[^/]+\/papers\/a\.txt$/m);
  t.match(listing, /\/papers\/link -> a\.txt$/m);
  const path = /\/Backup\/[^/]+\/papers/.exec(listing)?.[0] ?? '';
  t.equal((await fjord.cli('cat', `${path}/sub/b.txt`)).stdout, 'two');
  t.match(await fjord.cliWith({ input: 'x' }, 'put', '-', `${path}/new.txt`), { code: 5 }, 'nobody else writes there');
  t.match(JSON.parse((await fjord.cli('backup', 'list', '--json')).stdout), [{ name: 'papers', finished: Number }]);

  t.match(await fjord.cli('backup', 'run', 'papers'), { code: 0, stderr: /nothing to do/ });
  t.equal((await fjord.cli('backup', 'remove', 'papers')).code, 0);
  t.notMatch((await fjord.cli('ls', '-R', '/Backup')).stdout, /papers/);
  t.equal((await fjord.cli('backup', 'list')).stdout, '');
});
