import t from 'tap';
import { round } from './rounds.ts';
import { BOB, World } from './world.ts';

// `scripts/soak`: random rounds until the time is over. Each world has its own seed, which its test names.
const MINUTES = Number(process.env['FJORD_SOAK_MINUTES'] ?? 10);
const FIRST = Number(process.env['FJORD_SOAK_SEED'] ?? 1);
const ROUNDS = 4;
const until = Date.now() + MINUTES * 60_000;
t.setTimeout((MINUTES + 30) * 60_000);

/** Two or three computers of one account, or three of two accounts in a shared folder. */
async function populate(world: World): Promise<string> {
  const kind = world.seed % 3;
  if (kind !== 2) {
    for (const name of ['a', 'b', 'c'].slice(0, 2 + kind)) await world.worker(name);
    return 'Sync';
  }
  const folder = 'Sync/Team';
  const a = await world.worker('a', folder);
  const b = await world.worker('b', folder);
  await world.share(a, folder, await world.worker('c', folder, BOB), 'editor');
  await world.untilThere(b.at(folder));
  return folder;
}

for (let seed = FIRST; seed === FIRST || Date.now() < until; seed++) {
  await t.test(`seed ${seed}`, { timeout: 40 * 60_000 }, async (t) => {
    const world = await World.open(t, seed);
    const folder = await populate(world);
    for (let i = 0; i < ROUNDS; i++) await round(world, { folder, steps: 40, disturbances: 5 });
    t.comment(world.summary());
  });
}
