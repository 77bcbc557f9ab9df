import { useSignal } from '@preact/signals';
import type { NodeRecord, SpaceRecord } from '../../cloud/records.ts';
import { ApiError } from '../api.ts';
import { useApp } from '../app-state.ts';
import { shown } from '../format.ts';
import { texts } from '../texts.ts';
import { Dialog, textOf } from './dialog.tsx';
import { PasswordField } from './password-field.tsx';

interface RemoveDialogProps {
  readonly nodes: readonly NodeRecord[];
  readonly space: SpaceRecord;
  readonly onChanged: (node: NodeRecord) => void;
  readonly onClose: () => void;
}

/** Asks before something goes to the Trash; in the Archive and in backups for the password. */
export function RemoveDialog({ nodes, space, onChanged, onClose }: RemoveDialogProps) {
  const { edits, notices } = useApp();
  const sealed = space.kind === 'archive' || space.kind === 'backup' ? space.kind : undefined;
  /** Set when another computer has changed something in a folder: the user has been told. */
  const isTold = useSignal(false);
  const remove = async (fields: FormData) => {
    const removed: NodeRecord[] = [];
    const seen = isTold.value ? Number.MAX_SAFE_INTEGER : space.rev;
    for (const node of nodes) {
      try {
        if (sealed !== undefined) onChanged(await edits.removeWithPassword(node, sealed, textOf(fields, 'password')));
        else {
          const tombstone = await edits.remove(node, seen);
          removed.push(tombstone);
          onChanged(tombstone);
        }
      } catch (error) {
        if (node.kind === 'folder' && error instanceof ApiError && error.code === 'conflict') isTold.value = true;
        throw error;
      }
    }
    const undo = async () => {
      for (const { id } of removed) onChanged(await edits.restore(id));
    };
    if (sealed !== undefined) notices.show(texts.removed(nodes.length));
    else notices.show(texts.removed(nodes.length), undo);
  };
  const [first] = nodes;
  return (
    <Dialog
      title={texts.remove.title(nodes.length)}
      submit={texts.actions.remove}
      isDangerous
      onSubmit={remove}
      onClose={onClose}
    >
      {nodes.length === 1 && (
        <p>
          <bdi>{shown(first?.name ?? '')}</bdi>
        </p>
      )}
      <p>{isTold.value ? texts.remove.changed : texts.remove.trash}</p>
      {sealed !== undefined && <p>{texts.remove[sealed]}</p>}
      {sealed !== undefined && <PasswordField />}
    </Dialog>
  );
}
