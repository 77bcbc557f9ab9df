import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { runCommand } from '../helpers/run-command.ts';
import { hashOf } from './ledger.ts';
import type { Computer } from './machines.ts';
import { ADA, BOB, World } from './world.ts';

// Faults that are planned, each with what may be lost by it: nothing.
t.setTimeout(60 * 60_000);
const SEED = Number(process.env['FJORD_SOAK_SEED'] ?? 1);
const timeout = 15 * 60_000;

/** Writes a file whose content must exist from then on. */
async function owe(world: World, computer: Computer, path: string, content: string | Buffer): Promise<void> {
  await writeFile(computer.at(path), content);
  world.ledger.acknowledge(hashOf(Buffer.from(content)), `${computer.name}: ${path}`);
}

async function pair(t: Test): Promise<{ world: World; a: Computer; b: Computer }> {
  const world = await World.open(t, SEED);
  return { world, a: await world.worker('a'), b: await world.worker('b') };
}

t.test('a computer that was away for longer than tombstones are kept', { timeout }, async (t) => {
  const { world, a, b } = await pair(t);
  await mkdir(a.at('Sync/folder'));
  for (let i = 0; i < 10; i++) await owe(world, a, `Sync/folder/${i}`, `file ${i}`);
  await world.examine('Sync');
  await b.link.down();
  await owe(world, b, 'Sync/folder/0', 'changed while it was away');
  await owe(world, b, 'Sync/made', 'made while it was away');
  await rm(a.at('Sync/folder'), { recursive: true });
  for (let i = 0; i < 10; i++) world.ledger.release(hashOf(Buffer.from(`file ${i}`)));
  await a.cli('flush');
  // Two months later.
  await world.cloud.kill();
  await world.cloud.start(62);
  await world.cloud.cli('cloud', 'clock', '--confirm', '--data', world.cloud.data);
  await world.cloud.kill();
  const floor = `select count(*) from spaces where kind = 'sync' and floor > 0`;
  t.equal((await runCommand('sqlite3', [world.cloud.database, floor])).trim(), '1', 'tombstones were forgotten');
  await world.cloud.start(62);
  await world.examine('Sync');
  t.equal(await readFile(a.at('Sync/folder/0'), 'utf8'), 'changed while it was away');
  t.equal(await readFile(a.at('Sync/made'), 'utf8'), 'made while it was away');
  await t.rejects(access(b.at('Sync/folder/1')), 'what was removed elsewhere is removed here');
});

t.test("a cloud that is restored from yesterday's copy of its data", { timeout }, async (t) => {
  const { world, a, b } = await pair(t);
  for (let i = 0; i < 10; i++) await owe(world, a, `Sync/old ${i}`, `old ${i}`);
  await world.examine('Sync');
  const copy = await world.cloud.copy();
  for (let i = 0; i < 10; i++) await owe(world, i % 2 === 0 ? a : b, `Sync/new ${i}`, `new ${i}`);
  await owe(world, a, 'Sync/old 0', 'changed after the copy');
  world.ledger.release(hashOf(Buffer.from('old 0')));
  await world.examine('Sync');
  await a.link.down();
  await owe(world, a, 'Sync/unsent', 'written without a network');
  await world.cloud.restore(copy);
  await owe(world, b, 'Sync/later', 'written after the restore');
  await a.link.heal();
  await world.examine('Sync');
  t.equal(await readFile(b.at('Sync/old 0'), 'utf8'), 'changed after the copy');
});

t.test('a token that is revoked in the middle of an upload', { timeout }, async (t) => {
  const { world, a, b } = await pair(t);
  await b.cli('limit', '--up', '1M');
  await owe(
    world,
    b,
    'Sync/large',
    Buffer.from(Array.from({ length: 400_000 }, (_, i) => `line ${i} of it\n`).join('')),
  );
  await sleep(1500);
  t.equal((await world.ask(ADA, 'revoke', 'b')).trim(), '204');
  await world.until('it says so', async () => (await world.issues(b)).some(({ kind }) => kind === 'session'));
  await owe(world, b, 'Sync/after', 'written with a revoked token');
  t.equal(await readFile(b.at('Sync/after'), 'utf8'), 'written with a revoked token');
  await b.cli('limit', '--off');
  await b.down();
  await b.loginAgain();
  await b.up();
  await world.examine('Sync');
  t.equal(await readFile(a.at('Sync/after'), 'utf8'), 'written with a revoked token');
});

t.test('members of a shared folder: viewer, editor, revoked with unsent changes, left', { timeout }, async (t) => {
  const world = await World.open(t, SEED);
  const a = await world.worker('a', 'Sync/Team');
  const c = await world.worker('c', 'Sync/Team', BOB);
  await world.share(a, 'Sync/Team', c, 'viewer');
  await owe(world, a, 'Sync/Team/plan', 'the plan');
  await world.examine('Sync/Team');
  await t.rejects(writeFile(c.at('Sync/Team/plan'), 'mine'), { code: 'EROFS' });
  await t.rejects(mkdir(c.at('Sync/Team/new')), { code: 'EROFS' });
  await a.cli('share', '/Sync/Team', '--with', BOB, '--role', 'editor');
  await world.until('it may write', async () => {
    return await writeFile(c.at('Sync/Team/new'), '').then(
      () => true,
      () => false,
    );
  });
  await owe(world, c, 'Sync/Team/new', 'by the editor');
  await world.examine('Sync/Team');
  await c.link.down();
  await owe(world, c, 'Sync/Team/unsent', 'written without a network');
  await a.cli('revoke', '/Sync/Team', '--from', BOB);
  await c.link.heal();
  await world.until('it is gone', async () => {
    return await access(c.at('Sync/Team')).then(
      () => false,
      () => true,
    );
  });
  t.match(await world.issues(c), [{ kind: 'rescued' }]);
  t.same(world.ledger.missing(await world.kept()), [], 'all that was acknowledged exists');
  await a.cli('share', '/Sync/Team', '--with', BOB);
  await world.until('it is invited', async () => (await c.run('accept', 'Team')).code === 0);
  await world.untilThere(c.at('Sync/Team/plan'));
  await c.cli('leave', '/Sync/Team');
  await t.rejects(access(c.at('Sync/Team')), 'who leaves does not see it any more');
  await a.cli('flush');
  t.equal(await readFile(a.at('Sync/Team/plan'), 'utf8'), 'the plan', 'and the owner has all of it');
  t.same(world.ledger.missing(await world.kept()), []);
});

t.test('a slow removal of most files at another computer', { timeout }, async (t) => {
  const { world, a, b } = await pair(t);
  // Files of yesterday: the guard does not count what is younger than an hour.
  await a.down();
  await a.up(-1);
  await mkdir(a.at('Sync/folder'));
  const names = Array.from({ length: 150 }, (_, i) => `Sync/folder/${i}`);
  for (const name of names) await owe(world, a, name, `content of ${name}`);
  await a.cli('flush');
  await a.down();
  await a.up();
  await world.examine('Sync');
  for (const [i, name] of names.entries()) {
    await rm(a.at(name));
    if (i % 10 === 9) await sleep(500);
  }
  await a.cli('flush');
  await world.until('it asks', async () => (await world.issues(b)).some(({ kind }) => kind === 'held'));
  const held = (await world.issues(b)).find(({ kind }) => kind === 'held');
  t.match(held?.cause, /^\d+ files were removed by a, after \d+ within an hour/);
  const [, command = ''] = /`fjord ([^`]*)`/.exec(held?.remedy ?? '') ?? [];
  t.match(command, /^trash restore --by a --since \S+$/);
  await b.cli(...command.split(' '));
  await world.examine('Sync');
  for (const name of names) t.equal(await readFile(b.at(name), 'utf8'), `content of ${name}`);
});
