import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startFjord } from '../helpers/gateway-process.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(500_000);

t.test('what is in the drive is copied without moving bytes', async (t) => {
  const source = join(temporary(t), 'docs');
  mkdirSync(join(source, 'sub/docs'), { recursive: true });
  writeFileSync(join(source, 'a.txt'), 'one'.repeat(100_000));
  writeFileSync(join(source, 'sub/docs/b.txt'), 'two'.repeat(100_000));
  const fjord = await startFjord(t);
  t.match(await fjord.cli('backup', 'add', source), { code: 0 });
  t.match(await fjord.cli('backup', 'run'), { code: 0 });
  const listing = (await fjord.cli('ls', '-R', '/Backup')).stdout;
  const docs = /\/Backup\/[^/]+\/docs/.exec(listing)?.[0] ?? '';
  const before = await fjord.stored();
  t.equal(before, 600_000);

  t.match(await fjord.cli('cp', docs, '/Sync/docs-2'), { code: 2, stderr: /it is a folder.*-r/ });
  const same = { code: 5, stderr: /in Sync or in Backup, never in both: copy it under a new name/ };
  t.match(await fjord.cli('cp', '-r', docs, '/Sync'), same);
  t.match(await fjord.cli('cp', '-r', docs, '/Sync/docs'), same);
  t.match(await fjord.cli('cp', '-r', docs, '/Sync/docs-2'), { code: 0, stderr: /copied 5 items/ });
  t.equal((await fjord.cli('cat', '/Sync/docs-2/sub/docs/b.txt')).stdout, 'two'.repeat(100_000));
  t.equal((await fjord.cli('flush')).code, 0);
  t.equal(await fjord.stored(), before, 'no block was added');

  t.match(await fjord.cli('cp', '/Sync/docs-2/a.txt', '/Sync/b.txt'), { code: 0, stderr: /copied 1 item/ });
  t.match(await fjord.cli('cp', '/Sync/docs-2/sub/docs/b.txt', '/Sync/b.txt'), { code: 0 }, 'a file replaces a file');
  t.match((await fjord.cli('cat', '/Sync/b.txt')).stdout, /^twotwo/);
  t.match(await fjord.cli('cp', '-r', '/Sync/docs-2', '/Sync/docs-2/sub'), { code: 2, stderr: /into itself/ });
  t.match(await fjord.cli('cp', '/Sync/b.txt', '/Sync/docs-2/a.txt', '/Sync/none'), { code: 4 });
  t.match(await fjord.cli('cp', '/Sync/none', '/Sync/c'), { code: 4, stderr: /\/Sync\/none/ });
  t.match(await fjord.cli('cp', '/Sync/b.txt', `${docs}/c`), { code: 5, stderr: /backup is read-only/ });
});
