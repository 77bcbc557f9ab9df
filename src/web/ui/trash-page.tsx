import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { NodeRecord, SpaceRecord, TrashRecord } from '../../cloud/records.ts';
import { useApp } from '../app-state.ts';
import { date, shown } from '../format.ts';
import { texts } from '../texts.ts';
import { Button } from './button.tsx';
import { Dialog, textOf } from './dialog.tsx';
import { Icon } from './icon.tsx';
import { Missing } from './missing.tsx';
import { PasswordField } from './password-field.tsx';
import { useLoaded } from './use-loaded.ts';
import { useTitle } from './use-title.ts';
import { useVirtualRows } from './virtual-rows.ts';

export function TrashPage() {
  const app = useApp();
  useTitle(texts.trash.title);
  useEffect(() => {
    app.spaces.current.value = undefined;
  }, []);
  const purging = useSignal<NodeRecord | undefined>(undefined);
  const { value, state, reload } = useLoaded<TrashRecord[]>(
    async () => (await Array.fromAsync(app.api.lines<TrashRecord>('/v1/trash'))).flat(),
    () => true,
  );
  const restoring = useSignal<NodeRecord | undefined>(undefined);
  const restore = async (node: NodeRecord, password?: string) => {
    const { name } = await app.edits.restore(node.id, password);
    app.notices.show(texts.trash.restored(shown(name)));
    await reload();
  };
  const startRestore = ({ node }: TrashRecord) => {
    const space = app.spaces.all.value?.find(({ id }) => id === node.space);
    if (space?.kind === 'backup') restoring.value = node;
    else void app.attempt(() => restore(node));
  };
  if (state === 'failed' || state === 'missing') return <Missing isGone={false} onRetry={() => void reload()} />;
  return (
    <>
      <h1>{texts.trash.title}</h1>
      {value.value?.length === 0 && <p class="hint">{texts.trash.empty}</p>}
      {value.value !== undefined && value.value.length > 0 && (
        <Removed records={value.value} onRestore={startRestore} onPurge={({ node }) => (purging.value = node)} />
      )}
      {restoring.value !== undefined && (
        <RestoreDialog node={restoring.value} onRestore={restore} onClose={() => (restoring.value = undefined)} />
      )}
      {purging.value !== undefined && (
        <PurgeDialog node={purging.value} onPurged={() => void reload()} onClose={() => (purging.value = undefined)} />
      )}
    </>
  );
}

interface RemovedProps {
  readonly records: readonly TrashRecord[];
  readonly onRestore: (record: TrashRecord) => void;
  readonly onPurge: (record: TrashRecord) => void;
}

function Removed({ records, onRestore, onPurge }: RemovedProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualRows(records.length, scroller, 0);
  return (
    <div class="entries" ref={scroller} tabIndex={0} role="group" aria-label={texts.trash.title}>
      <ul class="body" style={{ height: `${rows.getTotalSize()}px` }}>
        {rows.getVirtualItems().map(({ index, start, size: height }) => {
          const record = records[index];
          if (record === undefined) return null;
          const name = shown(record.node.name);
          return (
            <li
              key={record.node.id}
              class="row card"
              aria-posinset={index + 1}
              aria-setsize={records.length}
              style={{ height: `${height}px`, transform: `translateY(${start}px)` }}
            >
              <Icon name={record.node.kind} />
              <span class="what" title={shown(record.path)}>
                <bdi>{name}</bdi>
                <small>{texts.trash.removed(date(record.removed), record.size)}</small>
              </span>
              <Button
                icon="restore"
                label={texts.actions.restore}
                title={texts.trash.restore(name)}
                onClick={() => onRestore(record)}
              />
              <Button
                icon="trash"
                label={texts.actions.purge}
                title={texts.trash.purge(name)}
                onClick={() => onPurge(record)}
              />
            </li>
          );
        })}
      </ul>
    </div>
  );
}

interface RestoreDialogProps {
  readonly node: NodeRecord;
  readonly onRestore: (node: NodeRecord, password: string) => Promise<void>;
  readonly onClose: () => void;
}

/** Asks for the password before something comes back into a backup. */
function RestoreDialog({ node, onRestore, onClose }: RestoreDialogProps) {
  const restore = async (fields: FormData) => onRestore(node, textOf(fields, 'password'));
  return (
    <Dialog title={texts.trash.restoreTitle} submit={texts.actions.restore} onSubmit={restore} onClose={onClose}>
      <p>
        <bdi>{shown(node.name)}</bdi>
      </p>
      <p>{texts.trash.restorePassword}</p>
      <PasswordField />
    </Dialog>
  );
}

interface PurgeDialogProps {
  readonly node: NodeRecord;
  readonly onPurged: () => void;
  readonly onClose: () => void;
}

function PurgeDialog({ node, onPurged, onClose }: PurgeDialogProps) {
  const { api, spaces } = useApp();
  const space = spaces.all.value?.find(({ id }) => id === node.space);
  const asksPassword = needsPassword(space);
  const purge = async (fields: FormData) => {
    const body = asksPassword ? { password: textOf(fields, 'password') } : undefined;
    await api.json('DELETE', `/v1/trash/${node.id}`, body === undefined ? {} : { body });
    onPurged();
  };
  return (
    <Dialog title={texts.trash.purgeTitle} submit={texts.actions.purge} isDangerous onSubmit={purge} onClose={onClose}>
      <p>
        <bdi>{shown(node.name)}</bdi>
      </p>
      <p>{texts.trash.purgeText}</p>
      {asksPassword && <p>{texts.trash.purgePassword}</p>}
      {asksPassword && <PasswordField />}
    </Dialog>
  );
}

function needsPassword(space: SpaceRecord | undefined): boolean {
  return space === undefined || space.kind === 'archive' || !space.writable;
}
