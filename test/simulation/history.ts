import type { Failure } from './failure.ts';
import { Generator, type Taste } from './generate.ts';
import { format, type Step } from './step.ts';
import { type Cast, World } from './world.ts';

/** A history and the failure that it has found, if any. */
export interface Outcome {
  readonly seed: number;
  readonly count: number;
  readonly steps: readonly Step[];
  readonly failure: Failure | undefined;
  /** A digest that is equal for two runs with the same events at the same times. */
  readonly trace: string;
}

/** Draws the history of a seed and runs it. */
export async function explore(seed: number, taste: Taste = {}): Promise<Outcome> {
  const generator = new Generator(seed, taste);
  return await run(seed, { count: generator.count, shared: generator.shared }, async (world, steps) => {
    for (let i = 0; i < generator.length; i++) {
      const step = generator.next(world);
      steps.push(step);
      await world.perform(step);
    }
  });
}

/** Runs a history again. */
export async function replay(seed: number, count: number, script: readonly Step[]): Promise<Outcome> {
  const shared = script.some(({ verb }) => verb === 'share');
  return await run(seed, { count, shared }, async (world, steps) => {
    steps.push(...script);
    for (const step of script) await world.perform(step);
  });
}

async function run(seed: number, cast: Cast, live: (world: World, steps: Step[]) => Promise<void>): Promise<Outcome> {
  const steps: Step[] = [];
  const { failure, trace } = await World.run(seed, cast, (world) => live(world, steps));
  return { seed, count: cast.count, steps, failure, trace };
}

/** The report of a failure, with the script to add to `regressions.test.ts` once it is fixed. */
export function report({ seed, count, steps, failure }: Outcome): string {
  const script = `seed: ${seed},\ndevices: ${count},\nsteps: \`\n${format(steps)}\`,`;
  return `${failure?.message}\n\n${script}\n\nnode --import tsx test/simulation/main.ts --seed ${seed}`;
}
