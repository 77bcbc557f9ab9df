import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { controls } from '../helpers/backups.ts';
import { startFjord } from '../helpers/gateway-process.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(3_600_000);

const ROUNDS = Number(process.env['FJORD_BACKUP_KILL_ROUNDS'] ?? 6);
const SEED = Number(process.env['FJORD_BACKUP_KILL_SEED'] ?? Date.now() % 1_000_000);
const FILES = 400;

/** Whole numbers below `most`, the same for the same seed (mulberry32). */
function numbers(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state = (state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % most;
  };
}

/** Changes some of what is there: new, longer, renamed, touched, removed files, and a folder that moves. */
function change(source: string, round: number, below: (most: number) => number): void {
  for (let i = 0; i < 60; i++) {
    const dir = join(source, `dir ${below(20)}`);
    mkdirSync(dir, { recursive: true });
    const names = readdirSync(dir, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? entry.name : []));
    const name = names[below(Math.max(1, names.length))];
    const [kind, fresh] = [below(6), join(dir, `new ${round} ${i}`)];
    if (kind < 2 || name === undefined) writeFileSync(fresh, Buffer.alloc(below(60_000), `${round} ${i} `));
    else if (kind === 2) appendFileSync(join(dir, name), `round ${round}`);
    else if (kind === 3) renameSync(join(dir, name), fresh);
    else if (kind === 4) utimesSync(join(dir, name), 1e9, 1e9 + round);
    else rmSync(join(dir, name));
  }
  if (round % 2 === 0) {
    mkdirSync(join(source, 'dir 0'), { recursive: true });
    renameSync(join(source, 'moving'), join(source, 'dir 0', `from ${round}`));
    mkdirSync(join(source, 'moving'));
  }
  writeFileSync(
    join(source, 'moving', `large ${round % 3}`),
    Buffer.alloc(3_000_000 + below(3_000_000), String(round)),
  );
}

t.test(`after each of ${ROUNDS} kills, seed ${SEED}, the next run makes the mirror equal`, async (t) => {
  t.comment(`FJORD_BACKUP_KILL_SEED=${SEED}`);
  const below = numbers(SEED);
  const base = temporary(t);
  const source = join(base, 'source');
  mkdirSync(join(source, 'moving'), { recursive: true });
  for (let i = 0; i < FILES; i++) {
    const dir = join(source, `dir ${i % 20}`);
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, `file ${i}`), Buffer.alloc(below(20_000), `file ${i} `));
  }
  const fjord = await startFjord(t);
  t.match(await fjord.cli('backup', 'add', source, '--name', 'set', '--schedule', 'manual'), { code: 0 });
  let mirror = '';
  for (let round = 0; round < ROUNDS; round++) {
    if (round > 0) change(source, round, below);
    const victim = ['gateway', 'cloud', 'both'][below(3)] ?? '';
    const delay = below(round === 0 ? 1500 : 700);
    await controls(fjord, (client) => client.startBackup({ name: 'set', confirm: false }));
    await sleep(delay);
    await Promise.all([
      victim === 'cloud' ? undefined : fjord.killGateway().then(() => fjord.gatewayBack()),
      victim === 'gateway' ? undefined : fjord.killCloud().then(() => fjord.cloudBack()),
    ]);
    const what = `round ${round}: ${victim} killed after ${delay} ms`;
    const run = await fjord.cli('backup', 'run', '--wait', 'set');
    if (!t.equal(run.code, 0, `${what} ${run.stderr}`)) return;
    mirror ||= /\/Backup\/[^/]+\/set/.exec((await fjord.cli('ls', '-R', '/Backup')).stdout)?.[0] ?? '';
    const copy = join(base, `copy ${round}`);
    const { code, stderr } = await fjord.cli('restore', mirror, '--to', copy);
    t.equal(code, 0, `${what}: ${stderr}`);
    const flags = ['-aHAXnc', '--delete', '--itemize-changes'];
    const differences = execFileSync('rsync', [...flags, `${source}/`, `${copy}/`], { encoding: 'utf8' });
    if (!t.equal(differences, '', what)) return;
    rmSync(copy, { recursive: true });
  }
});
