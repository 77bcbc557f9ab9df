import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import type { ChosenFolder } from '../../daemon/page/chosen-folder.ts';
import { shown } from '../format.ts';
import { Dialog, textOf } from '../ui/dialog.tsx';
import { Icon } from '../ui/icon.tsx';
import { usePage } from './page-state.ts';
import { texts } from './texts.ts';

const { backups } = texts;

interface FolderDialogProps {
  readonly title: string;
  readonly submit: string;
  /** @param folder absolute */
  readonly onChoose: (folder: string, fields: FormData) => Promise<void>;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** Chooses a folder of this computer. */
export function FolderDialog({ title, submit, onChoose, onClose, children }: FolderDialogProps) {
  const page = usePage();
  const here = useSignal<ChosenFolder | undefined>(undefined);
  const problem = useSignal('');
  const go = async (path?: string): Promise<void> => {
    problem.value = '';
    const query = path === undefined ? '' : `?path=${encodeURIComponent(path)}`;
    try {
      here.value = await page.api.get<ChosenFolder>(`/choose${query}`);
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
  };
  useEffect(() => void go(), []);
  const choose = async (fields: FormData): Promise<void> => {
    if (here.value !== undefined) await onChoose(here.value.path, fields);
  };
  return (
    <Dialog title={title} submit={submit} onSubmit={choose} onClose={onClose}>
      {here.value !== undefined && <Chooser folder={here.value} onGo={(path) => void go(path)} />}
      <p class="problem">{problem}</p>
      {children}
    </Dialog>
  );
}

/** Chooses a folder of this computer and when it is backed up. */
export function AddBackup({ onClose }: { readonly onClose: () => void }) {
  const page = usePage();
  const add = async (folder: string, fields: FormData): Promise<void> => {
    await page.api.post('/backups', { folder, schedule: textOf(fields, 'schedule') });
    await page.refresh();
  };
  return (
    <FolderDialog title={backups.add} submit={backups.choose} onChoose={add} onClose={onClose}>
      <label>
        {backups.schedule}
        <select name="schedule">
          {Object.entries(backups.schedules).map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </label>
    </FolderDialog>
  );
}

interface ChooserProps {
  readonly folder: ChosenFolder;
  readonly onGo: (path: string) => void;
}

function Chooser({ folder: { path, parent, folders }, onGo }: ChooserProps) {
  const separator = path.includes('\\') ? '\\' : '/';
  const below = (name: string): string => (path.endsWith(separator) ? path + name : path + separator + name);
  return (
    <>
      <p>
        <bdi>{shown(path)}</bdi>
      </p>
      <ul class="cards chooser" aria-label={backups.here(path)}>
        {parent !== undefined && (
          <li>
            <button type="button" class="what" onClick={() => onGo(parent)}>
              <Icon name="up" />
              {backups.up}
            </button>
          </li>
        )}
        {folders.map((name) => (
          <li key={name}>
            <button type="button" class="what" onClick={() => onGo(below(name))}>
              <Icon name="folder" />
              <bdi>{shown(name)}</bdi>
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}
