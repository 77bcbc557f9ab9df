import { parseArgs } from 'node:util';
import { explore, replay, report } from './history.ts';
import { shrink } from './shrink.ts';
import { parse } from './step.ts';
import { readFileSync } from 'node:fs';
import { World } from './world.ts';

/**
 * To be run by hand: `node --import tsx test/simulation/main.ts --seed 1 --count 100` explores seeds, `--shrink`
 * shortens failing histories, and `--script FILE` runs a history again with `--devices 2` and the network of `--seed`.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    count: { type: 'string', default: '1' },
    devices: { type: 'string', default: '2' },
    script: { type: 'string' },
    trace: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    stop: { type: 'string', default: '1000000' },
    kinds: { type: 'string' },
    folders: { type: 'boolean', default: false },
    renames: { type: 'boolean', default: false },
    more: { type: 'boolean', default: false },
    powered: { type: 'boolean', default: false },
    shared: { type: 'boolean', default: false },
  },
});

if (values.trace) World.trace = (line) => console.log(line);
const first = Number(values.seed);
if (values.script !== undefined) {
  const { failure } = await replay(first, Number(values.devices), parse(readFileSync(values.script, 'utf8')));
  console.log(failure?.message ?? 'ok');
} else {
  const began = performance.now();
  // Options such as `--shrink` must not count as a taste: a seed would draw another history with them.
  const { folders, renames, more, powered, shared } = values;
  const taste = { folders, renames, more, powered, shared };
  let steps = 0;
  let failures = 0;
  const kinds = new Map<string, number>();
  for (let seed = first; seed < first + Number(values.count); seed++) {
    const outcome = await explore(seed, taste);
    steps += outcome.steps.length;
    if (outcome.failure === undefined) continue;
    failures++;
    const { kind } = outcome.failure;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    if (values.kinds !== undefined && !values.kinds.split(',').includes(kind)) continue;
    const shown = values.shrink ? await shrink(outcome) : outcome;
    console.log(`seed ${seed}, ${((performance.now() - began) / 1000).toFixed(1)} s\n${report(shown)}\n`);
    if (failures >= Number(values.stop)) break;
  }
  const took = (performance.now() - began) / 1000;
  if (failures > 0) process.exitCode = 1;
  console.log(
    `${failures} failures ${JSON.stringify([...kinds])}, ${steps} steps, ${took.toFixed(1)} s, ${((took * 1000) / Number(values.count)).toFixed(0)} ms a seed`,
  );
}
