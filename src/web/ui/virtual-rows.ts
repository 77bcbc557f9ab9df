import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core';
import type { RefObject } from 'preact';
import { useLayoutEffect, useReducer, useState } from 'preact/hooks';

/** px of a row. */
export const ROW = 52;

export type Rows = Virtualizer<HTMLElement, Element>;

/** Which of many rows of equal height are in view; the component is drawn again when that changes. */
export function useVirtualRows(
  count: number,
  scroller: RefObject<HTMLElement | null>,
  paddingStart = 0,
  height = ROW,
): Rows {
  const [, redraw] = useReducer((times: number, _change: null) => times + 1, 0);
  const options = {
    count,
    paddingStart,
    scrollPaddingStart: paddingStart,
    // About a screen.
    overscan: Math.ceil((12 * ROW) / height),
    estimateSize: () => height,
    getScrollElement: () => scroller.current,
    scrollToFn: elementScroll,
    observeElementRect,
    observeElementOffset,
    onChange: () => redraw(null),
  };
  const [rows] = useState(() => new Virtualizer<HTMLElement, Element>(options));
  rows.setOptions(options);
  useLayoutEffect(() => rows._didMount(), []);
  useLayoutEffect(() => rows._willUpdate());
  return rows;
}
