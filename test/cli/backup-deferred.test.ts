import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { becomes, comesTo } from '../helpers/backups.ts';
import { startFjord } from '../helpers/gateway-process.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(300_000);

t.test('on a metered network a set waits and says why, runs when asked to, and goes on by itself', async (t) => {
  const bin = temporary(t);
  const answer = join(bin, 'answer');
  const meter = (value: number): void => writeFileSync(answer, `u ${value}\n`);
  writeFileSync(join(bin, 'busctl'), `#!/bin/sh\nexec cat ${answer}\n`, { mode: 0o755 });
  meter(1);
  const fjord = await startFjord(t, { env: { PATH: `${bin}:${process.env['PATH'] ?? ''}` } });
  const source = join(temporary(t), 'papers');
  mkdirSync(source);
  writeFileSync(join(source, 'a'), 'one');
  t.equal((await fjord.cli('backup', 'add', source)).code, 0);
  t.match(await comesTo(fjord, 'papers', 'deferred'), { doing: 'deferred', reason: /metered/ });
  const status = await fjord.cli('backup', 'status');
  t.match(status.stdout, /^papers: not complete yet, waits: the network is metered \(backup\.on_metered\)/);
  t.equal((await fjord.cli('backup', 'run', '--wait')).code, 0, 'a person may');
  t.same(await becomes(fjord, 'papers', { a: 'one' }), { a: 'one' });
  writeFileSync(join(source, 'a'), 'two');
  t.match(await comesTo(fjord, 'papers', 'deferred'), { doing: 'deferred' });
  meter(2);
  t.same(await becomes(fjord, 'papers', { a: 'two' }), { a: 'two' });
  meter(3);
  t.match(await comesTo(fjord, 'papers', 'deferred'), { doing: 'deferred', reason: /metered/ });
});
