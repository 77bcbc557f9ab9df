import { signal } from '@preact/signals';

/** Which entries of a list are selected, and which one the keyboard is on. */
export class Selection {
  readonly ids = signal<ReadonlySet<string>>(new Set());
  /** Index of the row that the keyboard is on. */
  readonly active = signal(0);
  /** Where a range begins. */
  #anchor = 0;

  clear(): void {
    this.ids.value = new Set();
  }

  toggle(id: string, index: number): void {
    const ids = new Set(this.ids.value);
    if (!ids.delete(id)) ids.add(id);
    this.ids.value = ids;
    this.active.value = this.#anchor = index;
  }

  only(id: string, index: number): void {
    this.ids.value = new Set([id]);
    this.active.value = this.#anchor = index;
  }

  /** From where the selection began to `index`. */
  extend(order: readonly { readonly id: string }[], index: number): void {
    const [from, to] = [Math.min(this.#anchor, index), Math.max(this.#anchor, index)];
    this.ids.value = new Set(order.slice(from, to + 1).map(({ id }) => id));
    this.active.value = index;
  }

  all(order: readonly { readonly id: string }[]): void {
    this.ids.value = new Set(order.map(({ id }) => id));
  }

  move(index: number): void {
    this.active.value = this.#anchor = index;
  }
}
