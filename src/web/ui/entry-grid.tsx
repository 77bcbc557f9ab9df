import { useSignal, type Signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { NodeRecord } from '../../cloud/records.ts';
import { useApp } from '../app-state.ts';
import { shown, size } from '../format.ts';
import { addressOf } from '../router.ts';
import type { Selection } from '../selection.ts';
import { COLUMNS, reordered, type Order } from '../sorting.ts';
import { texts } from '../texts.ts';
import { handleEntryKey, selectByClick } from './entry-keys.ts';
import { routeOfNode, type EntryListProps } from './entry-list.tsx';
import { Thumbnail } from './thumbnail.tsx';
import { useVirtualRows } from './virtual-rows.ts';

/** px of a tile: the least width, and the height. */
const WIDTH = 132;
const HEIGHT = 176;

/** The entries as tiles with thumbnails, in a grid (WAI-ARIA) of which only the rows in view are in the page. */
export function EntryGrid({ title, entries, order, selection, onKey }: EntryListProps) {
  const { router, spaces } = useApp();
  const scroller = useRef<HTMLDivElement>(null);
  const columns = useColumns(scroller);
  const rowCount = Math.ceil(entries.length / columns);
  const rows = useVirtualRows(rowCount, scroller, 0, HEIGHT);
  const active = Math.min(selection.active.value, entries.length - 1);
  const keys = {
    entries,
    selection,
    active,
    columns,
    onMove: (index: number) => rows.scrollToIndex(Math.floor(index / columns)),
    onOpen: (node: NodeRecord) => router.go(routeOfNode(node, spaces)),
    onKey,
  };
  return (
    <>
      <SortBar order={order} />
      <div
        class="entries tiles"
        role="grid"
        ref={scroller}
        tabIndex={0}
        aria-label={texts.list.label(shown(title))}
        aria-multiselectable="true"
        aria-rowcount={rowCount}
        aria-colcount={columns}
        aria-activedescendant={entries[active] === undefined ? undefined : `tile-${entries[active].id}`}
        onKeyDown={(event) => handleEntryKey(event, keys)}
      >
        <div role="rowgroup" class="body" style={{ height: `${rows.getTotalSize()}px` }}>
          {rows.getVirtualItems().map(({ index: row, start }) => (
            <div
              key={row}
              role="row"
              class="tile-row"
              aria-rowindex={row + 1}
              style={{
                height: `${HEIGHT}px`,
                transform: `translateY(${start}px)`,
                gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
              }}
            >
              {entries.slice(row * columns, (row + 1) * columns).map((node, column) => {
                const index = row * columns + column;
                return <Tile key={node.id} {...{ node, index, entries, selection }} isActive={index === active} />;
              })}
            </div>
          ))}
        </div>
      </div>
    </>
  );
}

/** How many tiles fit beside each other. */
function useColumns(scroller: { readonly current: HTMLElement | null }): number {
  const columns = useSignal(1);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return undefined;
    const measure = () => (columns.value = Math.max(1, Math.floor(element.clientWidth / WIDTH)));
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);
  return columns.value;
}

/** What the headings of the columns are in a list. */
function SortBar({ order }: { readonly order: Signal<Order> }) {
  const { column: current, descending } = order.value;
  return (
    <div class="sort" role="group" aria-label={texts.columns.sort}>
      {COLUMNS.map((column) => (
        <button
          key={column}
          type="button"
          aria-pressed={column === current}
          onClick={() => (order.value = reordered(order.value, column))}
        >
          {texts.columns[column]}
          {column === current && (
            <>
              <span aria-hidden="true">{descending ? ' ↓' : ' ↑'}</span>
              <span class="hidden">{descending ? texts.columns.descending : texts.columns.ascending}</span>
            </>
          )}
        </button>
      ))}
    </div>
  );
}

interface TileProps {
  readonly node: NodeRecord;
  readonly index: number;
  readonly isActive: boolean;
  readonly entries: readonly NodeRecord[];
  readonly selection: Selection;
}

function Tile({ node, index, isActive, entries, selection }: TileProps) {
  const { router, spaces } = useApp();
  const { id, kind } = node;
  const name = shown(node.name);
  const isSelected = selection.ids.value.has(id);
  return (
    <div
      role="gridcell"
      id={`tile-${id}`}
      class="tile"
      data-active={isActive}
      aria-selected={isSelected}
      onClick={(event) => selectByClick(event, selection, entries, index)}
      onDblClick={() => router.go(routeOfNode(node, spaces))}
    >
      <input
        type="checkbox"
        tabIndex={-1}
        aria-label={texts.list.select(name)}
        checked={isSelected}
        onChange={() => selection.toggle(id, index)}
      />
      <a href={addressOf(routeOfNode(node, spaces))} tabIndex={-1} title={name}>
        <span class="picture">
          <Thumbnail node={node} />
        </span>
        <bdi>{name}</bdi>
      </a>
      <small>{kind === 'file' ? size(node.size) : texts.list.kinds[kind]}</small>
    </div>
  );
}
