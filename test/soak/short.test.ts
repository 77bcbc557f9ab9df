import t from 'tap';
import { withoutFuse } from '../helpers/fuse-available.ts';
import { withoutNamespaces } from './network.ts';
import { round } from './rounds.ts';
import { World } from './world.ts';

t.setTimeout(300_000);

const skip = withoutFuse() || (await withoutNamespaces());
const SEED = Number(process.env['FJORD_SOAK_SEED'] ?? 1);

// `scripts/soak` runs such rounds for hours, and the scenarios beside this file.
t.test(`two computers whose networks and processes fail end alike, seed ${SEED}`, { skip }, async (t) => {
  const world = await World.open(t, SEED);
  await world.worker('a');
  await world.worker('b');
  await round(world, { folder: 'Sync', steps: 12, disturbances: 2 });
  t.comment(world.summary());
});
