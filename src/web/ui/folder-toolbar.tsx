import type { Signal } from '@preact/signals';
import type { LocationRecord, NodeRecord } from '../../cloud/records.ts';
import { useApp } from '../app-state.ts';
import type { Folder } from '../folder.ts';
import type { Selection } from '../selection.ts';
import { texts } from '../texts.ts';
import type { Picked } from '../upload/picked.ts';
import { Button, ZipLink } from './button.tsx';
import { canPickFolders, FilePicker } from './file-picker.tsx';
import { NewFolderDialog } from './name-dialog.tsx';
import { NodeActions, type OpenDialog } from './node-actions.tsx';

export interface FolderToolbarProps {
  readonly folder: Folder;
  readonly location: LocationRecord;
  readonly selected: readonly NodeRecord[];
  readonly selection: Selection;
  readonly dialog: Signal<OpenDialog>;
  readonly onPick: (picked: Picked[]) => void;
}

/** What can be done with the folder or, if something is selected, with that. */
export function FolderToolbar(props: FolderToolbarProps) {
  const { folder, location, selected, selection, dialog } = props;
  if (selected.length === 0) return <WholeFolder {...props} />;
  return (
    <div class="toolbar">
      <div class="chosen">
        <Button icon="close" label={texts.actions.clearSelection} onClick={() => selection.clear()} />
        <span class="count" role="status">
          {texts.list.selected(selected.length)}
        </span>
      </div>
      <NodeActions nodes={selected} space={location.space} dialog={dialog} onChanged={(node) => folder.apply(node)} />
    </div>
  );
}

function WholeFolder({ folder, location, dialog, onPick }: FolderToolbarProps) {
  const { edits, layout } = useApp();
  const other = layout.current.value === 'grid' ? 'list' : 'grid';
  const { space } = location;
  const make = async (name: string) => folder.apply(await edits.makeFolder(space.id, folder.id, name));
  return (
    <div class="toolbar">
      <span class="count">{texts.list.count(folder.entries.value.length)}</span>
      <Button icon={other} label={texts.actions.layouts[other]} onClick={() => layout.choose(other)} />
      {folder.entries.value.length > 0 && <ZipLink nodes={[folder.id]} />}
      {space.writable && (
        <>
          <FilePicker label={texts.actions.upload} onPick={onPick} />
          {canPickFolders && <FilePicker isFolder label={texts.actions.uploadFolder} onPick={onPick} />}
          <Button icon="add" label={texts.actions.newFolder} onClick={() => (dialog.value = 'new-folder')} />
        </>
      )}
      {dialog.value === 'new-folder' && <NewFolderDialog onName={make} onClose={() => (dialog.value = undefined)} />}
    </div>
  );
}
