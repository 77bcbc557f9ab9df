import { useSignal, useSignalEffect, type ReadonlySignal, type Signal } from '@preact/signals';
import type { NodeRecord } from '../../cloud/records.ts';
import { sorted, sortedInPieces, type Order } from '../sorting.ts';

/** Nodes that are sorted at once: it takes no longer than drawing them. */
const FEW = 3000;

/** The nodes in an order; of many, those before are shown until the sorting is done, and the page responds meanwhile. */
export function useSorted(
  nodes: ReadonlySignal<readonly NodeRecord[]>,
  order: Signal<Order>,
): ReadonlySignal<readonly NodeRecord[]> {
  const shown = useSignal<readonly NodeRecord[]>([]);
  useSignalEffect(() => {
    const [all, by] = [nodes.value, order.value];
    if (all.length <= FEW) {
      shown.value = sorted(all, by);
      return undefined;
    }
    const stop = new AbortController();
    sortedInPieces(all, by, stop.signal).then(
      (done) => (shown.value = done),
      () => undefined,
    );
    return () => stop.abort();
  });
  return shown;
}
