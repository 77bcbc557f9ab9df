import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { cli, program, startFjord, type Fjord } from '../helpers/gateway-process.ts';
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

t.test('a restore that is killed goes on, and fetches nothing twice', async (t) => {
  const fjord = await startFjord(t);
  const dir = temporary(t);
  const source = join(dir, 'source');
  mkdirSync(join(source, 'top'), { recursive: true });
  const large = randomBytes(60_000_000);
  writeFileSync(join(source, 'top/large'), large);
  for (let i = 0; i < 3000; i++) writeFileSync(join(source, `top/${i}`), randomBytes(9000));
  const path = await mirrored(fjord, source);
  const out = join(dir, 'out');
  const args = [...program, 'restore', path, '--to', out];
  for (let round = 0; round < 3; round++) {
    const env = { ...process.env, FJORD_DATA_DIR: fjord.data };
    const child = spawn(process.execPath, args, { env, stdio: 'ignore' });
    const before = count(out);
    const ended = once(child, 'exit');
    for (const until = Date.now() + 60_000; count(out) < before + 300 && Date.now() < until; await sleep(2));
    child.kill('SIGKILL');
    await ended;
  }
  const there = count(out);
  const last = await fjord.cli('restore', path, '--to', out);
  t.equal(last.code, 0, last.stderr);
  const fetched = Number(/restored ([\d,]+) file/.exec(last.stderr)?.[1]?.replace(',', ''));
  t.ok(fetched + there <= 3005, `${there} were there, ${fetched} were fetched`);
  t.equal(differences(join(source, 'top'), join(out, 'top')), '', 'and nothing else is left');
});

t.test('a restore needs no gateway, and no cache of the computer that made the backup', async (t) => {
  const fjord = await startFjord(t);
  const dir = temporary(t);
  const source = join(dir, 'source');
  mkdirSync(source);
  writeFileSync(join(source, 'a'), 'one');
  const path = await mirrored(fjord, source);
  await fjord.cliWith({ input: 'sealed' }, 'put', '-', '/Archive/sealed');
  await fjord.cli('flush');
  const { url, email, password } = fjord.cloud;
  const env = { FJORD_PASSWORD: password };
  const data = join(dir, 'other');
  t.equal((await cli(['login', email, '--cloud', url, '--data', data, '--device', 'other'], { env })).code, 0);
  const restored = await cli(['restore', '/', '--to', join(dir, 'all'), '--data', data]);
  t.equal(restored.code, 0, restored.stderr);
  t.equal(readFileSync(join(dir, `all${path}/a`), 'utf8'), 'one');
  t.equal(readFileSync(join(dir, 'all/Archive/sealed'), 'utf8'), 'sealed');
  t.match(await cli(['restore', '/', '--to', join(dir, 'none'), '--data', join(dir, 'nobody')]), {
    code: 2,
    stderr: /fjord login/,
  });
});

t.test('a backup is restored as it was at a time', async (t) => {
  const fjord = await startFjord(t);
  const dir = temporary(t);
  const source = join(dir, 'source');
  const write = (name: string, text: string) => writeFileSync(join(source, name), text);
  mkdirSync(join(source, 'folder'), { recursive: true });
  write('changed', 'old');
  write('often', '0');
  write('removed', 'still');
  write('folder/moved', 'same');
  write('removed later', 'x');
  const path = await mirrored(fjord, source);
  await sleep(1100);
  const then = new Date().toISOString();
  await sleep(1100);
  const run = () => fjord.cli('backup', 'run', '--wait', 'set');
  write('changed', 'new one');
  write('new', 'new');
  rmSync(join(source, 'removed'));
  renameSync(join(source, 'folder'), join(source, 'renamed'));
  renameSync(join(source, 'renamed/moved'), join(source, 'elsewhere'));
  t.equal((await run()).code, 0);
  rmSync(join(source, 'removed later'));
  for (let i = 1; i <= 8; i++) {
    write('often', `${i}`);
    t.equal((await run()).code, 0);
  }
  const old = join(dir, 'old');
  const restored = await fjord.cli('restore', path, '--to', old, '--at', then);
  t.match(restored.stderr, /^as of \d{4}-/);
  const text = (name: string) => readFileSync(join(old, name), 'utf8');
  t.same(
    [text('changed'), text('removed'), text('folder/moved'), text('removed later')],
    ['old', 'still', 'same', 'x'],
  );
  const oftenIsThere = existsSync(join(old, 'often'));
  if (oftenIsThere) t.equal(text('often'), '0');
  else t.match(restored, { code: 4, stderr: /often: its version of then is no longer kept/ });
  t.equal(restored.code, oftenIsThere ? 0 : 4);
  t.same(
    readdirSync(old)
      .filter((name) => name !== 'often')
      .toSorted(),
    ['changed', 'folder', 'removed', 'removed later'],
  );
  const { stdout } = await fjord.cli('trash', '--json');
  for (const line of stdout.trim().split('\n')) await purge(fjord, (JSON.parse(line) as { node: string }).node);
  const expired = await fjord.cli('restore', path, '--to', join(dir, 'expired'), '--at', then);
  t.match(expired, { code: 4, stderr: /\/removed: it was removed on .* and is no longer in the Trash$/m });
  t.match(await fjord.cli('restore', path, '--to', old, '--at', '2001-01-01'), { code: 4 });
  t.match(await fjord.cli('restore', path, '--to', old, '--at', 'soon'), { code: 2, stderr: /is no time such as/ });
  t.match(await fjord.cli('restore', path, '--to', old, '--at', '2999-01-01'), { code: 2, stderr: /in the future/ });
});

async function purge(fjord: Fjord, node: string): Promise<void> {
  const { password } = fjord.cloud;
  await fjord.cliWith({ env: { FJORD_PASSWORD: password } }, 'trash', 'purge', node);
}

t.test('what is damaged in the cloud is named, and the rest is restored', async (t) => {
  const fjord = await startFjord(t);
  const dir = temporary(t);
  const source = join(dir, 'source');
  mkdirSync(source);
  for (let i = 0; i < 200; i++) writeFileSync(join(source, `small ${i}`), randomBytes(70_000));
  writeFileSync(join(source, 'large'), randomBytes(5_000_000));
  const path = await mirrored(fjord, source);
  const damaged = damageBlocks(join(fjord.data, 'cloud'), [
    join(source, 'large'),
    join(source, 'small 77'),
    join(source, 'small 150'),
  ]);
  t.equal(damaged, 3);
  const out = join(dir, 'out');
  const restored = await fjord.cli('restore', path, '--to', out);
  t.match(restored, { code: 8, stderr: /^restored 198 files, /m });
  for (const name of ['large', 'small 77', 'small 150']) {
    t.match(restored.stderr, new RegExp(`^${name}: .*damaged`, 'm'));
    rmSync(join(source, name));
  }
  t.equal(differences(source, out, '-rlpnc'), '', 'the others are whole, and no parts are left');
});

/** Turns a byte of each file's first block in the cloud's block files. @returns how many blocks were found */
function damageBlocks(cloud: string, files: readonly string[]): number {
  let found = 0;
  for (const file of files) {
    const digest = createHash('sha256')
      .update(readFileSync(file).subarray(0, 2 ** 20))
      .digest('hex');
    const block = execFileSync('find', [cloud, '-name', `*${digest.slice(4)}*`], { encoding: 'utf8' }).trim();
    if (block === '') continue;
    const bytes = readFileSync(block);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    writeFileSync(block, bytes);
    found += 1;
  }
  return found;
}

function count(folder: string): number {
  if (!existsSync(join(folder, 'top'))) return 0;
  return readdirSync(join(folder, 'top')).filter((name) => !name.startsWith('.fjord')).length;
}
