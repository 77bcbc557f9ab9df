import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { NodeRecord, SpaceRecord } from '../../cloud/records.ts';
import { useApp } from '../app-state.ts';
import { CopyTree } from '../copy-tree.ts';
import { mayChange } from '../edits.ts';
import { Folder } from '../folder.ts';
import { shown } from '../format.ts';
import { sorted } from '../sorting.ts';
import { texts } from '../texts.ts';
import { spaceTitle } from './breadcrumbs.tsx';
import { Dialog } from './dialog.tsx';
import { Icon } from './icon.tsx';

interface FolderDialogProps {
  readonly nodes: readonly NodeRecord[];
  readonly space: SpaceRecord;
  /** Called for each node that is new or somewhere else. */
  readonly onChanged: (node: NodeRecord) => void;
  readonly onClose: () => void;
}

/** Moves nodes to another folder of their space. */
export function MoveDialog({ nodes, space, onChanged, onClose }: FolderDialogProps) {
  const { edits, notices } = useApp();
  const target = useSignal(nodes[0]?.parent ?? space.root);
  const move = async () => {
    const moved: [NodeRecord, string][] = [];
    for (const node of nodes.filter(({ parent }) => parent !== target.value)) {
      const there = await edits.move(node, { parent: target.value });
      moved.push([there, node.parent]);
      onChanged(there);
    }
    const undo = async () => {
      for (const [node, parent] of moved) onChanged(await edits.move(node, { parent }));
    };
    if (moved.length > 0) notices.show(texts.moved(moved.length), undo);
  };
  const { title, submit, into } = texts.move;
  return (
    <Dialog title={title(nodes.length)} submit={submit} onSubmit={move} onClose={onClose}>
      <Chooser key={target.value} id={target.value} {...{ nodes, into }} onChoose={(id) => (target.value = id)} />
    </Dialog>
  );
}

/** Copies nodes of any space to a folder: of their space, if that may be written, and else of Sync. */
export function CopyDialog({ nodes, space, onChanged, onClose }: FolderDialogProps) {
  const { api, notices, spaces } = useApp();
  const isHere = mayChange(space);
  const target = useSignal((isHere ? nodes[0]?.parent : spaces.sync.value?.root) ?? space.root);
  const copy = async () => {
    const tree = new CopyTree(api);
    const to = { space: isHere ? space.id : (spaces.sync.value?.id ?? space.id), parent: target.value };
    for (const node of nodes) onChanged(await tree.copy(node, space, to));
    notices.show(texts.copy.done(nodes.length));
  };
  const { title, submit, into } = texts.copy;
  return (
    <Dialog title={title(nodes.length)} submit={submit} onSubmit={copy} onClose={onClose}>
      <Chooser key={target.value} id={target.value} {...{ nodes, into }} onChoose={(id) => (target.value = id)} />
    </Dialog>
  );
}

interface ChooserProps {
  readonly id: string;
  /** Which cannot be chosen. */
  readonly nodes: readonly NodeRecord[];
  /** What would happen with a folder. */
  readonly into: (folder: string) => string;
  readonly onChoose: (id: string) => void;
}

function Chooser({ id, nodes, into, onChoose }: ChooserProps) {
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
      <p>{into(shown(name))}</p>
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
