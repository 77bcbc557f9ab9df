import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { useApp } from '../app-state.ts';
import { Folder } from '../folder.ts';
import { Selection } from '../selection.ts';
import type { Order } from '../sorting.ts';
import { texts } from '../texts.ts';
import type { Picked } from '../upload/picked.ts';
import { Breadcrumbs, spaceTitle } from './breadcrumbs.tsx';
import { EntryGrid } from './entry-grid.tsx';
import { EntryList } from './entry-list.tsx';
import { FolderToolbar } from './folder-toolbar.tsx';
import { DropZone } from './drop-zone.tsx';
import { Missing } from './missing.tsx';
import { mayOpen, type OpenDialog } from './node-actions.tsx';
import { useSorted } from './use-sorted.ts';
import { useTitle } from './use-title.ts';

export function FolderPage({ id }: { readonly id: string }) {
  const { api, layout, live, router, spaces, uploads } = useApp();
  const dialog = useSignal<OpenDialog>(undefined);
  const folder = useMemo(() => new Folder(api, live, id), []);
  const selection = useMemo(() => new Selection(), []);
  const order = useSignal<Order>({ column: 'name', descending: false });
  const entries = useSorted(folder.entries, order);
  const selected = useComputed(() => entries.value.filter((node) => selection.ids.value.has(node.id)));
  useEffect(() => () => folder.close(), []);
  const location = folder.location.value;
  const title = location === undefined ? '' : (location.path.at(-1)?.name ?? spaceTitle(location.space, spaces));
  useTitle(title);
  useEffect(() => {
    if (location !== undefined) spaces.show(location.space);
    // A folder that has been moved or renamed since.
    if (location?.space.kind === 'shared') void spaces.load().catch(() => undefined);
  }, [location?.space.id]);
  // The content of a shared folder hangs on a root of its own.
  const shared = spaces.all.value?.find((space) => space.id === location?.node?.mount);
  useEffect(() => {
    if (shared !== undefined) router.go({ page: 'folder', id: shared.root }, 'replace');
  }, [shared?.root]);
  const state = folder.state.value;
  if (state === 'missing' || state === 'failed') {
    return <Missing isGone={state === 'missing'} onRetry={() => void folder.reload()} />;
  }
  if (location === undefined) return <p class="hint">{texts.list.loading}</p>;
  const { space } = location;
  const pick = space.writable ? (picked: Picked[]) => uploads.add({ space: space.id, parent: id }, picked) : undefined;
  const openByKey = (key: string) => {
    const wanted = key === 'F2' ? 'rename' : key === 'Delete' ? 'remove' : undefined;
    if (mayOpen(wanted, selected.value, space)) dialog.value = wanted;
  };
  const Entries = layout.current.value === 'grid' ? EntryGrid : EntryList;
  return (
    <DropZone onPick={pick}>
      <Breadcrumbs location={location} />
      <FolderToolbar
        {...{ folder, location, selection, dialog }}
        selected={selected.value}
        onPick={(picked) => pick?.(picked)}
      />
      {state === 'ready' && folder.entries.value.length === 0 ? (
        <p class="hint">{texts.list.empty}</p>
      ) : (
        <Entries title={title} entries={entries.value} order={order} selection={selection} onKey={openByKey} />
      )}
    </DropZone>
  );
}
