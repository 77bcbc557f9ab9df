import type { TargetedKeyboardEvent, TargetedMouseEvent } from 'preact';
import type { NodeRecord } from '../../cloud/records.ts';
import type { Selection } from '../selection.ts';

interface EntryKeys {
  readonly entries: readonly NodeRecord[];
  readonly selection: Selection;
  /** Index of the entry that the keyboard is on. */
  readonly active: number;
  /** Entries beside each other; 1 in a list. */
  readonly columns: number;
  readonly onMove: (index: number) => void;
  readonly onOpen: (node: NodeRecord) => void;
  /** Keys that have no use here. */
  readonly onKey: (key: string) => void;
}

/** Moves through the entries, selects and opens them (WAI-ARIA, Grid Pattern). */
export function handleEntryKey(event: TargetedKeyboardEvent<HTMLElement>, keys: EntryKeys): void {
  const { entries, selection, active } = keys;
  const target = targetOf(event.key, active, keys.columns, entries.length);
  const entry = entries[active];
  if (target !== undefined) {
    if (event.shiftKey) selection.extend(entries, target);
    else selection.move(target);
    keys.onMove(target);
  } else if (event.key === ' ' && entry !== undefined) selection.toggle(entry.id, active);
  else if (event.key === 'Enter' && entry !== undefined) keys.onOpen(entry);
  else if (event.key === 'a' && (event.ctrlKey || event.metaKey)) selection.all(entries);
  else if (event.key === 'Escape') selection.clear();
  else return keys.onKey(event.key);
  event.preventDefault();
}

function targetOf(key: string, active: number, columns: number, count: number): number | undefined {
  const page = columns === 1 ? 10 : 3 * columns;
  const beside = columns === 1 ? {} : { ArrowRight: active + 1, ArrowLeft: active - 1 };
  const steps: Record<string, number> = {
    ...beside,
    ArrowDown: active + columns,
    ArrowUp: active - columns,
    PageDown: active + page,
    PageUp: active - page,
    Home: 0,
    End: count - 1,
  };
  const target = steps[key];
  if (target === undefined || count === 0) return undefined;
  // In a column of a grid there may be nothing above or below.
  if (columns > 1 && (key === 'ArrowDown' || key === 'ArrowUp') && (target < 0 || target >= count)) return active;
  return Math.max(0, Math.min(count - 1, target));
}

/** Selects by a click beside the link and the box of an entry. */
export function selectByClick(
  event: TargetedMouseEvent<HTMLElement>,
  selection: Selection,
  entries: readonly NodeRecord[],
  index: number,
): void {
  if (event.target instanceof Element && event.target.closest('a, input') !== null) return;
  const id = entries[index]?.id;
  if (id === undefined) return;
  if (event.shiftKey) selection.extend(entries, index);
  else if (event.ctrlKey || event.metaKey) selection.toggle(id, index);
  else selection.only(id, index);
}
