import type { Signal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import type { NodeRecord } from '../../cloud/records.ts';
import { useApp } from '../app-state.ts';
import { date, dateTime, shown, size } from '../format.ts';
import { addressOf, type Route } from '../router.ts';
import type { Spaces } from '../spaces.ts';
import type { Selection } from '../selection.ts';
import { COLUMNS, reordered, type Order } from '../sorting.ts';
import { texts } from '../texts.ts';
import { handleEntryKey, selectByClick } from './entry-keys.ts';
import { Icon } from './icon.tsx';
import { ROW, useVirtualRows } from './virtual-rows.ts';

/** px of the row of headings. */
const HEAD = 40;

export interface EntryListProps {
  readonly title: string;
  /** In the order in which they show. */
  readonly entries: readonly NodeRecord[];
  readonly order: Signal<Order>;
  readonly selection: Selection;
  /** Keys that the list itself has no use for. */
  readonly onKey: (key: string) => void;
}

/** @param spaces of the account: a shared one shows under a folder of Sync */
export function routeOfNode({ id, kind, mount }: NodeRecord, spaces: Spaces): Route {
  const shared = spaces.all.value?.find((space) => space.id === mount);
  if (shared !== undefined) return { page: 'folder', id: shared.root };
  return kind === 'folder' ? { page: 'folder', id } : { page: 'file', id };
}

/** A grid (WAI-ARIA) of any number of entries: only the rows in view are in the page. */
export function EntryList({ title, entries, order, selection, onKey }: EntryListProps) {
  const { router, spaces } = useApp();
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualRows(entries.length, scroller, HEAD);
  const active = Math.min(selection.active.value, entries.length - 1);
  const keys = {
    entries,
    selection,
    active,
    columns: 1,
    onMove: (index: number) => rows.scrollToIndex(index),
    onOpen: (node: NodeRecord) => router.go(routeOfNode(node, spaces)),
    onKey,
  };
  return (
    <div
      class="entries"
      role="grid"
      ref={scroller}
      tabIndex={0}
      aria-label={texts.list.label(shown(title))}
      aria-multiselectable="true"
      aria-rowcount={entries.length + 1}
      aria-activedescendant={entries[active] === undefined ? undefined : `row-${entries[active].id}`}
      onKeyDown={(event) => handleEntryKey(event, keys)}
    >
      <div role="rowgroup" class="head">
        <Headings order={order} />
      </div>
      <div role="rowgroup" class="body" style={{ height: `${rows.getTotalSize() - HEAD}px` }}>
        {rows.getVirtualItems().map(({ index, start }) => {
          const node = entries[index];
          if (node === undefined) return null;
          const place = { index, top: start - HEAD, isActive: index === active };
          return <Row key={node.id} node={node} {...place} entries={entries} selection={selection} />;
        })}
      </div>
    </div>
  );
}

function Headings({ order }: { readonly order: Signal<Order> }) {
  const { column: current, descending } = order.value;
  return (
    <div role="row" class="row" aria-rowindex={1}>
      <span role="columnheader" class="check">
        <span class="hidden">{texts.columns.select}</span>
      </span>
      {COLUMNS.map((column) => (
        <span
          key={column}
          role="columnheader"
          class={column}
          aria-sort={column === current ? (descending ? 'descending' : 'ascending') : 'none'}
        >
          <button type="button" onClick={() => (order.value = reordered(order.value, column))}>
            {texts.columns[column]}
            <span aria-hidden="true">{column === current ? (descending ? ' ↓' : ' ↑') : ''}</span>
          </button>
        </span>
      ))}
    </div>
  );
}

interface RowProps {
  readonly node: NodeRecord;
  readonly index: number;
  readonly top: number;
  readonly isActive: boolean;
  readonly entries: readonly NodeRecord[];
  readonly selection: Selection;
}

function Row({ node, index, top, isActive, entries, selection }: RowProps) {
  const { router, spaces } = useApp();
  const { id, kind, mtime } = node;
  const name = shown(node.name);
  const isSelected = selection.ids.value.has(id);
  return (
    <div
      role="row"
      id={`row-${id}`}
      class="row"
      data-active={isActive}
      aria-rowindex={index + 2}
      aria-selected={isSelected}
      style={{ height: `${ROW}px`, transform: `translateY(${top}px)` }}
      onClick={(event) => selectByClick(event, selection, entries, index)}
      onDblClick={() => router.go(routeOfNode(node, spaces))}
    >
      <span role="gridcell" class="check">
        <input
          type="checkbox"
          tabIndex={-1}
          aria-label={texts.list.select(name)}
          checked={isSelected}
          onChange={() => selection.toggle(id, index)}
        />
      </span>
      <span role="gridcell" class="name">
        <a href={addressOf(routeOfNode(node, spaces))} tabIndex={-1} title={name}>
          <Icon name={node.mount === undefined ? kind : 'shared'} />
          <bdi>{name}</bdi>
        </a>
      </span>
      <span role="gridcell" class="size">
        {kind === 'file' ? size(node.size) : ''}
      </span>
      <span role="gridcell" class="mtime" title={dateTime(mtime)}>
        {date(mtime)}
      </span>
    </div>
  );
}
