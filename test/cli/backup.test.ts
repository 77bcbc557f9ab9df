import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { becomes, comesTo, mirror, stateOf } from '../helpers/backups.ts';
import { startFjord } from '../helpers/gateway-process.ts';
import { temporary } from '../helpers/temporary.ts';

t.setTimeout(500_000);

t.test('a folder is chosen, mirrored, listed and removed again', { timeout: 300_000 }, async (t) => {
  const fjord = await startFjord(t);
  const source = join(mkdtempSync(join(tmpdir(), 'fjord-source-')), 'papers');
  t.teardown(() => rmSync(join(source, '..'), { recursive: true, force: true }));
  mkdirSync(join(source, 'sub'), { recursive: true });
  writeFileSync(join(source, 'a.txt'), 'one');
  writeFileSync(join(source, 'sub/b.txt'), 'two');
  utimesSync(join(source, 'a.txt'), 1e9, 1e9);
  symlinkSync('a.txt', join(source, 'link'));

  t.match(await fjord.cli('backup', 'run'), { code: 0, stderr: /nothing is mirrored yet/ });
  t.match(await fjord.cli('backup', 'run', 'papers'), { code: 4, stderr: /no set "papers"; there is none yet/ });
  const added = await fjord.cli('backup', 'add', source, '--schedule', 'manual');
  t.match(added, { code: 0, stderr: /is mirrored as "papers": `fjord backup run` starts it/ });
  t.match(await fjord.cli('backup', 'add', source), { code: 6, stderr: /it is mirrored as "papers" already/ });
  t.match(await fjord.cli('backup', 'add', '/'), { code: 2, stderr: /the folder contains Fjord's data folder/ });
  const none = `${source}: there is no such folder`;
  t.match(await fjord.cli('backup', 'add', `${source}/none`), { code: 4, stderr: none.replace(':', '/none:') });
  t.match(await fjord.cli('backup', 'pause', '0h'), { code: 2, stderr: /0h is no time such as/ });
  const inside = await fjord.cli('backup', 'add', join(source, 'sub'));
  t.match(inside, { code: 2, stderr: /is inside the backup set papers/ });
  t.match(await fjord.cli('backup', 'add', fjord.data), { code: 2, stderr: /Fjord's data folder/ });
  t.match((await fjord.cli('backup', 'list')).stdout, /^papers +not complete yet +not verified yet +manual +/);

  const run = await fjord.cli('backup', 'run', '--wait');
  t.match(run, { code: 0, stderr: /mirrored 2 files/ });
  const listing = (await fjord.cli('ls', '-lR', '/Backup')).stdout;
  t.match(listing, /2001-09-09 .* \/Backup\/[^/]+\/papers\/a\.txt$/m);
  t.match(listing, /\/papers\/link -> a\.txt$/m);
  const path = /\/Backup\/[^/]+\/papers/.exec(listing)?.[0] ?? '';
  t.equal((await fjord.cli('cat', `${path}/sub/b.txt`)).stdout, 'two');
  t.match(
    await fjord.cliWith({ input: 'x' }, 'put', '-', `${path}/new.txt`),
    { code: 5 },
    'it cannot be written through the drive',
  );
  t.match(JSON.parse((await fjord.cli('backup', 'list', '--json')).stdout), [{ name: 'papers', finished: Number }]);

  t.match(await fjord.cli('backup', 'run', '--wait', 'papers'), { code: 0, stderr: /nothing to do/ });
  t.equal((await fjord.cli('backup', 'remove', 'papers')).code, 0);
  t.notMatch((await fjord.cli('ls', '-R', '/Backup')).stdout, /papers/);
  t.equal((await fjord.cli('backup', 'list')).stdout, '');
});

t.test(
  'a folder that was added is mirrored from then on, over restarts and pauses',
  { timeout: 400_000 },
  async (t) => {
    const fjord = await startFjord(t);
    const source = join(temporary(t), 'papers');
    mkdirSync(join(source, 'sub'), { recursive: true });
    const write = (name: string, text: string) => writeFileSync(join(source, name), text);
    write('a', 'one');
    write('sub/b', 'two');
    write('core.tmp', 'left out');
    t.equal((await fjord.cli('backup', 'add', source, '--exclude', '*.tmp')).code, 0);
    t.same(await becomes(fjord, 'papers', { a: 'one', 'sub/b': 'two' }), { a: 'one', 'sub/b': 'two' });
    t.match(await comesTo(fjord, 'papers', 'watching'), { doing: 'watching', scanning: undefined });

    write('a', 'one, changed');
    renameSync(join(source, 'sub'), join(source, 'moved'));
    write('new.tmp', 'left out');
    mkdirSync(join(source, 'x/y'), { recursive: true });
    write('x/y/z', 'deep');
    const changed = { a: 'one, changed', 'moved/b': 'two', 'x/y/z': 'deep' };
    t.same(await becomes(fjord, 'papers', changed), changed);

    t.equal((await fjord.cli('backup', 'pause', 'papers')).code, 0);
    write('x/y/z', 'while paused');
    t.match(await fjord.cli('backup', 'run', '--wait', 'papers'), { code: 6, stderr: /backup resume papers/ });
    await sleep(4000);
    t.same(await mirror(fjord, 'papers'), changed);
    t.match(await stateOf(fjord, 'papers'), { doing: 'paused' });
    t.equal((await fjord.cli('backup', 'resume')).code, 0);
    const resumed = { ...changed, 'x/y/z': 'while paused' };
    t.same(await becomes(fjord, 'papers', resumed), resumed);

    await fjord.stop();
    write('a', 'while off');
    await fjord.start();
    const restarted = { ...resumed, a: 'while off' };
    t.same(await becomes(fjord, 'papers', restarted), restarted);
    await comesTo(fjord, 'papers', 'watching');
    appendFileSync(join(source, 'a'), ', then on');
    const last = { ...restarted, a: 'while off, then on' };
    t.same(await becomes(fjord, 'papers', last), last);

    execFileSync('mkfifo', [join(source, 'pipe')]);
    t.match(await fjord.cli('backup', 'run', '--wait', 'papers'), { code: 0 });
    t.match((await fjord.cli('backup', 'log', 'papers')).stdout, /^\S+ \S+  pipe  skipped: a socket, pipe or device/);
    t.match(await fjord.cli('backup', 'edit', 'papers', '--schedule', 'sometimes'), {
      code: 2,
      stderr: /is no schedule/,
    });
    t.equal(
      (
        await fjord.cli(
          'backup',
          'edit',
          'papers',
          '--schedule',
          'daily 02:00',
          '--exclude',
          '*.tmp',
          '--exclude',
          'moved',
        )
      ).code,
      0,
    );
    t.match(await stateOf(fjord, 'papers'), { doing: 'waiting', next: Number });
    t.match((await fjord.cli('backup', 'status')).stdout, /^papers: complete as of .*, next: \w+ 02:00/);
    t.equal((await fjord.cli('backup', 'run', '--wait')).code, 0);
    t.same(Object.keys(await mirror(fjord, 'papers')), ['a', 'x/y/z'], 'what is excluded now leaves the mirror');
    t.equal((await fjord.cli('backup', 'remove', '--keep', 'papers')).code, 0);
    t.same(Object.keys(await mirror(fjord, 'papers')), ['a', 'x/y/z'], 'the mirror stays');
  },
);

t.test('a file that is written all the time does not hold up others', { timeout: 200_000 }, async (t) => {
  const fjord = await startFjord(t);
  const source = join(temporary(t), 'logs');
  mkdirSync(source);
  const log = openSync(join(source, 'log'), 'w');
  t.teardown(() => closeSync(log));
  const writing = setInterval(() => writeSync(log, 'line\n'), 100);
  t.teardown(() => clearInterval(writing));
  await fjord.cli('backup', 'add', source);
  await comesTo(fjord, 'logs', 'watching');
  writeFileSync(join(source, 'letter'), 'dear');
  let letter: string | undefined;
  for (const until = Date.now() + 60_000; letter === undefined && Date.now() < until; await sleep(300)) {
    letter = (await mirror(fjord, 'logs'))['letter'];
  }
  t.equal(letter, 'dear');
});

t.test('most files gone or different at once wait for a person', { timeout: 400_000 }, async (t) => {
  const fjord = await startFjord(t);
  const source = join(temporary(t), 'many');
  mkdirSync(source);
  const each = (action: (path: string, i: number) => void) => {
    for (let i = 0; i < 240; i++) action(join(source, `file ${i}`), i);
  };
  each((path, i) => writeFileSync(path, `content ${i}`));
  await fjord.cli('backup', 'add', source);
  t.match(await comesTo(fjord, 'many', 'watching'), { doing: 'watching' });

  each((path) => appendFileSync(path, 'encrypted'));
  t.match(await comesTo(fjord, 'many', 'halted'), { reason: /more than half/, ends: 'confirm' });
  t.match(await fjord.cli('backup', 'run', '--wait', 'many'), { code: 6, stderr: /--confirm/ }, 'asking is no yes');
  await fjord.stop();
  await fjord.start();
  t.match(await stateOf(fjord, 'many'), { doing: 'halted', ends: 'confirm' }, 'nor is a restart');
  t.match((await fjord.cli('status')).stdout, /^backup +many: waits: /m);
  t.match(await fjord.cli('confirm'), { code: 0, stderr: /confirmed 1 held change/ });
  t.match(await comesTo(fjord, 'many', 'watching'), { doing: 'watching' });

  // Bit by bit is no way around.
  for (let part = 0; part < 3; part++) {
    each((path, i) => i % 3 === part && rmSync(path));
    await sleep(4000);
  }
  t.match(await comesTo(fjord, 'many', 'halted'), { ends: 'confirm' });
  const kept = (await fjord.cli('ls', '-R', '/Backup')).stdout.split('\n').filter((line) => line.includes('/file '));
  t.ok(kept.length >= 120, `${kept.length} files are still there`);
});
