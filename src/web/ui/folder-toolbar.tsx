import type { LocationRecord, NodeRecord } from '../../cloud/records.ts';
import type { Folder } from '../folder.ts';
import type { Selection } from '../selection.ts';
import { texts } from '../texts.ts';
import { Button, DownloadLink } from './button.tsx';

export interface FolderToolbarProps {
  readonly folder: Folder;
  readonly location: LocationRecord;
  readonly selected: readonly NodeRecord[];
  readonly selection: Selection;
}

/** What can be done with the folder or, if something is selected, with that. */
export function FolderToolbar({ folder, selected, selection }: FolderToolbarProps) {
  if (selected.length === 0) {
    return (
      <div class="toolbar">
        <span class="count">{texts.list.count(folder.entries.value.length)}</span>
      </div>
    );
  }
  const [only] = selected;
  const version = selected.length === 1 ? only?.version : undefined;
  return (
    <div class="toolbar">
      <Button icon="close" label={texts.actions.clearSelection} onClick={() => selection.clear()} />
      <span class="count" role="status">
        {texts.list.selected(selected.length)}
      </span>
      {typeof version === 'string' && <DownloadLink version={version} label={texts.actions.download} />}
    </div>
  );
}
