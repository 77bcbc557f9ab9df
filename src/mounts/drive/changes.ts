import type { Change } from '../../vfs/file-system.ts';

export type ChangeListener = (change: Change) => void;

/** Passes changes of the tree from those that make them to the doors. */
export class Changes {
  readonly #listeners = new Set<ChangeListener>();
  readonly #failed: (error: unknown) => void;

  /** `failed` is called with the error of a listener that throws; the others are still called. */
  constructor(failed: (error: unknown) => void = () => {}) {
    this.#failed = failed;
  }

  /** Calls every listener synchronously. Call it after the change is visible. */
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
