import { signal } from '@preact/signals';

/** ms that a notice is shown. */
const SHOWN = 6000;

/** One line at a time about what was done or did not work, shown for a moment. */
export class Notices {
  readonly current = signal('');
  #timer: ReturnType<typeof setTimeout> | undefined;

  show(text: string): void {
    clearTimeout(this.#timer);
    this.current.value = text;
    this.#timer = setTimeout(() => (this.current.value = ''), SHOWN);
  }
}
