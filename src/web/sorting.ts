import type { NodeRecord } from '../cloud/records.ts';
import { Pace } from './pace.ts';

export type Column = 'name' | 'size' | 'mtime';

export const COLUMNS: readonly Column[] = ['name', 'size', 'mtime'];

export interface Order {
  readonly column: Column;
  readonly descending: boolean;
}

/** By another column, or by the same one the other way round. */
export function reordered({ column: current, descending }: Order, column: Column): Order {
  return { column, descending: column === current && !descending };
}

// A collator takes seconds for a hundred thousand names.
const keys = new WeakMap<NodeRecord, string>();

/** Numbers sort by value, capitals and accents beside their plain letters. */
function keyOf(node: NodeRecord): string {
  const known = keys.get(node);
  if (known !== undefined) return known;
  const key = node.name
    .toLowerCase()
    .normalize('NFKD')
    .replaceAll(/\d+/g, (digits) => digits.padStart(12, '0'));
  keys.set(node, key);
  return key;
}

function compareNames(a: NodeRecord, b: NodeRecord): number {
  const [one, other] = [keyOf(a), keyOf(b)];
  if (one !== other) return one < other ? -1 : 1;
  return a.name < b.name ? -1 : 1;
}

type Compare = (a: NodeRecord, b: NodeRecord) => number;

/** Folders come first in every order. */
function comparing({ column, descending }: Order): Compare {
  const direction = descending ? -1 : 1;
  return (a, b) => {
    if ((a.kind === 'folder') !== (b.kind === 'folder')) return a.kind === 'folder' ? -1 : 1;
    const difference = column === 'name' ? 0 : a[column] - b[column];
    return direction * (difference === 0 ? compareNames(a, b) : difference);
  };
}

export function sorted(nodes: readonly NodeRecord[], order: Order): readonly NodeRecord[] {
  return nodes.toSorted(comparing(order));
}

/** Nodes of a run that is sorted at once. */
export const RUN = 1000;

/** The same for any number of nodes, in pieces between which the page responds. @throws when aborted */
export async function sortedInPieces(
  nodes: readonly NodeRecord[],
  order: Order,
  signal: AbortSignal,
): Promise<readonly NodeRecord[]> {
  const compare = comparing(order);
  const pace = new Pace();
  let runs: (readonly NodeRecord[])[] = [];
  for (let at = 0; at < nodes.length; at += RUN) {
    runs.push(nodes.slice(at, at + RUN).sort(compare));
    await pace.step();
    signal.throwIfAborted();
  }
  while (runs.length > 1) {
    const longer: (readonly NodeRecord[])[] = [];
    for (let at = 0; at < runs.length; at += 2) {
      longer.push(merged(runs[at] ?? [], runs[at + 1] ?? [], compare));
      await pace.step();
      signal.throwIfAborted();
    }
    runs = longer;
  }
  return runs[0] ?? [];
}

/** Both are sorted. */
function merged(some: readonly NodeRecord[], others: readonly NodeRecord[], compare: Compare): readonly NodeRecord[] {
  const all: NodeRecord[] = [];
  let next = 0;
  for (const node of some) {
    for (let other = others[next]; other !== undefined && compare(other, node) < 0; other = others[next]) {
      all.push(other);
      next += 1;
    }
    all.push(node);
  }
  return next === 0 ? all.concat(others) : all.concat(others.slice(next));
}
