import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { NodeRecord, SpaceRecord } from '../../cloud/records.ts';
import { useApp } from '../app-state.ts';
import { Folder } from '../folder.ts';
import { shown } from '../format.ts';
import { sorted } from '../sorting.ts';
import { texts } from '../texts.ts';
import { spaceTitle } from './breadcrumbs.tsx';
import { Dialog } from './dialog.tsx';
import { Icon } from './icon.tsx';

interface MoveDialogProps {
  readonly nodes: readonly NodeRecord[];
  readonly space: SpaceRecord;
  readonly onMoved: () => void;
  readonly onClose: () => void;
}

/** Chooses another folder of the space. */
export function MoveDialog({ nodes, space, onMoved, onClose }: MoveDialogProps) {
  const { edits } = useApp();
  const target = useSignal(nodes[0]?.parent ?? space.root);
  const move = async () => {
    const moved = nodes.filter(({ parent }) => parent !== target.value);
    for (const node of moved) await edits.move(node, { parent: target.value });
    if (moved.length > 0) onMoved();
  };
  return (
    <Dialog title={texts.move.title(nodes.length)} submit={texts.move.submit} onSubmit={move} onClose={onClose}>
      <Chooser key={target.value} id={target.value} nodes={nodes} onChoose={(id) => (target.value = id)} />
    </Dialog>
  );
}

interface ChooserProps {
  readonly id: string;
  readonly nodes: readonly NodeRecord[];
  readonly onChoose: (id: string) => void;
}

function Chooser({ id, nodes, onChoose }: ChooserProps) {
  const { api, live, spaces } = useApp();
  const folder = useMemo(() => new Folder(api, live, id), []);
  useEffect(() => () => folder.close(), []);
  const moving = new Set(nodes.map((node) => node.id));
  const folders = useComputed(() =>
    sorted(
      // A shared folder is another space.
      folder.entries.value.filter(({ kind, mount }) => kind === 'folder' && mount === undefined),
      { column: 'name', descending: false },
    ).filter((node) => !moving.has(node.id)),
  );
  const location = folder.location.value;
  if (location === undefined) return <p class="hint">{texts.list.loading}</p>;
  const above = location.path.length === 0 ? undefined : (location.path.at(-2)?.id ?? location.space.root);
  const name = location.path.at(-1)?.name ?? spaceTitle(location.space, spaces);
  return (
    <>
      <p>{texts.move.into(shown(name))}</p>
      <ul class="cards chooser">
        {above !== undefined && (
          <li>
            <button type="button" class="what" onClick={() => onChoose(above)}>
              <Icon name="up" />
              {texts.actions.up}
            </button>
          </li>
        )}
        {folders.value.map((node) => (
          <li key={node.id}>
            <button type="button" class="what" onClick={() => onChoose(node.id)}>
              <Icon name="folder" />
              <bdi>{shown(node.name)}</bdi>
            </button>
          </li>
        ))}
        {folders.value.length === 0 && <li class="hint">{texts.move.none}</li>}
      </ul>
    </>
  );
}
