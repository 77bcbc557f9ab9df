import type { Change } from '../../vfs/file-system.ts';

export type ChangeListener = (change: Change) => void;

/** Where everybody who changes the tree says so, and doors hear it. */
export class Changes {
  readonly #listeners = new Set<ChangeListener>();
  readonly #failed: (error: unknown) => void;

  /** `failed` hears of a listener that throws; the others are still called. */
  constructor(failed: (error: unknown) => void = () => {}) {
    this.#failed = failed;
  }

  /** Tells every listener, at once. Call it after the change is visible. */
  emit(change: Change): void {
    for (const listener of this.#listeners) {
      try {
        listener(change);
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  /** Returns the way to stop. */
  watch(listener: ChangeListener): () => void {
    const own: ChangeListener = (change) => listener(change);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }
}
