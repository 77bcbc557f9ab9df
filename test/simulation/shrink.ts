import type { Kind } from './failure.ts';
import { type Outcome, replay } from './history.ts';
import type { Step } from './step.ts';

/** Removes steps from a history while it still fails in the same way. Runs it at most `runs` times. */
export async function shrink(outcome: Outcome, runs = 400): Promise<Outcome> {
  const shrinker = new Shrinker(outcome, runs);
  await shrinker.shrink();
  return shrinker.best;
}

/** Delta debugging (Zeller): removes halves, then quarters, down to single steps, until none can be removed. */
class Shrinker {
  best: Outcome;
  readonly #kind: Kind | undefined;
  #runs: number;

  constructor(outcome: Outcome, runs: number) {
    this.best = outcome;
    this.#kind = outcome.failure?.kind;
    this.#runs = runs;
  }

  async shrink(): Promise<void> {
    const isThirdIdle = this.best.steps.every(({ who }) => who !== 'c');
    if (this.best.count === 3 && isThirdIdle) await this.#fails(this.best.steps, 2);
    for (let size = this.best.steps.length; size > 1;) {
      size = Math.ceil(size / 2);
      await this.#pass(size);
    }
    while (await this.#pass(1));
  }

  /** True if something could be removed. */
  async #pass(size: number): Promise<boolean> {
    let any = false;
    for (let at = 0; at < this.best.steps.length;) {
      const { steps } = this.best;
      if (await this.#fails([...steps.slice(0, at), ...steps.slice(at + size)])) any = true;
      else at += size;
    }
    return any;
  }

  async #fails(steps: readonly Step[], count = this.best.count): Promise<boolean> {
    if (this.#runs-- <= 0) return false;
    const found = await replay(this.best.seed, count, steps);
    if (found.failure?.kind !== this.#kind) return false;
    this.best = found;
    return true;
  }
}
