import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { comesTo } from '../helpers/backups.ts';
import { startFjord } from '../helpers/gateway-process.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(400_000);

async function until(holds: () => boolean): Promise<boolean> {
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(100)) if (holds()) return true;
  return holds();
}

t.test(
  'a set that fails runs its command once, with what went wrong in variables; other sets call the webhook',
  async (t) => {
    const posts: unknown[] = [];
    const server = createServer((request, response) => {
      void json(request).then((body) => {
        posts.push(body);
        response.writeHead(posts.length === 1 ? 500 : 200).end();
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(() => server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
    const fjord = await startFjord(t, { env: { FJORD_BACKUP_ON_FAILURE: url } });
    const out = temporary(t);
    const name = '$(touch owned); papers';
    const source = join(temporary(t), 'papers');
    const other = join(temporary(t), 'other');
    for (const folder of [source, other]) {
      mkdirSync(folder);
      writeFileSync(join(folder, 'a'), 'one');
    }
    t.equal((await fjord.cli('backup', 'add', source, '--name', name)).code, 0);
    const command = `printf '%s\\n' "$FJORD_EVENT" "$FJORD_SET" "$FJORD_FOLDER" "$FJORD_REASON" "$FJORD_PROBLEMS" >> ${out}/told; cd ${out}; exit 3`;
    t.equal((await fjord.cli('backup', 'edit', name, '--on-failure', command)).code, 0);
    t.equal((await fjord.cli('backup', 'add', other)).code, 0);
    await comesTo(fjord, name, 'watching');
    await comesTo(fjord, 'other', 'watching');
    t.notOk(existsSync(join(out, 'told')), 'nothing has failed');

    renameSync(source, `${source}-away`);
    renameSync(other, `${other}-away`);
    t.match(await fjord.cli('backup', 'run', '--wait', name), { code: 6 });
    t.match(await fjord.cli('backup', 'run', '--wait', 'other'), { code: 6 });
    t.ok(await until(() => existsSync(join(out, 'told')) && posts.length > 0));
    await sleep(5000);
    const told = readFileSync(join(out, 'told'), 'utf8').split('\n');
    t.match(told, ['halted', name, source, /not there/, '0', '']);
    t.notOk(existsSync(join(out, 'owned')), 'a name is not run');
    t.match(posts, [{ event: 'halted', set: 'other', folder: other, reason: /not there/, problems: 0 }]);
    t.equal((await fjord.cli('status')).code, 0, 'hooks that fail do no harm');
    t.match(readFileSync(join(fjord.data, 'log/gateway.log'), 'utf8'), /the hook for failures failed/);

    renameSync(`${other}-away`, other);
    await comesTo(fjord, 'other', 'watching');
    // It is looked at every two seconds.
    await sleep(5000);
    renameSync(other, `${other}-away`);
    await fjord.cli('backup', 'run', '--wait', 'other');
    t.ok(await until(() => posts.length === 2), 'once more, after it was well');
  },
);

t.test('a set that is not complete for too long is a warning with an exit code of its own', async (t) => {
  const fjord = await startFjord(t);
  const source = join(temporary(t), 'papers');
  mkdirSync(source);
  writeFileSync(join(source, 'a'), 'one');
  await fjord.cli('backup', 'add', source, '--schedule', 'daily 02:00');
  t.equal((await fjord.cli('backup', 'run', '--wait')).code, 0);
  t.equal((await fjord.cli('backup', 'pause', 'papers')).code, 0);
  t.equal((await fjord.cli('status')).code, 0);
  await fjord.stop();
  const file = join(fjord.data, 'backups.json');
  const sets = readFileSync(file, 'utf8');
  writeFileSync(file, sets.replace(/"finished": [\d.]+/, `"finished": ${Date.now() - 5 * 86_400_000}`));
  await fjord.start();
  t.match(await fjord.cli('backup', 'status'), { code: 9, stdout: /^papers: paused, OVERDUE since \d{4}-/ });
  t.match(await fjord.cli('status'), { code: 9, stdout: /OVERDUE since/ });
  t.match(JSON.parse((await fjord.cli('backup', 'status', '--json')).stdout), [{ overdue: Number }]);
  t.equal((await fjord.cli('backup', 'resume')).code, 0);
  t.equal((await fjord.cli('backup', 'run', '--wait')).code, 0);
  t.equal((await fjord.cli('status')).code, 0);
});
