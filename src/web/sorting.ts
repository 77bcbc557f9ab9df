import type { NodeRecord } from '../cloud/records.ts';

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

/** Folders come first in every order. */
export function sorted(nodes: readonly NodeRecord[], { column, descending }: Order): readonly NodeRecord[] {
  const direction = descending ? -1 : 1;
  return nodes.toSorted((a, b) => {
    if ((a.kind === 'folder') !== (b.kind === 'folder')) return a.kind === 'folder' ? -1 : 1;
    const difference = column === 'name' ? 0 : a[column] - b[column];
    return direction * (difference === 0 ? compareNames(a, b) : difference);
  });
}
