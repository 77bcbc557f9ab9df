/** Programs that rename each other's files, as fsstress does, and then a computer that sees the result for the first time. */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { startCloudProcess } from '../helpers/cloud-process.ts';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { MountedDevice } from '../helpers/mounted-device.ts';
import { tryCommand } from '../helpers/run-command.ts';

const SEEDS = Number(process.env['FJORD_RENAME_SEEDS'] ?? 10);
const FIRST = Number(process.env['FJORD_RENAME_FIRST'] ?? 1);
const OPERATIONS = Number(process.env['FJORD_RENAME_OPERATIONS'] ?? 3000);

t.setTimeout(3_600_000);

/** Everything below a folder, as a program sees it. */
async function tree(top: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(top, { recursive: true, encoding: 'utf8' }).sort()) {
    const path = join(top, name);
    const stats = await lstat(path);
    const mode = stats.mode.toString(8);
    if (stats.isSymbolicLink()) found[name] = `-> ${readlinkSync(path)}`;
    else if (stats.isDirectory()) found[name] = mode;
    else
      found[name] =
        `${mode} ${Math.floor(stats.mtimeMs)} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`;
  }
  return found;
}

t.test('a fresh computer sees what four programs have left', { skip: withoutFuse() }, async (t) => {
  const cloud = await startCloudProcess(t);
  const a = await MountedDevice.start(t, cloud);
  const script = join(import.meta.dirname, 'renames.py');
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const folder = `s${seed}`;
    const args = [script, join(a.dir, 'Sync', folder), `${seed}`, `${OPERATIONS}`];
    const { code, errors } = await tryCommand('python3', args, { timeout: 600_000 });
    t.equal(code, 0, `seed ${seed}: ${errors}`);
    const flush = await a.cli(['flush']);
    t.equal(flush.code, 0, `seed ${seed}: ${flush.stderr}`);
    const { parked, conflicts } = JSON.parse((await a.cli(['status', '--json'])).stdout) as Record<string, unknown>;
    t.same({ parked, conflicts }, { parked: [], conflicts: 0 });
    const b = await MountedDevice.start(t, cloud);
    const expected = await tree(join(a.dir, 'Sync', folder));
    t.ok(Object.keys(expected).length > 100, 'something is left');
    const shown = async (): Promise<number> =>
      readdirSync(b.dir, { recursive: true }).filter((name) => String(name).startsWith(`Sync/${folder}/`)).length;
    for (const end = Date.now() + 60_000; (await shown()) < Object.keys(expected).length && Date.now() < end;) {
      await sleep(200);
    }
    t.same(await tree(join(b.dir, 'Sync', folder)), expected, `seed ${seed}`);
    await b.stop();
  }
});
