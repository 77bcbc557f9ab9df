import { execFile } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { explore, replay } from './history.ts';

/**
 * Which histories: `FJORD_SIMULATION_SEEDS` of them, from `FJORD_SIMULATION_SEED` on. The same every time, unless told. A
 * quarter of them move folders in quick succession.
 */
const FIRST = Number(process.env['FJORD_SIMULATION_SEED'] ?? 1);
const COUNT = Number(process.env['FJORD_SIMULATION_SEEDS'] ?? 2000);
/** How many of them are drawn with full disks and clocks that are set, too: about 20 s of one core. */
const MORE = 80;
const PROCESSES = availableParallelism();

const run = promisify(execFile);

t.setTimeout(7_200_000);

t.test('a seed always gives the same history', async (t) => {
  for (const seed of [FIRST, FIRST + 7, FIRST + 13]) {
    const [one, two] = [await explore(seed), await explore(seed)];
    t.equal(one.trace, two.trace, `seed ${seed} again`);
    const again = await replay(seed, one.count, one.steps);
    t.equal(again.trace, one.trace, `seed ${seed} from its steps`);
  }
});

t.test(`histories ${FIRST} to ${FIRST + COUNT - 1}`, (t) => allHold(t, FIRST, COUNT));

t.test('histories with full disks and clocks that are set', (t) => allHold(t, FIRST, MORE, '--more', '--powered'));

async function allHold(t: Test, first: number, total: number, ...taste: readonly string[]): Promise<void> {
  const size = Math.ceil(total / PROCESSES);
  const parts = Array.from({ length: PROCESSES }, (_, i) => ({
    seed: first + i * size,
    count: Math.min(size, total - i * size),
  }));
  await Promise.all(
    parts.map(async ({ seed, count }) => {
      const main = join(import.meta.dirname, 'main.ts');
      const which = ['--seed', `${seed}`, '--count', `${count}`, ...taste];
      const args = ['--import', 'tsx', main, ...which, '--shrink', '--stop', '5'];
      const { stdout } = await run(process.execPath, args, { maxBuffer: 1 << 24 }).catch((error: unknown) => {
        return error as { readonly stdout: string };
      });
      t.match(stdout, /^0 failures/m, stdout);
    }),
  );
}
