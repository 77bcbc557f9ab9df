import { signal } from '@preact/signals';

export type Layout = 'list' | 'grid';

const KEY = 'fjord-layout';

/** How folders are shown in this browser, also next time. */
export class ChosenLayout {
  readonly current = signal<Layout>(remembered());

  choose(layout: Layout): void {
    this.current.value = layout;
    try {
      localStorage.setItem(KEY, layout);
    } catch {
      // A browser that keeps nothing.
    }
  }
}

function remembered(): Layout {
  try {
    return localStorage.getItem(KEY) === 'grid' ? 'grid' : 'list';
  } catch {
    return 'list';
  }
}
