import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startFjord } from '../helpers/gateway-process.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(500_000);

t.test('links are made, listed and ended by path, address or id', async (t) => {
  const source = temporary(t);
  writeFileSync(join(source, 'plan.txt'), 'the plan');
  writeFileSync(join(source, 'password'), 'open sesame\n');
  const fjord = await startFjord(t);
  t.match(await fjord.cli('put', '-r', source, '/Sync/inbox'), { code: 0 });
  const file = await fjord.cli('link', '/Sync/inbox/plan.txt', '--expires', '7d');
  t.match(file, { code: 0, stdout: /^http:\/\/127\.0\.0\.1:\d+\/l\/[\w-]{22}\n$/ });
  const url = file.stdout.trim();
  t.equal(await (await fetch(url)).text(), 'the plan', 'it opens what was just written');

  const inbox = (await fjord.cli('link', '/Sync/inbox', '--upload')).stdout.trim();
  t.equal((await fetch(`${inbox}/plan.txt`, { method: 'PUT', body: 'from a guest' })).status, 201);
  const locked = await fjord.cli('link', '/Sync/inbox', '--password-file', join(source, 'password'));
  t.equal((await fetch(locked.stdout.trim())).status, 403);

  const listed = JSON.parse((await fjord.cli('links', '--json')).stdout) as { id: string; path: string; url: string }[];
  t.match(listed, [
    { path: '/Sync/inbox', password: true, upload: false, active: true },
    { path: '/Sync/inbox', password: false, upload: true },
    { path: '/Sync/inbox/plan.txt', url, expires: Number },
  ]);
  t.match(await fjord.cli('unlink', url), { code: 0, stderr: /opens nothing any more/ });
  t.equal((await fetch(url)).status, 404);
  t.match(await fjord.cli('unlink', '/Sync/inbox'), { code: 0, stderr: /2 links/ });
  t.equal((await fetch(inbox)).status, 404);
  t.match(await fjord.cli('unlink', url), { code: 4, stderr: /it is no link/ });
  t.match(await fjord.cli('link', '/Sync'), { code: 5, stderr: /inside \/Sync/ });
  t.match(await fjord.cli('link', '/Sync/inbox/plan.txt', '--expires', 'soon'), { code: 2, stderr: /not a duration/ });
});
