import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { startFjord } from '../helpers/gateway-process.ts';

t.setTimeout(500_000);

const fjord = await startFjord(t);
const dir = mkdtempSync(join(tmpdir(), 'fjord-here-'));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));

async function done(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await fjord.cli(...args);
  t.equal(code, 0, `${args.join(' ')}: ${stderr}`);
  return stdout;
}

t.test('status', { timeout: 300_000 }, async (t) => {
  t.match(await done('status'), /live.*\nWebDAV .*\nuploads +everything is in the cloud/);
  const status = JSON.parse(await done('status', '--json')) as Record<string, unknown>;
  t.match(status, {
    account: fjord.cloud.email,
    cloud: { state: 'live' },
    webdav: { url: fjord.webdav.url },
    parked: [],
  });
});

t.test('the usage of the account is up to date soon after an upload', { timeout: 300_000 }, async (t) => {
  const file = join(dir, 'stored');
  writeFileSync(file, Buffer.alloc(100_000, 1));
  await done('put', file, '/Sync/');
  await done('flush');
  // Shorter than the interval at which usage is queried without a reason.
  const used = async (): Promise<number> =>
    (JSON.parse(await done('status', '--json')) as { usage?: { used: number } }).usage?.used ?? 0;
  const end = Date.now() + 30_000;
  while ((await used()) < 100_000 && Date.now() < end) await setTimeout(200);
  t.ok((await used()) >= 100_000);
});

t.test('a tree is uploaded and downloaded with its links, modes and times', { timeout: 300_000 }, async (t) => {
  const tree = join(dir, 'tree');
  mkdirSync(join(tree, 'sub/empty'), { recursive: true });
  writeFileSync(join(tree, 'a.txt'), 'hello');
  writeFileSync(join(tree, 'sub/run.sh'), '#!/bin/sh\n');
  chmodSync(join(tree, 'sub/run.sh'), 0o755);
  utimesSync(join(tree, 'a.txt'), 1_000_000_000, 1_000_000_000);
  symlinkSync('a.txt', join(tree, 'link'));
  writeFileSync(join(tree, 'zero'), '');
  const large = Buffer.alloc(3 * 1024 * 1024 + 17, 'fjord');
  writeFileSync(join(tree, 'large.bin'), large);

  t.match((await fjord.cli('put', tree, '/Sync')).stderr, /is a folder; use `fjord put -r`/);
  const { stderr } = await fjord.cli('put', '-r', tree, '/Sync');
  t.match(stderr, /copied 4 files, 3\.0 MiB/);
  t.same((await done('ls', '-R', '/Sync/tree')).split('\n'), [
    '/Sync/tree/a.txt',
    '/Sync/tree/large.bin',
    '/Sync/tree/link',
    '/Sync/tree/sub/',
    '/Sync/tree/sub/empty/',
    '/Sync/tree/sub/run.sh',
    '/Sync/tree/zero',
    '',
  ]);
  const long = await done('ls', '-l', '/Sync/tree');
  t.match(long, /^-rw-r--r-- +5 B +2001-09-09 .* +a\.txt$/m);
  t.match(long, /^l.* link -> a\.txt$/m);

  const back = join(dir, 'back');
  await done('get', '-r', '/Sync/tree', back);
  t.equal(readFileSync(join(back, 'a.txt'), 'utf8'), 'hello');
  t.equal(statSync(join(back, 'a.txt')).mtimeMs, 1e12);
  t.equal(statSync(join(back, 'sub/run.sh')).mode & 0o777, 0o755);
  t.equal(readlinkSync(join(back, 'link')), 'a.txt');
  t.ok(readFileSync(join(back, 'large.bin')).equals(large));
  t.ok(statSync(join(back, 'sub/empty')).isDirectory());

  t.match(await fjord.cli('get', '/Sync/tree/a.txt', back), { code: 6, stderr: /already exists; use --force/ });
  await done('get', '--force', '/Sync/tree/a.txt', back);
  t.equal(await done('get', '/Sync/tree/a.txt', '-'), 'hello');
  t.match(await fjord.cli('get', '/Sync/tree', dir), { code: 2, stderr: /get -r/ });
});

t.test('what is kept on this computer', { timeout: 300_000 }, async (t) => {
  await done('flush');
  t.match(await done('ls', '-l', '/Sync/stored'), /  cached +stored/);
  t.match(await fjord.cli('pin', '/Sync/stored'), { code: 0, stderr: '1 file, 98 KiB, kept here\n' });
  t.equal(await done('pin'), '/Sync/stored\n');
  t.match(await done('ls', '-l', '/Sync/stored'), /  pinned +stored/);
  t.match(await done('status'), /\npinned +1 file, 98 KiB, kept here\n/);
  t.match(await fjord.cli('free', '/Sync/stored'), { code: 0, stderr: 'freed 0 B of 0 files; kept: 1 file pinned\n' });
  t.match(await fjord.cli('unpin', '/Sync/stored'), { code: 0, stderr: 'nothing is kept here\n' });
  t.match(await fjord.cli('free', '/Sync/stored'), { code: 0, stderr: 'freed 98 KiB of 1 file\n' });
  t.match(await done('ls', '-l', '/Sync/stored'), /  online-only +stored/);
  t.match(await fjord.cli('pin', '/Archive'), { code: 5, stderr: /fjord get/ });
  t.match(await fjord.cli('free', '/none'), { code: 4 });
});

t.test('standard input and output', { timeout: 300_000 }, async (t) => {
  const { code } = await fjord.cliWith({ input: 'from a pipe' }, 'put', '-', '/Sync/piped.txt');
  t.equal(code, 0);
  t.equal(await done('cat', '/Sync/piped.txt', '/Sync/piped.txt'), 'from a pipefrom a pipe');
});

t.test(
  'names with control characters are escaped on the terminal, and complete in JSON',
  { timeout: 300_000 },
  async (t) => {
    const name = 'red\u001B[31m\nline';
    await fjord.cliWith({ input: 'x' }, 'put', '-', `/Sync/odd/${name}`);
    t.match(await fjord.cliWith({ input: 'x' }, 'put', '-', `/Sync/odd/${name}`), { code: 4 }, 'the folder must exist');
    await fjord.cliWith({ input: 'x' }, 'put', '-', `/Sync/${name}`);
    t.ok((await done('ls', '/Sync')).split('\n').includes(String.raw`red\x1b[31m\nline`));
    const rows = (await done('ls', '--json', '/Sync'))
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { name: string });
    t.ok(rows.some((row) => row.name === name));
  },
);

t.test('flush waits for the cloud', { timeout: 300_000 }, async (t) => {
  await fjord.cliWith({ input: 'flushed' }, 'put', '-', '/Sync/flushed.txt');
  await done('flush');
  const content = await (await fjord.cloudTree('Sync')).get('flushed.txt')?.();
  t.equal(String(content), 'flushed');
  t.match((await fjord.cli('flush', '/Sync')).stderr, /nothing to do/);
  t.match(await fjord.cli('flush', '/Sync/none'), { code: 4 });
});

t.test('versions are listed, and one is restored', { timeout: 300_000 }, async (t) => {
  for (const input of ['one', 'two', 'three']) {
    await fjord.cliWith({ input }, 'put', '-', '/Sync/v.txt');
    await done('flush', '/Sync/v.txt');
  }
  const kept = JSON.parse(await done('versions', '--json', '/Sync/v.txt')) as {
    id: string;
    size: number;
    current: boolean;
  }[];
  t.match(kept, [{ size: 5, current: true }, { size: 3 }, { size: 3 }]);
  t.equal((await done('versions', '/Sync/v.txt')).trim().split('\n').length, 3);
  t.equal(await done('get', '--version', kept[2]?.id ?? '', '/Sync/v.txt', '-'), 'one');
  await done('restore', '/Sync/v.txt', kept[1]?.id ?? '');
  t.equal(await done('cat', '/Sync/v.txt'), 'two');
  t.match(await fjord.cli('restore', '/Sync/v.txt', 'nonsense'), { code: 4 });
  t.match(await fjord.cli('get', '--version', 'nonsense', '/Sync/v.txt', '-'), {
    code: 4,
    stderr: /no version nonsense/,
  });
});

t.test('the Trash', { timeout: 300_000 }, async (t) => {
  await fjord.cliWith({ input: 'precious' }, 'put', '-', '/Sync/gone.txt');
  await done('flush');
  const authorization = `Basic ${Buffer.from(`${fjord.webdav.user}:${fjord.webdav.password}`).toString('base64')}`;
  const remove = async (): Promise<void> => {
    const answer = await fetch(`${fjord.webdav.url}Sync/gone.txt`, { method: 'DELETE', headers: { authorization } });
    t.equal(answer.status, 204);
    await done('flush');
  };
  await remove();
  t.match(await done('trash'), /gone\.txt/);
  const [item] = (await done('trash', 'list', '--json'))
    .split('\n')
    .map((line) => JSON.parse(line || '{}') as { path?: string });
  t.equal(item?.path, '/gone.txt');
  await done('trash', 'restore', '/gone.txt');
  t.equal(await done('cat', '/Sync/gone.txt'), 'precious');
  await remove();
  t.equal(await done('trash', 'list', '--by', 'another computer'), '');
  const [, by = ''] = /  by (.*)/.exec(await done('trash', 'list', '--since', '1h')) ?? [];
  t.not(by, '', 'the list says who has removed it');
  t.match(await fjord.cli('trash', 'restore'), { code: 2, stderr: /name what to restore, or --by or --since/ });
  t.match(await fjord.cli('trash', 'restore', '--by', by.trim(), '--since', '1h'), {
    code: 0,
    stderr: /restored 1 item/,
  });
  t.equal(await done('cat', '/Sync/gone.txt'), 'precious');
  await remove();
  t.match(await fjord.cli('trash', 'purge'), { code: 2, stderr: /name what to purge, or --all/ });
  t.match(await fjord.cli('trash', 'purge', '/other'), { code: 4, stderr: /not in the Trash/ });
  await done('trash', 'purge', '--all');
  t.equal(await done('trash'), '');
});

t.test(
  'the Archive keeps files: only `get` reads them, and removing needs the password',
  { timeout: 300_000 },
  async (t) => {
    await fjord.cliWith({ input: 'sealed' }, 'put', '-', '/Archive/will.txt');
    await done('flush', '/Archive');
    t.equal(await done('get', '/Archive/will.txt', '-'), 'sealed');
    const authorization = `Basic ${Buffer.from(`${fjord.webdav.user}:${fjord.webdav.password}`).toString('base64')}`;
    t.equal((await fetch(`${fjord.webdav.url}Archive/will.txt`, { headers: { authorization } })).status, 403);
    const wrong = { env: { FJORD_PASSWORD: 'wrong' } };
    t.match(await fjord.cliWith(wrong, 'archive', 'rm', '/Archive/will.txt'), { code: 5 });
    t.match(await fjord.cli('archive', 'rm', '/Archive/will.txt'), { code: 2, stderr: /--password-file/ });
    const right = { input: `${fjord.cloud.password}\n` };
    const { code, stderr } = await fjord.cliWith(right, 'archive', 'rm', '--password-file', '-', '/Archive/will.txt');
    t.equal(code, 0, stderr);
    t.equal(await done('ls', '/Archive'), '');

    t.match(await fjord.cli('trash', 'purge', '/will.txt'), { code: 2, stderr: /--password-file/ });
    t.match(await fjord.cliWith(wrong, 'trash', 'purge', '/will.txt'), { code: 5 });
    t.match(await done('trash'), /will\.txt/);
    const purged = await fjord.cliWith(right, 'trash', 'purge', '--password-file', '-', '/will.txt');
    t.equal(purged.code, 0, purged.stderr);
    t.equal(await done('trash'), '');
  },
);

t.test('operations that the rules refuse', { timeout: 300_000 }, async (t) => {
  t.match(await fjord.cliWith({ input: 'x' }, 'put', '-', '/top.txt'), {
    code: 5,
    stderr: /^fjord: .*cannot be changed\n$/,
  });
  t.match(await fjord.cliWith({ input: 'x' }, 'put', '-', '/Backup/x.txt'), { code: 5 });
  t.match(await fjord.cliWith({ input: 'x' }, 'put', '-', '/Sync'), { code: 2, stderr: /add the name of the file/ });
  t.match(await fjord.cli('ls', '/none'), { code: 4, stderr: '/none: there is no such file or folder' });
  t.match(await fjord.cli('cat', '/Sync'), { code: 2, stderr: /it is a folder/ });
  t.match(await fjord.cli('put', join(dir, 'none'), '/Sync'), { code: 4, stderr: /there is no such file/ });
  t.match(await fjord.cli('put', dir, dir, '/Sync/none'), { code: 4, stderr: /is not a folder in the drive/ });
  t.match(await fjord.cli('ls', `/Sync/${'x'.repeat(256)}`), { code: 2, stderr: /at most 255 bytes/ });
});

t.test('nothing is parked, held or in conflict, and a name is advice', { timeout: 300_000 }, async (t) => {
  t.match(await fjord.cli('retry'), { code: 0, stderr: /trying 0 changes/ });
  t.match(await fjord.cli('verify'), {
    code: 0,
    stderr: /the drive is what the cloud has: \d+ files? (or|and) folders?/,
  });
  t.match(await fjord.cli('status'), { code: 0, stdout: /verified   \d.* ago: \d+ entr(y|ies) as in the cloud/ });
  t.match(await fjord.cli('confirm'), { code: 0, stderr: /confirmed 0/ });
  t.equal(await done('conflicts'), '');
  t.same(JSON.parse(await done('conflicts', '--json')), []);
  const issues = await fjord.cli('issues');
  t.match(issues, {
    code: 0,
    stdout: /^name-\w+ {2}\/Sync\/red.*\n {4}advice: .*--rename /s,
    stderr: '1 piece of advice\n',
  });
  t.match(await done('status'), /\nissues +1 piece of advice; `fjord issues`/);
  t.match(await fjord.cli('resolve', 'conflict-0'), { code: 2, stderr: /--keep mine/ });
  t.match(await fjord.cli('resolve', 'conflict-0', '--keep', 'mine'), { code: 4, stderr: /fjord issues/ });
  const [id = ''] = issues.stdout.split(' ');
  t.match(await fjord.cli('resolve', id, '--rename', 'fine'), { code: 0 });
  t.match(await fjord.cli('issues'), { code: 0, stdout: '', stderr: 'nothing needs you\n' });
});
