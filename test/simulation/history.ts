import type { Failure } from './failure.ts';
import { Generator } from './generate.ts';
import { format, type Step } from './step.ts';
import { World } from './world.ts';

/** A history and what it has shown to be wrong, if anything. */
export interface Outcome {
  readonly seed: number;
  readonly count: number;
  readonly steps: readonly Step[];
  readonly failure: Failure | undefined;
  /** Equal for two runs in which the same things have happened at the same moments. */
  readonly trace: string;
}

/** Draws the history of a seed and runs it. */
export async function explore(seed: number): Promise<Outcome> {
  const generator = new Generator(seed);
  return await run(seed, generator.count, async (world, steps) => {
    for (let i = 0; i < generator.length; i++) {
      const step = generator.next(world);
      steps.push(step);
      await world.perform(step);
    }
  });
}

/** Runs a history again. */
export async function replay(seed: number, count: number, script: readonly Step[]): Promise<Outcome> {
  return await run(seed, count, async (world, steps) => {
    steps.push(...script);
    for (const step of script) await world.perform(step);
  });
}

async function run(
  seed: number,
  count: number,
  live: (world: World, steps: Step[]) => Promise<void>,
): Promise<Outcome> {
  const steps: Step[] = [];
  const { failure, trace } = await World.run(seed, count, (world) => live(world, steps));
  return { seed, count, steps, failure, trace };
}

/** What to read about a failure, and what to add to `regressions.test.ts` when it is mended. */
export function report({ seed, count, steps, failure }: Outcome): string {
  const script = `seed: ${seed},\ndevices: ${count},\nsteps: \`\n${format(steps)}\`,`;
  return `${failure?.message}\n\n${script}\n\nnode --import tsx test/simulation/main.ts --seed ${seed}`;
}
