import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startFjord, type Fjord } from '../helpers/gateway-process.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(900_000);

const oddities = join(import.meta.dirname, '../helpers/odd-tree.py');

/** What rsync would do to make a copy equal, all attributes and contents included; empty if it is. */
function differences(source: string, copy: string): string {
  const flags = ['-aHAXnc', '--delete', '--itemize-changes'];
  return execFileSync('rsync', [...flags, `${source}/`, `${copy}/`], { encoding: 'utf8', maxBuffer: 1e9 });
}

/** Mirrors a folder and restores the mirror. @returns what differs */
async function roundTrip(fjord: Fjord, source: string, copy: string): Promise<string> {
  await fjord.cli('backup', 'add', source, '--name', 'set', '--schedule', 'manual');
  const run = await fjord.cli('backup', 'run', '--wait', 'set');
  if (run.code !== 0) return run.stderr;
  const path = /\/Backup\/[^/]+\/set/.exec((await fjord.cli('ls', '-R', '/Backup')).stdout)?.[0] ?? '';
  const restored = await fjord.cli('restore', path, '--to', copy);
  if (restored.code !== 0) return restored.stderr;
  return differences(source, copy);
}

t.test('a tree with every oddity is restored equal', async (t) => {
  const dir = temporary(t);
  const [source, copy] = [join(dir, 'source'), join(dir, 'copy')];
  t.teardown(() => execFileSync('rm', ['-rf', source, copy]));
  mkdirSync(source);
  execFileSync('python3', [oddities, 'make', source]);
  // What has no content is skipped, by design.
  execFileSync('find', [source, '(', '-type', 's', '-o', '-type', 'p', '-o', '-type', 'c', ')', '-delete']);
  t.equal(await roundTrip(await startFjord(t), source, copy), '');
});

t.test('/usr/share is restored equal', async (t) => {
  const copy = join(temporary(t), 'copy');
  t.equal(await roundTrip(await startFjord(t), '/usr/share', copy), '');
});
