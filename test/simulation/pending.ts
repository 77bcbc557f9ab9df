/** Nothing that a program or a person asks for takes longer, ms. */
export const TIMEOUT = 600_000;

/** What has become of a promise, to be asked without waiting. */
export class Pending<T> {
  state: 'pending' | 'resolved' | 'rejected' = 'pending';
  #value: T | undefined;
  error: unknown;

  constructor(promise: Promise<T>) {
    promise.then(
      (value) => {
        this.state = 'resolved';
        this.#value = value;
      },
      (error: unknown) => {
        this.state = 'rejected';
        this.error = error;
      },
    );
  }

  get isPending(): boolean {
    return this.state === 'pending';
  }

  /** The result. @throws the reason if it was rejected */
  get value(): T {
    if (this.state === 'rejected') throw this.error;
    return this.#value as T;
  }
}
