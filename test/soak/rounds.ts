import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '../simulation/random.ts';
import type { Computer } from './machines.ts';
import type { World } from './world.ts';

/** Kinds of disturbance, by how often they come. */
const DISTURBANCES = { cut: 3, silence: 2, storm: 3, kill: 3, killCloud: 2, skew: 2 } as const;

export interface RoundOptions {
  /** The folder that is compared. */
  readonly folder: string;
  /** Programs that are run at each computer. */
  readonly steps: number;
  readonly disturbances: number;
}

/** One round: programs run at all computers while networks and processes fail; then all is examined. */
export async function round(world: World, { folder, steps, disturbances }: RoundOptions): Promise<void> {
  const { random } = world;
  const busy = world.computers.map(async (computer) => {
    for (let step = 0; step < steps; step++) await world.programs.get(computer)?.step();
  });
  for (let i = 0; i < disturbances; i++) {
    await sleep(random.below(1000));
    await disturb(world, random.pick(world.computers), random);
  }
  // What is still disturbed then is repaired when it is examined, but programs would wait for a dead gateway in vain.
  for (const computer of world.computers) await computer.up();
  await Promise.all(busy);
  await world.examine(folder);
  world.figures.rounds++;
}

async function disturb(world: World, computer: Computer, random: Random): Promise<void> {
  const { figures } = world;
  const kind = random.weighted(DISTURBANCES);
  const pause = random.below(2000);
  world.t.comment(`${kind} ${computer.name}, ${pause} ms`);
  const { link } = computer;
  if (kind === 'cut') {
    figures.cuts++;
    await link.down();
    await sleep(pause);
    // Some stay cut until the end of the round.
    if (random.chance(0.6)) await link.heal();
  } else if (kind === 'silence') {
    figures.cuts++;
    link.weather({ loss: 1 });
    await sleep(pause);
    if (random.chance(0.6)) link.weather({});
  } else if (kind === 'storm') {
    figures.storms++;
    link.weather({ delay: 50, jitter: 30, loss: 0.05, reorder: 0.25, duplicate: 0.02 });
  } else if (kind === 'killCloud') {
    figures.cloudKills++;
    await world.cloud.kill();
    await sleep(pause);
    await world.cloud.start();
  } else {
    figures.kills++;
    await computer.kill();
    await sleep(pause);
    const days = kind === 'skew' ? random.pick([1, -1]) : 0;
    if (days !== 0) figures.skews++;
    await computer.up(days);
  }
}
