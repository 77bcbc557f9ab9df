import t from 'tap';
import { explore, replay, report } from './history.ts';
import { shrink } from './shrink.ts';

/** Which histories: `FJORD_SIMULATION_SEEDS` of them, from `FJORD_SIMULATION_SEED` on. The same every time, unless told. */
const FIRST = Number(process.env['FJORD_SIMULATION_SEED'] ?? 1);
const COUNT = Number(process.env['FJORD_SIMULATION_SEEDS'] ?? 300);

t.setTimeout(3_600_000);

t.test('a seed is one history, whenever it is run', async (t) => {
  for (const seed of [FIRST, FIRST + 7, FIRST + 13]) {
    const [one, two] = [await explore(seed), await explore(seed)];
    t.equal(one.trace, two.trace, `seed ${seed} again`);
    const again = await replay(seed, one.count, one.steps);
    t.equal(again.trace, one.trace, `seed ${seed} from its steps`);
  }
});

t.test(`histories ${FIRST} to ${FIRST + COUNT - 1}`, async (t) => {
  let steps = 0;
  for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
    const outcome = await explore(seed);
    steps += outcome.steps.length;
    if (outcome.failure === undefined) continue;
    t.fail(`seed ${seed}: ${report(await shrink(outcome))}`);
  }
  t.pass(`${steps} steps`);
});
