import { signal } from '@preact/signals';

export interface NoticeContent {
  readonly text: string;
  /** Takes back what was done. */
  readonly undo: (() => Promise<unknown>) | undefined;
}

/** ms that a notice is shown; longer if it can be acted upon. */
const SHOWN = 6000;
const OFFERED = 12_000;

/** One line at a time about what was done or did not work, shown for a moment. */
export class Notices {
  readonly current = signal<NoticeContent | undefined>(undefined);
  #timer: ReturnType<typeof setTimeout> | undefined;

  show(text: string, undo?: () => Promise<unknown>): void {
    clearTimeout(this.#timer);
    this.current.value = { text, undo };
    this.#timer = setTimeout(() => this.clear(), undo === undefined ? SHOWN : OFFERED);
  }

  clear(): void {
    this.current.value = undefined;
  }
}
