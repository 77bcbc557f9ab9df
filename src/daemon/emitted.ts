/** What a task emits while it runs, in order; ends as the task does. @throws what the task throws */
export async function* emitted<T>(task: (emit: (value: T) => void) => Promise<void>): AsyncGenerator<T> {
  let waiting: T[] = [];
  let wake = (): void => undefined;
  const running = task((value) => {
    waiting.push(value);
    wake();
  });
  const state = { isOver: false };
  const end = (): void => {
    state.isOver = true;
    wake();
  };
  // Its failure is thrown at the end.
  running.then(end, end);
  while (!state.isOver || waiting.length > 0) {
    const values = waiting;
    waiting = [];
    yield* values;
    if (waiting.length === 0 && !state.isOver) await new Promise<void>((resolve) => (wake = resolve));
  }
  await running;
}
