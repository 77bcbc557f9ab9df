import { randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { KillLoad } from '../helpers/kill-load.ts';
import { isMounted, shell } from '../helpers/mount-shell.ts';
import { startMounted } from '../helpers/mounted-fjord.ts';
import { temporary } from '../helpers/temporary.ts';

/** Number of rounds; `scripts/conformance` runs more. */
const ROUNDS = Number(process.env['FJORD_KILL_ROUNDS'] ?? 5);
t.setTimeout(ROUNDS * 120_000);

const what = `a mount whose gateway is killed ${ROUNDS} times under fio and tar comes back with all it had promised`;
t.test(what, { skip: withoutFuse(), timeout: ROUNDS * 120_000 }, async (t) => {
  const notes = temporary(t);
  const { fjord, dir } = await startMounted(t);
  const sync = join(dir, 'Sync');
  const load = new KillLoad(join(sync, 'load'), notes);
  await load.prepare();
  await shell(t, sync, 'mkdir load');
  for (let round = 0; round < ROUNDS; round++) {
    const dead = load.untilDead(round);
    const { code, errors } = await load.fio(round);
    if (code !== 0) t.fail(`fio, round ${round}: ${errors}`);
    await sleep(randomInt(0, 1500));
    await fjord.killGateway();
    await dead;
    await fjord.gatewayBack();
    t.equal(fjord.access.mount, dir, `round ${round}: it is mounted again`);
  }
  t.ok(await isMounted(dir));

  let files = 0;
  const check = async (where: string, read: (path: string) => Promise<Buffer | undefined>): Promise<void> => {
    const wrong: string[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      for (const [path, bytes] of load.unpacked(round)) {
        files++;
        const found = await read(path).catch(() => undefined);
        if (found?.equals(bytes) !== true) wrong.push(`${path}: ${found?.length ?? 'missing'}, not ${bytes.length}`);
      }
    }
    t.same(wrong.slice(0, 20), [], `files that tar has closed are complete, ${where}`);
    t.same(
      load.wrongBlocks((await read('blocks')) ?? Buffer.alloc(0)),
      [],
      `blocks that were synced are there, ${where}`,
    );
  };
  await check('on the mount', (path) => readFile(join(sync, 'load', path)));
  for (let round = 0; round < ROUNDS; round++) {
    const { code, out, errors } = await load.verifyFio(round);
    if (!t.equal(code, 0, `what fio had synced in round ${round} is right`)) t.comment(out, errors);
  }
  t.ok(files > 0, `${files} files were closed`);
  t.ok(load.synced > 0, `${load.synced} blocks were synced`);

  const flushed = await fjord.cli('flush');
  t.equal(flushed.code, 0, flushed.stderr);
  const cloud = await fjord.cloudTree('Sync');
  await check('in the cloud', async (path) => cloud.get(`load/${path}`)?.());
  t.equal((await fjord.cli('conflicts', '--json')).stdout.trim(), '[]', 'nothing is there twice');
});
