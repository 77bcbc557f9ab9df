/** Revisions that a run has made itself, which are learned of in any order. */
export class OwnRevisions {
  /** By the first of each stretch the last. */
  readonly #stretches = new Map<number, number>();

  add(first: number, last: number): void {
    this.#stretches.set(first, last);
  }

  /** The last revision up to which, after this one, all are its own. Forgets those. */
  after(cursor: number): number {
    let at = cursor;
    for (let last = this.#stretches.get(at + 1); last !== undefined; last = this.#stretches.get(at + 1)) {
      this.#stretches.delete(at + 1);
      at = last;
    }
    return at;
  }
}

/** Numbers as stretches of consecutive ones. */
export function stretchesOf(numbers: readonly number[]): [first: number, last: number][] {
  const stretches: [number, number][] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const open = stretches.at(-1);
    if (open?.[1] === number - 1) open[1] = number;
    else if (open?.[1] !== number) stretches.push([number, number]);
  }
  return stretches;
}
