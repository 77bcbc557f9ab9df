import t from 'tap';
import { replay } from './history.ts';
import { parse } from './step.ts';

/** A history that has once shown a fault, made short. */
interface Script {
  readonly what: string;
  readonly seed: number;
  readonly devices: number;
  readonly steps: string;
}

const SCRIPTS: readonly Script[] = [
  {
    what: 'a mass of names from three computers comes to rest',
    seed: 1,
    devices: 3,
    steps: `
      a mkdir /Sync/d
      a write /Sync/d/f one
      b write /Sync/d two
      - wait 1500
      c mv /Sync/d /Sync/e
      c kill 3
      a save /Sync/d/f three
      b cut
      b rmtree /Sync/d
      b heal`,
  },
];

for (const { what, seed, devices, steps } of SCRIPTS) {
  t.test(what, async (t) => {
    const { failure } = await replay(seed, devices, parse(steps));
    t.equal(failure?.message, undefined);
  });
}
