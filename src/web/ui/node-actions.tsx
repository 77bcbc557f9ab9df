import type { Signal } from '@preact/signals';
import type { NodeRecord, SpaceRecord } from '../../cloud/records.ts';
import { useApp } from '../app-state.ts';
import { mayChange } from '../edits.ts';
import { texts } from '../texts.ts';
import { Button, DownloadLink, ZipLink } from './button.tsx';
import { CopyDialog, MoveDialog } from './folder-dialog.tsx';
import { LinkDialog } from './link-dialog.tsx';
import { MembersDialog } from './members-dialog.tsx';
import { NameDialog } from './name-dialog.tsx';
import { RemoveDialog } from './remove-dialog.tsx';
import { ReplaceDialog } from './replace-dialog.tsx';

export type OpenDialog =
  'new-folder' | 'rename' | 'move' | 'copy' | 'replace' | 'remove' | 'share' | 'link' | undefined;

interface NodeActionsProps {
  readonly nodes: readonly NodeRecord[];
  readonly space: SpaceRecord;
  readonly dialog: Signal<OpenDialog>;
  /** Called for each node that has changed. */
  readonly onChanged: (node: NodeRecord) => void;
}

/** Most nodes of one archive. */
const ZIP_MAX = 300;

/** Whether a dialog makes sense for what is selected. */
export function mayOpen(dialog: OpenDialog, nodes: readonly NodeRecord[], space: SpaceRecord): boolean {
  if (nodes.length === 0) return false;
  if (dialog === 'rename') return nodes.length === 1 && mayChange(space);
  if (dialog === 'copy') return true;
  if (dialog === 'replace') return nodes.length === 1 && space.kind === 'backup' && nodes[0]?.kind === 'file';
  if (dialog === 'move') return mayChange(space) && nodes.every(({ mount }) => mount === undefined);
  const isSync = space.kind === 'sync' || space.kind === 'shared';
  const [first] = nodes;
  if (dialog === 'link') return nodes.length === 1 && isSync && space.writable && first?.kind !== 'symlink';
  if (dialog === 'share') return nodes.length === 1 && space.kind === 'sync' && first?.kind === 'folder';
  if (dialog !== 'remove') return false;
  // What is shared is left or ended where it was shared, not deleted here.
  return (space.writable || space.kind === 'backup') && nodes.every(({ mount }) => mount === undefined);
}

/** Buttons for what is selected, and their dialogs. */
export function NodeActions({ nodes, space, dialog, onChanged }: NodeActionsProps) {
  const { notices } = useApp();
  const { actions } = texts;
  const version = nodes.length === 1 ? nodes[0]?.version : undefined;
  const isZip = typeof version !== 'string' && nodes.some(({ kind }) => kind !== 'symlink');
  const may = (name: OpenDialog) => mayOpen(name, nodes, space);
  return (
    <>
      {typeof version === 'string' && <DownloadLink version={version} label={actions.download} />}
      {isZip && nodes.length <= ZIP_MAX && <ZipLink nodes={nodes.map(({ id }) => id)} />}
      {isZip && nodes.length > ZIP_MAX && (
        <Button icon="download" label={actions.download} onClick={() => notices.show(texts.zipMost(ZIP_MAX))} />
      )}
      {may('share') && <Button icon="people" label={actions.share} onClick={() => (dialog.value = 'share')} />}
      {may('link') && <Button icon="link" label={actions.link} onClick={() => (dialog.value = 'link')} />}
      {may('rename') && <Button icon="rename" label={actions.rename} onClick={() => (dialog.value = 'rename')} />}
      {may('move') && <Button icon="move" label={actions.move} onClick={() => (dialog.value = 'move')} />}
      {may('replace') && <Button icon="upload" label={actions.replace} onClick={() => (dialog.value = 'replace')} />}
      {may('copy') && <Button icon="copy" label={actions.copy} onClick={() => (dialog.value = 'copy')} />}
      {may('remove') && <Button icon="trash" label={actions.remove} onClick={() => (dialog.value = 'remove')} />}
      {may(dialog.value) && <NodeDialog nodes={nodes} space={space} dialog={dialog} onChanged={onChanged} />}
    </>
  );
}

function NodeDialog({ nodes, space, dialog, onChanged }: NodeActionsProps) {
  const { edits, notices } = useApp();
  const onClose = () => (dialog.value = undefined);
  const [first] = nodes;
  if (first === undefined) return null;
  if (dialog.value === 'rename') {
    const onName = async (name: string) => {
      if (name === first.name) return;
      const renamed = await edits.move(first, { name });
      onChanged(renamed);
      notices.show(texts.rename.done, async () => onChanged(await edits.move(renamed, { name: first.name })));
    };
    const { title, name } = texts.rename;
    return <NameDialog {...{ title, onName, onClose }} label={name} submit={texts.actions.rename} name={first.name} />;
  }
  if (dialog.value === 'move') {
    return <MoveDialog {...{ nodes, space, onChanged, onClose }} />;
  }
  if (dialog.value === 'copy') return <CopyDialog {...{ nodes, space, onChanged, onClose }} />;
  if (dialog.value === 'replace') return <ReplaceDialog node={first} onClose={onClose} />;
  if (dialog.value === 'share') return <MembersDialog node={first.id} name={first.name} onClose={onClose} />;
  if (dialog.value === 'link') return <LinkDialog node={first} space={space} onClose={onClose} />;
  return <RemoveDialog nodes={nodes} space={space} onChanged={onChanged} onClose={onClose} />;
}
