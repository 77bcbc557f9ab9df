import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import t from 'tap';
import { startFjord, type Fjord } from '../helpers/gateway-process.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(500_000);

/** What differs between two trees; empty if nothing does. */
function differences(source: string, copy: string, flags = '-rlptnc'): string {
  return execFileSync('rsync', [flags, '--delete', '--itemize-changes', `${source}/`, `${copy}/`], {
    encoding: 'utf8',
  });
}

async function mirrored(fjord: Fjord, source: string): Promise<string> {
  await fjord.cli('backup', 'add', source, '--name', 'set', '--schedule', 'manual');
  const run = await fjord.cli('backup', 'run', '--wait', 'set');
  if (run.code !== 0) throw new Error(run.stderr);
  return /\/Backup\/[^/]+\/set/.exec((await fjord.cli('ls', '-R', '/Backup')).stdout)?.[0] ?? '';
}

t.test('a backup is restored: content, modes, times, links and empty folders', async (t) => {
  const fjord = await startFjord(t);
  const dir = temporary(t);
  const top = join(dir, 'source/top');
  mkdirSync(join(top, 'deep/er'), { recursive: true });
  mkdirSync(join(top, 'empty'));
  for (let i = 0; i < 300; i++) writeFileSync(join(top, `deep/small ${i}`), `${i}`.repeat(i));
  writeFileSync(join(top, 'empty file'), '');
  const large = randomBytes(5_300_000);
  writeFileSync(join(top, 'large'), large);
  writeFileSync(join(top, 'sparse'), 'x');
  truncateSync(join(top, 'sparse'), 40_000_000);
  appendFileSync(join(top, 'sparse'), 'end');
  writeFileSync(join(top, 'new\nline "quoted" ü'), 'odd');
  writeFileSync(join(top, 'n'.repeat(255)), 'long name');
  symlinkSync('large', join(top, 'link'));
  symlinkSync('/etc/shadow', join(top, 'dangling'));
  chmodSync(join(top, 'large'), 0o640);
  chmodSync(join(top, 'empty'), 0o555);
  utimesSync(join(top, 'large'), 1e9, 1e9 + 0.123456);
  utimesSync(join(top, 'deep'), 1e9, 1.1e9);
  const path = await mirrored(fjord, join(dir, 'source'));

  const out = join(dir, 'out');
  const dry = await fjord.cli('restore', path, '--to', out, '--dry-run');
  t.match(dry, { code: 0, stdout: /^top\/deep\/er\/$/m, stderr: /^would restore 305 files, / });
  t.notOk(existsSync(out), 'a dry run makes nothing');
  const first = await fjord.cli('restore', path, '--to', out);
  t.match(first, { code: 0, stdout: '', stderr: /^restored 305 files, .* 4 folders, 2 symlinks in / });
  t.equal(differences(top, join(out, 'top')), '');
  t.ok(statSync(join(out, 'top/sparse')).blocks * 512 < 3_000_000, 'holes stay holes');

  const again = await fjord.cli('restore', path, '--to', out);
  t.match(again, { code: 0, stderr: /^restored 0 files, 0 B, 0 folders in .*; 307 were there already/ });

  writeFileSync(join(out, 'top/deep/small 7'), 'mine');
  rmSync(join(out, 'top/deep/small 8'));
  rmSync(join(out, 'top/link'));
  writeFileSync(join(out, 'top/link'), 'a file of mine');
  rmSync(join(out, 'top/dangling'));
  symlinkSync(join(dir, 'elsewhere'), join(out, 'top/dangling'));
  const kept = await fjord.cli('restore', path, '--to', out);
  t.match(kept, {
    code: 6,
    stderr: /^top\/deep\/small 7: a file with other content is there; --overwrite replaces it$/m,
  });
  t.match(kept.stderr, /^restored 1 file, /m);
  t.match(kept.stderr, /^fjord: not restored: .*, and 2 others; all are named above$/m);
  t.equal(readFileSync(join(out, 'top/deep/small 7'), 'utf8'), 'mine');
  t.equal(readFileSync(join(out, 'top/link'), 'utf8'), 'a file of mine');
  t.equal((await fjord.cli('restore', path, '--to', out, '--overwrite')).code, 0);
  t.equal(differences(top, join(out, 'top')), '');

  const some = join(dir, 'some');
  t.match(await fjord.cli('restore', path, '--to', some, '--only', 'small 1?', '--only', 'er/'), { code: 0 });
  t.same(readdirSync(some), ['top']);
  t.same(readdirSync(join(some, 'top')), ['deep']);
  t.equal(readdirSync(join(some, 'top/deep')).length, 11);
  const one = await fjord.cli('restore', `${path}/top/large`, '--to', join(dir, 'one'));
  t.equal(one.code, 0, one.stderr);
  t.ok(readFileSync(join(dir, 'one/large')).equals(large));

  t.match(await fjord.cli('restore', `${path}/nothing`, '--to', out), { code: 4, stderr: /there is no .*nothing/ });
  t.match(await fjord.cli('restore', path), { code: 2, stderr: /where to\?/ });
  t.match(await fjord.cli('restore', path, '--to', join(dir, 'no/such')), { code: 4, stderr: /there is no folder/ });
  t.match(await fjord.cli('restore', path, '--to', join(top, 'large')), { code: 4 });
});
